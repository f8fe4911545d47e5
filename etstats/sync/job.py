"""What a run asks of a server: from where to where, how often and how long, and which of the files."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from logging import WARNING
from pathlib import Path
from threading import Event

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import EtstatsError
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.sync import local_copies, planner
from etstats.sync.planner import FetchPlan, KnownFile
from etstats.sync.source import Listing, SftpSettings

_STOP_SECONDS = 0.25  # how long it may take to notice `stop` while the kernel is waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJob:
    """From where to where: a source, its local copy, what is known of it, the first name wanted (server clock).

    `mark`: the listing state of an earlier run, when everything it listed was processed.
    """

    server: str
    place: SftpSettings | Path
    folder: Path
    known: Mapping[str, KnownFile]
    since: datetime | None
    mark: ListingState | None = None


@dataclass(slots=True, kw_only=True)
class Timing:
    """How often to look (seconds; None: once) and until when (`time.monotonic`); `stop` ends it early."""

    poll: float | None = None
    until: float = field(default_factory=lambda: time.monotonic() + 600)
    stop: Event = field(default_factory=Event)

    @property
    def is_over(self) -> bool:
        """Return whether to stop polling."""
        return self.stop.is_set() or time.monotonic() >= self.until

    def wait(self, seconds: float, changed: Event | None = None) -> None:
        """Pause, not past the end; `changed`, which is cleared, ends the pause at once."""
        end = min(time.monotonic() + seconds, self.until)
        if changed is None:
            self.stop.wait(max(0.0, end - time.monotonic()))
            return
        while not self.is_over and (rest := end - time.monotonic()) > 0:
            if changed.wait(min(rest, _STOP_SECONDS)):
                changed.clear()
                return


def plan(route: SyncJob, listing: Listing, done: Collection[RemoteFile] = ()) -> FetchPlan:
    """Which files of a listing are to be taken; `done` are those that this run has dealt with already."""
    return planner.plan(
        listing,
        stamp_of=_stamp_of,
        known=route.known,
        local=_local_copies(route),
        memory=done,
        since=route.since,
    )


def _stamp_of(name: str) -> datetime | None:
    parsed = parse_filename(name)
    return parsed.stamp if parsed else None


def _local_copies(route: SyncJob) -> dict[str, KnownFile]:
    """The local copies; a folder that cannot be read holds none, since nothing depends on it."""
    try:
        return local_copies.local_files(route.folder)
    except EtstatsError as error:
        event("no local copies", level=WARNING, server=route.server, reason=str(error))
        return {}
