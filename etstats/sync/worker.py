"""The worker of one game server: connect, list, fetch new files, reconnect after a lost connection."""

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from logging import DEBUG, WARNING
from pathlib import Path
from threading import Event

from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.domain.rounds import RemoteFile
from etstats.errors import AccessError, ConfigError, EtstatsError, ParseError, SourceError
from etstats.logs import event
from etstats.parser.reader import parse
from etstats.sync import local_copies
from etstats.sync.events import ConnectionChanged, FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob, Timing, plan
from etstats.sync.opening import open_source
from etstats.sync.planner import FetchPlan, SkipReason, refused_names
from etstats.sync.source import Failed, Fetched, Listing, Source

_RECONNECT_SECONDS = 2.0
# The game writes a file in several small writes: an incomplete file is fetched again after this time.
_SETTLE_SECONDS = 2.0
_RECENT_SECONDS = 600


class ServerWorker:
    """Fetches from one server during a run and keeps its state across reconnects.

    `deliver` is called with each event in the thread of `run`; it may block.
    """

    def __init__(self, job: SyncJob, timing: Timing, deliver: Callable[[SyncEvent], None]) -> None:
        self._job = job
        self._timing = timing
        self._deliver = deliver
        self._listing_state = job.listing_state
        """The state of the last listing; None: the next poll must list everything."""
        self._has_polled = False
        self._is_lost = False
        self._done: set[RemoteFile] = set()
        self._incomplete: dict[RemoteFile, float] = {}
        """Incomplete files, with the time of the first fetch (`time.monotonic`)."""
        self._changing: dict[str, tuple[RemoteFile, int]] = {}
        """Files that changed during the read, by name: the listed file, and the number of failed reads."""

    def run(self) -> None:
        """Fetch until the time is up; never raises; the last event is `Finished`."""
        server = self._job.server
        error: EtstatsError | None = None
        try:
            while True:
                error = self._connect()
                if error is None or self._timing.poll is None or self._timing.is_over:
                    break
                event("connection lost", level=WARNING, server=server, reason=str(error))
                self._deliver(ConnectionChanged(server=server, error=error))
                self._is_lost = True
                self._timing.wait(_RECONNECT_SECONDS)
        except EtstatsError as permanent:  # a retry in this run would not help
            error = permanent
        except Exception as bug:  # noqa: BLE001  # an internal error in a thread must reach the report
            error = EtstatsError(f"{server}: {type(bug).__name__}: {bug}; this is an internal error")
        self._deliver(
            Finished(server=server, error=error, listing_state=self._listing_state if error is None else None)
        )

    def _connect(self) -> SourceError | None:
        """Poll over one connection until the time is up; return the error that ended it, else None."""
        try:
            with open_source(self._job.location) as source, self._changes() as changed:
                while True:
                    began = time.monotonic()
                    self._poll(source)
                    if self._is_lost:
                        self._is_lost = False
                        event("connected again", server=self._job.server)
                        self._deliver(ConnectionChanged(server=self._job.server, error=None))
                    if self._timing.poll is not None:
                        self._timing.wait(self._timing.poll - (time.monotonic() - began), changed)
                    elif self._listing_state is None and self._is_unsettled:
                        self._timing.wait(_SETTLE_SECONDS)
                    else:
                        return None
                    if self._timing.is_over:
                        return None
        except (AccessError, ConfigError):
            raise
        except SourceError as error:
            return error

    @property
    def _is_unsettled(self) -> bool:
        """Whether a file was incomplete or changed during the read, so that one more listing may complete it."""
        return bool(self._incomplete.keys() - self._done) or any(
            times == 1 for _, times in self._changing.values()
        )

    def _changes(self) -> AbstractContextManager[Event | None]:
        """Return the file events of a local folder while polling, else None."""
        if self._timing.poll is None or not isinstance(self._job.location, Path):
            return nullcontext()
        from etstats.sync.inotify import folder_events  # noqa: PLC0415  # watchdog

        return folder_events(self._job.location)

    def _poll(self, source: Source) -> None:
        """List the folder once and fetch the new files."""
        listing = source.list_files(self._listing_state)
        if listing is None and not self._has_polled:
            self._deliver(Listed(server=self._job.server, listed=None, to_fetch=0, skipped={}))
            event("unchanged", server=self._job.server)
        self._has_polled = True
        if listing is not None:
            # If a fetch fails, the next poll must list everything, even if the folder's mtime is unchanged.
            self._listing_state = None
            if self._fetch_new(source, listing):
                self._listing_state = listing.state

    def _fetch_new(self, source: Source, listing: Listing) -> bool:
        """Fetch the new files of one listing; return False if the next poll must list everything again.

        When the run's time is up, the next run fetches the remaining files.
        """
        began = time.monotonic()
        decided = plan(self._job, listing, self._done)
        to_fetch = self._announce(listing, decided)
        wanted = {file.name for file in decided.to_fetch}
        self._changing = {name: state for name, state in self._changing.items() if name in wanted}
        oldest_recent = max((file.mtime for file in listing.files), default=0) - _RECENT_SECONDS
        complete = True
        for number, outcome in enumerate(source.fetch(decided.to_fetch)):
            if self._timing.is_over:
                event("time is up", server=self._job.server, left=to_fetch - number)
                return False
            if isinstance(outcome, Failed):
                complete = False
                self._deliver_failure(outcome)
            elif outcome.file.mtime >= oldest_recent and self._may_still_grow(outcome):
                complete = False
                file = outcome.file
                event("not whole yet", server=self._job.server, file=file.name, bytes=file.size)
            else:
                self._deliver_file(outcome, began)
        if decided.to_fetch:
            with suppress(OSError):  # the next run tries again
                local_copies.clear_partials(self._job.folder)
        return complete

    def _announce(self, listing: Listing, decided: FetchPlan) -> int:
        """Deliver the result of a listing; return the number of files to fetch."""
        to_fetch = len(decided.to_fetch)
        skipped = decided.counts()
        listed = to_fetch + sum(skipped.values()) - skipped.get(SkipReason.NAME, 0)
        server = self._job.server
        self._deliver(
            Listed(
                server=server,
                listed=listed,
                to_fetch=to_fetch,
                skipped=skipped,
                refused_names=refused_names(listing),
                too_old=tuple(skip.name for skip in decided.skipped if skip.layer is SkipReason.WINDOW),
            )
        )
        counts = {f"skipped_by_{layer.replace(' ', '_')}": count for layer, count in skipped.items() if count}
        event("listed", server=server, files=listed, new=to_fetch, **counts)
        for skip in decided.skipped:
            event(
                "skipped",
                level=DEBUG,
                server=server,
                file=skip.name,
                layer=skip.layer,
                reason=skip.reason,
            )
        return to_fetch

    def _deliver_failure(self, failed: Failed) -> None:
        """Deliver a failed fetch; not as passing if the same listed file failed before."""
        name, reason, passing = failed.file.name, failed.reason, failed.is_passing
        if passing:
            file, times = self._changing.get(name, (failed.file, 0))
            times = times + 1 if file == failed.file else 1
            self._changing[name] = (failed.file, times)
            if times > 1:
                passing, reason = False, f"{reason}; the listing shows the same size and time as before"
        self._deliver(FetchFailed(server=self._job.server, filename=name, reason=reason, is_passing=passing))

    def _may_still_grow(self, fetched: Fetched) -> bool:
        """Return whether a new file is incomplete and the game may still be writing it."""
        try:
            parse(fetched.file.name, fetched.content)
        except ParseError:
            seen_first = self._incomplete.setdefault(fetched.file, time.monotonic())
            return time.monotonic() - seen_first < _SETTLE_SECONDS
        return False

    def _deliver_file(self, fetched: Fetched, began: float) -> None:
        file, content, sha256 = fetched.file, fetched.content, None
        self._done.add(file)
        self._changing.pop(file.name, None)
        if file.size > MAX_ROUND_BYTES:  # the queue holds hundreds of files in memory
            content, sha256 = content[:HEAD_BYTES], hashlib.sha256(content).hexdigest()
        took = 1000 * (time.monotonic() - began)
        self._deliver(FileFetched(server=self._job.server, file=file, content=content, hash=sha256, fetch_ms=took))
