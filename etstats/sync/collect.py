"""The game servers' part of a run: connect, look, decide, fetch, and look again until the time is up.

Each server has a thread of its own, so that a slow or dead one holds up nobody. What is whole is handed on at
once; this package does not use the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread

from etstats.sync import open_source
from etstats.sync.events import FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob, Timing, plan
from etstats.sync.planner import FetchPlan
from etstats.sync.worker import ServerWorker

__all__ = [
    "FetchFailed",
    "FileFetched",
    "Finished",
    "Listed",
    "SyncEvent",
    "SyncJob",
    "Timing",
    "decide",
    "started",
]

_AHEAD = 512  # files fetched and not yet imported: some 2 MB
_QUIET_SECONDS = 1.0


@contextmanager
def started(routes: list[SyncJob], timing: Timing) -> Iterator[Iterator[list[SyncEvent]]]:
    """Fetch from all servers side by side, from the beginning of the block on.

    Gives what happens, gathered as it comes, until all have ended, and nothing after each second in which nothing
    did; leaving the block ends them.
    """
    queue: Queue[SyncEvent] = Queue(maxsize=_AHEAD)
    visits = [ServerWorker(route, timing, queue.put) for route in routes]
    threads = [Thread(target=visit.run, daemon=True) for visit in visits]
    for thread in threads:
        thread.start()
    try:
        yield _gathered(queue, len(routes))
    finally:
        timing.stop.set()
        while any(thread.is_alive() for thread in threads):
            _drain(queue)
            threads[0].join(0.05)
            threads = [thread for thread in threads if thread.is_alive()]


def decide(route: SyncJob) -> FetchPlan:
    """What a run would take now, and what it would leave; fetches nothing."""
    with open_source(route.place) as source:
        listing = source.look()
    assert listing is not None  # noqa: S101  # a first listing is never skipped
    return plan(route, listing)


def _gathered(queue: Queue[SyncEvent], open_routes: int) -> Iterator[list[SyncEvent]]:
    while open_routes:
        try:
            events = [queue.get(timeout=_QUIET_SECONDS)]
        except Empty:
            yield []
            continue
        while len(events) < _AHEAD:
            try:
                events.append(queue.get_nowait())
            except Empty:
                break
        open_routes -= sum(isinstance(h, Finished) for h in events)
        yield events


def _drain(queue: Queue[SyncEvent]) -> None:
    """Let a thread that waits for a free slot in the queue finish."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
