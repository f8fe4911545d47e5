"""The settings of one server's worker: source, local folder, poll interval and time range."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from logging import WARNING
from pathlib import Path
from threading import Event

from etstats.domain.files import KnownFile
from etstats.domain.rounds import ListingState, RemoteFile
from etstats.domain.rules.clock import MISDATED
from etstats.errors import EtstatsError
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.sync import local_copies, planner
from etstats.sync.planner import FetchPlan
from etstats.sync.source import Listing, SftpSettings

_STOP_SECONDS = 0.25  # how often a wait for file events checks `stop`


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJob:
    """What to fetch from one server: its source, local folder, known files and the first name (server clock).

    `since_mtime`: files written at this time (seconds UTC) or later are fetched whatever their names say.
    `listing_state`: the listing state of an earlier run, if that run processed every listed file.
    """

    server: str
    location: SftpSettings | Path
    folder: Path
    known: Mapping[str, KnownFile]
    since: datetime | None
    since_mtime: int | None = None
    listing_state: ListingState | None = None


@dataclass(slots=True, kw_only=True)
class Timing:
    """The poll interval (seconds; None: poll once) and the end (`time.monotonic`); `stop` ends polling early."""

    poll: float | None = None
    until: float = field(default_factory=lambda: time.monotonic() + 600)
    stop: Event = field(default_factory=Event)

    @property
    def is_over(self) -> bool:
        """Return whether to stop polling."""
        return self.stop.is_set() or time.monotonic() >= self.until

    def wait(self, seconds: float, changed: Event | None = None) -> None:
        """Sleep until the time, the end of the run, `stop` or `changed`, which is then cleared."""
        end = min(time.monotonic() + seconds, self.until)
        if changed is None:
            self.stop.wait(max(0.0, end - time.monotonic()))
            return
        while not self.is_over and (rest := end - time.monotonic()) > 0:
            if changed.wait(min(rest, _STOP_SECONDS)):
                changed.clear()
                return


def plan(job: SyncJob, listing: Listing, done: Collection[RemoteFile] = ()) -> FetchPlan:
    """Plan which files of a listing to fetch; `done`: the files that this run has processed already."""
    return planner.plan(
        listing,
        stamp_of=_stamp_of,
        known=job.known,
        local=_local_copies(job),
        processed=done,
        since=job.since,
        since_mtime=job.since_mtime,
        latest_mtime=int(time.time() + MISDATED.total_seconds()),
    )


def _stamp_of(name: str) -> datetime | None:
    parsed = parse_filename(name)
    return parsed.stamp if parsed else None


def _local_copies(job: SyncJob) -> dict[str, KnownFile]:
    """Return the local copies; none if the folder cannot be read, because the database has the same files."""
    try:
        return local_copies.local_files(job.folder)
    except EtstatsError as error:
        event("no local copies", level=WARNING, server=job.server, reason=str(error))
        return {}
