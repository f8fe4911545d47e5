"""The rules common to all sources: when a listing may be skipped, and which names are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.sync.source import MAX_RECENT, UNKNOWN_MTIME, is_unchanged, next_state, refusal, shown


def poll_once(state: ListingState | None, folder_mtime: int, now: float) -> tuple[bool, ListingState]:
    """Poll a source once; return whether the listing was skipped, and the new state."""
    if state is not None and is_unchanged(state, folder_mtime, now):
        return True, state
    return False, next_state(state, folder_mtime, now, [])


def test_change_is_listed_twice() -> None:
    """The first listing may miss a file of the same second; one made two seconds later cannot."""
    _, state = poll_once(None, 100, 1000.0)
    skipped, state = poll_once(state, 100, 1001.0)
    assert not skipped
    skipped, state = poll_once(state, 100, 1005.0)
    assert not skipped
    assert poll_once(state, 100, 1010.0)[0]
    assert not poll_once(state, 101, 1010.0)[0]


def test_listing_state_expires_after_ten_minutes() -> None:
    """A state expires after ten minutes, and when the local clock is set back."""
    state = ListingState(mtime=100, first_seen=1000.0, listed=1005.0)
    assert is_unchanged(state, 100, 1604.0)
    assert not is_unchanged(state, 100, 1605.0)
    assert not is_unchanged(state, 100, 900.0)


def test_folder_without_mtime_is_always_listed() -> None:
    """Without a folder mtime, each poll lists the folder."""
    assert not is_unchanged(ListingState(mtime=UNKNOWN_MTIME, first_seen=0.0, listed=5.0), UNKNOWN_MTIME, 6.0)


@given(
    changes=st.lists(st.floats(min_value=0, max_value=200), max_size=20),
    looks=st.lists(st.floats(min_value=0, max_value=200), min_size=1, max_size=60),
    offset=st.integers(min_value=-50_000, max_value=50_000),
)
def test_skipped_listing_misses_no_file(changes: list[float], looks: list[float], offset: int) -> None:
    """When a listing is skipped, the last one has all files, even if the clocks differ by hours."""
    state: ListingState | None = None
    listed_at = -1.0
    for now in sorted(looks):
        there = [change for change in changes if change <= now]
        mtime = int(max(there, default=0.0)) + offset
        skipped, state = poll_once(state, mtime, now)
        if skipped:
            assert not [change for change in there if change > listed_at]
        else:
            listed_at = now


def test_only_recent_files_are_checked_again() -> None:
    """By the source's clock, and a limited number."""
    young = [RemoteFile(name=f"{number}", size=1, mtime=9_500 + number) for number in range(100)]
    old = [RemoteFile(name="old", size=1, mtime=9_399)]
    state = next_state(None, 10_000, 1.0, [*old, *young])
    assert len(state.recent) == MAX_RECENT
    assert state.recent[0].mtime == 9_599
    assert next_state(None, 10_000, 1.0, old).recent == ()
    assert next_state(state, 10_000, 601.0, young).recent == ()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "\x1b[0m", "a\u202eb", "x" * 256, "ž" * 128]
)
def test_unsafe_names_are_refused(name: str) -> None:
    """Paths, control characters, bidirectional text, and names no file system allows."""
    assert refusal(name)


@pytest.mark.parametrize("name", ["2025-10-02-232818-erdenberg_t2-round-2.txt", "...", "a b", "ž.txt", "x" * 255])
def test_unusual_names_are_accepted(name: str) -> None:
    """Unusual names are accepted here; the planner checks the pattern."""
    assert refusal(name) is None


@given(st.text())
def test_shown_text_is_safe_for_a_terminal(text: str) -> None:
    """One line, without control characters, with a limited length."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 120
