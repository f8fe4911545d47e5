"""One game server's thread: connect, look, take what is new, and connect again when the line breaks."""

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from logging import DEBUG
from pathlib import Path
from threading import Event

from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.domain.rounds import RemoteFile
from etstats.errors import AccessError, ConfigError, EtstatsError, ParseError, SourceError
from etstats.logs import event
from etstats.parser.reader import parse
from etstats.sync import local_copies, open_source
from etstats.sync.events import FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob, Timing, plan
from etstats.sync.planner import FetchPlan, SkipReason
from etstats.sync.source import Failed, Fetched, Listing, Source

_RECONNECT_SECONDS = 2.0
# The game writes a file in several small writes: one that is not whole gets this long, and another look.
_SETTLE_SECONDS = 2.0
_YOUNG_SECONDS = 600


class ServerWorker:
    """One server's part of a run, and what is remembered of the server over all of its connections.

    `deliver` hears what happens, in the thread that `run` is called in; it may make that thread wait.
    """

    def __init__(self, route: SyncJob, timing: Timing, deliver: Callable[[SyncEvent], None]) -> None:
        self._route = route
        self._timing = timing
        self._deliver = deliver
        self._mark = route.mark
        """The state of the last listing; None when the next one must list everything."""
        self._has_looked = False
        self._done: set[RemoteFile] = set()
        self._unfinished: dict[RemoteFile, float] = {}
        """Files that were not whole, with when that was seen first."""

    def run(self) -> None:
        """Fetch until the time is up; raises nothing, and delivers one Ended as the last word."""
        server = self._route.server
        error: EtstatsError | None = None
        try:
            while True:
                error = self._connect()
                if error is None or self._timing.poll is None or self._timing.is_over:
                    break
                event("connection lost", server=server, reason=str(error))
                self._timing.wait(_RECONNECT_SECONDS)
        except EtstatsError as refused:  # another try in this run would not help
            error = refused
        except Exception as fault:  # noqa: BLE001  # a fault of ours in a thread must reach the report, not vanish
            error = EtstatsError(f"{server}: {type(fault).__name__}: {fault}; this is a fault of etstats")
        self._deliver(Finished(server=server, error=error, mark=self._mark if error is None else None))

    def _connect(self) -> SourceError | None:
        """Look and fetch over one connection until the time is up; what broke it, if anything did."""
        try:
            with open_source(self._route.place) as source, self._changes() as changed:
                while True:
                    began = time.monotonic()
                    self._look(source)
                    if self._timing.poll is not None:
                        self._timing.wait(self._timing.poll - (time.monotonic() - began), changed)
                    elif self._mark is None and self._unfinished.keys() - self._done:
                        self._timing.wait(_SETTLE_SECONDS)
                    else:
                        return None
                    if self._timing.is_over:
                        return None
        except (AccessError, ConfigError):
            raise
        except SourceError as error:
            return error

    def _changes(self) -> AbstractContextManager[Event | None]:
        """The kernel's word of new files, where there is one to be had and somebody waits for it."""
        if self._timing.poll is None or not isinstance(self._route.place, Path):
            return nullcontext()
        from etstats.sync.inotify import folder_events  # watchdog is loaded only by those who wait

        return folder_events(self._route.place)

    def _look(self, source: Source) -> None:
        """Look once, and take what is new."""
        listing = source.look(self._mark)
        if listing is None and not self._has_looked:
            self._deliver(Listed(server=self._route.server, listed=None, coming=0, skipped={}))
            event("unchanged", server=self._route.server)
        self._has_looked = True
        if listing is not None:
            # After a file was missed the next poll must list it again, whatever the folder's mtime says.
            self._mark = None
            if self._take(source, listing):
                self._mark = listing.mark

    def _take(self, source: Source, listing: Listing) -> bool:
        """Fetch the new files of one listing; return False when the next one must list everything again.

        When the time of the run is up, the rest is left for the next one.
        """
        began = time.monotonic()
        decided = plan(self._route, listing, self._done)
        coming = self._announce(decided)
        young = max((file.mtime for file in listing.files), default=0) - _YOUNG_SECONDS
        complete = True
        for number, outcome in enumerate(source.fetch(decided.take)):
            if self._timing.is_over:
                event("time is up", server=self._route.server, left=coming - number)
                return False
            if isinstance(outcome, Failed):
                complete = False
                self._miss(outcome)
            elif outcome.file.mtime >= young and self._may_still_grow(outcome):
                complete = False
                file = outcome.file
                event("not whole yet", server=self._route.server, file=file.name, bytes=file.size)
            else:
                self._hand_on(outcome, began)
        if decided.take:
            with suppress(OSError):  # the next run tries again
                local_copies.clear_partials(self._route.folder)
        return complete

    def _announce(self, decided: FetchPlan) -> int:
        """Report a listing's result; return how many files will come."""
        coming = len(decided.take)
        skipped = decided.counts()
        listed = coming + sum(skipped.values()) - skipped.get(SkipReason.NAME, 0)
        server = self._route.server
        self._deliver(Listed(server=server, listed=listed, coming=coming, skipped=skipped))
        for held in decided.skipped:
            event("skipped", level=DEBUG, server=server, file=held.name, layer=held.layer, reason=held.reason)
        return coming

    def _miss(self, failed: Failed) -> None:
        name, reason, passing = failed.file.name, failed.reason, failed.is_passing
        self._deliver(FetchFailed(server=self._route.server, filename=name, reason=reason, is_passing=passing))

    def _may_still_grow(self, fetched: Fetched) -> bool:
        """Whether a young file is not whole and has not stood like that for a while."""
        try:
            parse(fetched.file.name, fetched.content)
        except ParseError:
            seen_first = self._unfinished.setdefault(fetched.file, time.monotonic())
            return time.monotonic() - seen_first < _SETTLE_SECONDS
        return False

    def _hand_on(self, fetched: Fetched, began: float) -> None:
        file, content, sha256 = fetched.file, fetched.content, None
        self._done.add(file)
        if file.size > MAX_ROUND_BYTES:  # hundreds of them wait in memory
            content, sha256 = content[:HEAD_BYTES], hashlib.sha256(content).hexdigest()
        took = 1000 * (time.monotonic() - began)
        self._deliver(
            FileFetched(server=self._route.server, file=file, content=content, hash=sha256, fetch_ms=took)
        )
