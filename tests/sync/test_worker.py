"""A worker with files that change during the read."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.sync import worker
from etstats.sync.events import FetchFailed, FileFetched, Finished, SyncEvent
from etstats.sync.job import SyncJob, Timing
from etstats.sync.source import Failed, Fetched, Listing, outcome
from tests.support.files import round_file

NAME = "2025-10-02-213000-supply-round-1.txt"
CONTENT = round_file("2025-10-02-213000").content
SIZE = len(CONTENT)


class Unsteady:
    """A source that lists one file with these sizes in turn and always returns the same bytes."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self._sizes = iter(sizes)

    def list_files(self, last: ListingState | None = None) -> Listing:
        file = RemoteFile(name=NAME, size=next(self._sizes), mtime=1)
        return Listing(files=(file,), refused=(), state=ListingState(mtime=1, first_seen=0, listed=0))

    def fetch(self, files: Iterable[RemoteFile]) -> Iterator[Fetched | Failed]:
        for file in files:
            yield outcome(file, CONTENT, len(CONTENT), 1)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[SyncEvent]]:
    """Run a worker once over a source that lists these sizes."""

    def run(*sizes: int) -> list[SyncEvent]:
        source = Unsteady(sizes)

        @contextmanager
        def opened(_place: object) -> Iterator[Unsteady]:
            yield source

        monkeypatch.setattr(worker, "open_source", opened)
        monkeypatch.setattr(worker, "_SETTLE_SECONDS", 0.01)
        seen: list[SyncEvent] = []
        job = SyncJob(server="main", location=tmp_path, folder=tmp_path / "copies", known={}, since=None)
        worker.ServerWorker(job, Timing(until=time.monotonic() + 60), seen.append).run()
        return [event for event in seen if isinstance(event, FetchFailed | FileFetched | Finished)]

    return run


def test_file_that_changed_once_is_fetched_in_the_same_run(events: Callable[..., list[SyncEvent]]) -> None:
    """The second listing has the final size."""
    failed, fetched, finished = events(SIZE + 1, SIZE)
    assert isinstance(failed, FetchFailed)
    assert failed.is_passing
    assert isinstance(fetched, FileFetched)
    assert fetched.content == CONTENT
    assert isinstance(finished, Finished)
    assert finished.error is None


def test_file_that_never_matches_its_listing_is_reported(events: Callable[..., list[SyncEvent]]) -> None:
    """If size and time are listed twice and the bytes differ, the failure is permanent."""
    first, second, _ = events(SIZE + 1, SIZE + 1)
    assert isinstance(first, FetchFailed)
    assert isinstance(second, FetchFailed)
    assert (first.is_passing, second.is_passing) == (True, False)
    assert "the same size and time as before" in second.reason


def test_growing_file_is_left_for_the_next_run(events: Callable[..., list[SyncEvent]]) -> None:
    """If the listed size changes each time, the failure is temporary."""
    *failed, fetched, _ = events(SIZE + 3, SIZE + 2, SIZE + 1, SIZE)
    assert [event.is_passing for event in failed if isinstance(event, FetchFailed)] == [True] * 3
    assert isinstance(fetched, FileFetched)
