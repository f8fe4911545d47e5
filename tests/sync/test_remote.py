"""The rules that every source shares: when a look may be skipped, and which names are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.sync.source import MAX_RECENT, UNKNOWN_MTIME, is_unchanged, next_mark, refusal, shown


def look(mark: ListingState | None, folder_mtime: int, now: float) -> tuple[bool, ListingState]:
    """One look as a source makes it: skipped or not, and the mark it leaves."""
    if mark is not None and is_unchanged(mark, folder_mtime, now):
        return True, mark
    return False, next_mark(mark, folder_mtime, now, [])


def test_a_change_is_looked_at_twice_and_then_trusted() -> None:
    """The first listing may have missed a file of the same second; one made two seconds later cannot."""
    _, mark = look(None, 100, 1000.0)
    skipped, mark = look(mark, 100, 1001.0)
    assert not skipped
    skipped, mark = look(mark, 100, 1005.0)
    assert not skipped
    assert look(mark, 100, 1010.0)[0]
    assert not look(mark, 101, 1010.0)[0]


def test_a_full_listing_every_ten_minutes_all_the_same() -> None:
    """Trust ends, and so it does when our clock jumps back."""
    mark = ListingState(mtime=100, first_seen=1000.0, listed=1005.0)
    assert is_unchanged(mark, 100, 1604.0)
    assert not is_unchanged(mark, 100, 1605.0)
    assert not is_unchanged(mark, 100, 900.0)


def test_a_folder_without_mtime_is_never_trusted() -> None:
    """A server that tells none is listed at each poll."""
    assert not is_unchanged(ListingState(mtime=UNKNOWN_MTIME, first_seen=0.0, listed=5.0), UNKNOWN_MTIME, 6.0)


@given(
    changes=st.lists(st.floats(min_value=0, max_value=200), max_size=20),
    looks=st.lists(st.floats(min_value=0, max_value=200), min_size=1, max_size=60),
    offset=st.integers(min_value=-50_000, max_value=50_000),
)
def test_no_file_is_missed_whatever_the_moments(changes: list[float], looks: list[float], offset: int) -> None:
    """When a look is skipped, the last listing has seen all there is; the clocks may differ by hours."""
    mark: ListingState | None = None
    listed_at = -1.0
    for now in sorted(looks):
        there = [change for change in changes if change <= now]
        mtime = int(max(there, default=0.0)) + offset
        skipped, mark = look(mark, mtime, now)
        if skipped:
            assert not [change for change in there if change > listed_at]
        else:
            listed_at = now


def test_young_files_are_looked_at_again_and_old_ones_are_not() -> None:
    """By the source's own clock, and not too many."""
    young = [RemoteFile(name=f"{number}", size=1, mtime=9_500 + number) for number in range(100)]
    old = [RemoteFile(name="old", size=1, mtime=9_399)]
    mark = next_mark(None, 10_000, 1.0, [*old, *young])
    assert len(mark.recent) == MAX_RECENT
    assert mark.recent[0].mtime == 9_599
    assert next_mark(None, 10_000, 1.0, old).recent == ()
    assert next_mark(mark, 10_000, 601.0, young).recent == ()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "\x1b[0m", "a\u202eb", "x" * 256, "ž" * 128]
)
def test_names_that_are_refused(name: str) -> None:
    """Paths, control characters, text that turns round, and what no file system holds."""
    assert refusal(name)


@pytest.mark.parametrize("name", ["2025-10-02-232818-erdenberg_t2-round-2.txt", "...", "a b", "ž.txt", "x" * 255])
def test_names_that_are_names(name: str) -> None:
    """Odd is not hostile: the round pattern decides later."""
    assert refusal(name) is None


@given(st.text())
def test_shown_text_is_safe_for_a_terminal(text: str) -> None:
    """One line, no control characters, bounded."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 120
