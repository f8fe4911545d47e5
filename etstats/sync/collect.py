"""Poll the game servers in threads and collect their events.

Each server has its own thread, so a slow or dead server does not delay the others. Complete files are delivered
at once. This package does not use the database.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread

from etstats.sync.events import ConnectionChanged, FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob, Timing, plan
from etstats.sync.opening import open_source
from etstats.sync.planner import FetchPlan
from etstats.sync.worker import ServerWorker

__all__ = [
    "ConnectionChanged",
    "FetchFailed",
    "FileFetched",
    "Finished",
    "Listed",
    "SyncEvent",
    "SyncJob",
    "Timing",
    "plan_fetch",
    "run_workers",
]

_QUEUE_SIZE = 512  # fetched files that are not imported yet: about 2 MB
_QUIET_SECONDS = 1.0


@contextmanager
def run_workers(jobs: Sequence[SyncJob], timing: Timing) -> Iterator[Iterator[list[SyncEvent]]]:
    """Start a worker for each job; yield an iterator over batches of their events.

    A batch is empty after a second without events. The iterator ends when all workers have ended. Leaving the
    block stops the workers.
    """
    queue: Queue[SyncEvent] = Queue(maxsize=_QUEUE_SIZE)
    workers = [ServerWorker(job, timing, queue.put) for job in jobs]
    threads = [Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield _batches(queue, len(jobs))
    finally:
        timing.stop.set()
        while any(thread.is_alive() for thread in threads):
            _drain(queue)
            threads[0].join(0.05)
            threads = [thread for thread in threads if thread.is_alive()]


def plan_fetch(job: SyncJob) -> FetchPlan:
    """List the source of one job and return what a run would fetch and skip; fetch nothing."""
    with open_source(job.location) as source:
        listing = source.list_files()
    assert listing is not None  # noqa: S101  # a first listing is never skipped
    return plan(job, listing)


def _batches(queue: Queue[SyncEvent], running: int) -> Iterator[list[SyncEvent]]:
    while running:
        try:
            events = [queue.get(timeout=_QUIET_SECONDS)]
        except Empty:
            yield []
            continue
        while len(events) < _QUEUE_SIZE:
            try:
                events.append(queue.get_nowait())
            except Empty:
                break
        running -= sum(isinstance(event, Finished) for event in events)
        yield events


def _drain(queue: Queue[SyncEvent]) -> None:
    """Empty the queue, so that a worker blocked in `put` can finish."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
