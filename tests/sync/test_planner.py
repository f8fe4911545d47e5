"""Which files are fetched, and why the others are skipped."""

from datetime import datetime

import pytest

from etstats.domain.files import KnownFile
from etstats.domain.rounds import ListingState, RemoteFile
from etstats.sync import planner
from etstats.sync.planner import SkipReason, plan
from etstats.sync.source import Listing, Refused

MARK = ListingState(mtime=0, first_seen=0, listed=0)


def at(text: str) -> datetime:
    """A time of the server's clock, without zone."""
    return datetime.fromisoformat(text)


def remote(name: str, size: int = 10, mtime: int = 100) -> RemoteFile:
    return RemoteFile(name=name, size=size, mtime=mtime)


def listing(*files: RemoteFile, refused: tuple[Refused, ...] = ()) -> Listing:
    return Listing(files=files, refused=refused, state=MARK)


def stamp_of(name: str) -> datetime | None:
    """Names like `2025-10-02-232818-supply-round-1.txt`; the planner does not check the pattern."""
    try:
        return datetime.strptime(name[:17], "%Y-%m-%d-%H%M%S") if name.endswith(".txt") else None  # noqa: DTZ007
    except ValueError:
        return None


OLD = remote("2025-10-01-200000-supply-round-1.txt")
NEW = remote("2025-10-02-200000-supply-round-1.txt")


def reasons(todo: planner.FetchPlan) -> dict[str, tuple[SkipReason, str]]:
    return {skipped.name: (skipped.layer, skipped.reason) for skipped in todo.skipped}


def test_new_files_are_fetched_oldest_first() -> None:
    """New files are fetched oldest first in any order of the listing."""
    todo = plan(listing(NEW, OLD), stamp_of=stamp_of, known={})
    assert todo.to_fetch == (OLD, NEW)
    assert todo.skipped == ()


def test_other_names_are_skipped_with_a_reason() -> None:
    """Other names, and those refused by the listing."""
    refused = (Refused(name="../evil", reason="not a plain file name"),)
    todo = plan(listing(remote("x_ws.dat"), refused=refused), stamp_of=stamp_of, known={})
    assert todo.to_fetch == ()
    assert reasons(todo) == {
        "../evil": (SkipReason.NAME, "not a plain file name"),
        "x_ws.dat": (SkipReason.NAME, "not the name of a round file"),
    }


def test_since_is_inclusive_and_until_exclusive() -> None:
    """`since` is inclusive, `until` exclusive."""
    since, until = at("2025-10-01 20:00"), at("2025-10-02 20:00")
    todo = plan(listing(OLD, NEW), stamp_of=stamp_of, known={}, since=since, until=until)
    assert todo.to_fetch == (OLD,)
    assert reasons(todo) == {NEW.name: (SkipReason.WINDOW, "not before 2025-10-02 20:00")}
    todo = plan(listing(OLD, NEW), stamp_of=stamp_of, known={}, since=at("2025-10-01 20:00:01"))
    assert reasons(todo) == {OLD.name: (SkipReason.WINDOW, "older than 2025-10-01 20:00")}


@pytest.mark.parametrize("mtime", [100, None])
def test_known_unchanged_files_are_skipped(mtime: int | None) -> None:
    """Imported from this server, or from elsewhere with the same size; with or without a local copy."""
    todo = plan(listing(OLD), stamp_of=stamp_of, known={OLD.name: KnownFile(size=10, mtime=mtime)})
    assert todo.to_fetch == ()
    assert reasons(todo) == {OLD.name: (SkipReason.PROCESSED, "imported, and unchanged since")}


@pytest.mark.parametrize(
    "was", [KnownFile(size=9, mtime=100), KnownFile(size=10, mtime=99), KnownFile(size=9, mtime=None)]
)
def test_changed_files_are_fetched_again(was: KnownFile) -> None:
    """Another size or mtime, also an older one, even with a local copy."""
    todo = plan(listing(OLD), stamp_of=stamp_of, known={OLD.name: was}, local={OLD.name: was})
    assert todo.to_fetch == (OLD,)


def test_quarantined_file_waits_for_a_change() -> None:
    """A file in quarantine is not fetched until it changes."""
    known = {OLD.name: KnownFile(size=10, mtime=100, in_quarantine=True)}
    todo = plan(listing(OLD), stamp_of=stamp_of, known=known)
    assert reasons(todo) == {OLD.name: (SkipReason.PROCESSED, "in quarantine, and unchanged since")}
    assert plan(listing(remote(OLD.name, 11)), stamp_of=stamp_of, known=known).to_fetch != ()


def test_cheapest_matching_check_decides() -> None:
    """Name, window, memory, local file, processed files: in this order."""
    known = {OLD.name: KnownFile(size=10, mtime=100)}
    every = {"known": known, "local": known, "processed": {OLD}}

    def layer(**given: object) -> SkipReason:
        (skipped,) = plan(listing(OLD), stamp_of=stamp_of, **given).skipped  # type: ignore[arg-type]
        return skipped.layer

    assert layer(**every, since=at("2026-01-01")) is SkipReason.WINDOW
    assert layer(**every) is SkipReason.MEMORY
    assert layer(**every | {"processed": ()}) is SkipReason.LOCAL
    assert layer(**every | {"processed": (), "local": {}}) is SkipReason.PROCESSED


def test_local_copy_alone_is_not_imported() -> None:
    """A file that is not in the database is fetched even if a local copy exists."""
    todo = plan(listing(OLD), stamp_of=stamp_of, known={}, local={OLD.name: KnownFile(size=10, mtime=100)})
    assert todo.to_fetch == (OLD,)


def test_file_changed_during_the_run_is_fetched_again() -> None:
    """Processed files are compared with size and mtime, not only by name."""
    changed = remote(OLD.name, 11)
    assert plan(listing(changed), stamp_of=stamp_of, known={}, processed={OLD}).to_fetch == (changed,)


def test_checks_are_counted_in_order() -> None:
    """The summary of a run."""
    known = {OLD.name: KnownFile(size=10, mtime=100)}
    todo = plan(listing(OLD, remote("a"), remote("b"), NEW), stamp_of=stamp_of, known=known)
    assert list(todo.counts().items()) == [(SkipReason.NAME, 2), (SkipReason.PROCESSED, 1)]
