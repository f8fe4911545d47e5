"""What each place holds of a server's round files, and what was found by laying the places side by side.

Stamps are the server's wall clock, as in the names; `first_seen` and `last_seen` are moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from etstats.domain.rounds import RoundName

MAX_ROUND_BYTES = 1 << 17
"""No round file is larger: with 32 players it has 10 KB, with 64 players and the longest names 75 KB."""

HEAD_BYTES = 1 << 12
"""What is kept of a file that is larger than any round, besides its hash and size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file in the database; `size` and `mtime` are the source's when it was last imported.

    `archived_size` differs where a player was anonymized. `waits`: it, or a later version of it, is in
    quarantine and was not discarded. `is_paired`: its round 1, or its round 2, is stored as well.
    """

    filename: str
    size: int
    mtime: int | None
    archived_size: int
    success: bool
    is_duplicate: bool
    waits: bool
    has_round: bool
    is_paired: bool
    is_cumulative: bool

    @property
    def is_discarded(self) -> bool:
        """Return whether a person discarded it."""
        return not self.success and not self.waits


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """A file as a folder shows it."""

    size: int
    mtime: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLocations:
    """What lies where of one server, round files alone; `on_server` is None when the server was not asked.

    `clock` is now by the server's clock, and `window` where a sync of today begins.
    """

    server: str
    clock: datetime
    window: datetime | None
    on_server: Mapping[RoundName, SeenFile] | None
    in_folder: Mapping[RoundName, SeenFile]
    kept: Mapping[RoundName, KeptFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountInterval:
    """A time in which a count was always seen with the same value."""

    what: str
    count: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many round files lie where; `on_server` is None when the server was not asked or did not answer.

    `processed` is all files in the database, whatever their status: good, duplicates, quarantined or discarded.
    """

    on_server: int | None
    in_folder: int
    processed: int
    good: int
    duplicates: int
    quarantined: int
    discarded: int
    rounds: int


class Trend(StrEnum):
    """How a count compares with those of earlier runs."""

    NEW = "not counted before"
    STABLE = "stable"
    GROWING = "growing"
    SHRINKING = "shrinking"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTrend:
    """A count's trend, since when, and what it was then."""

    trend: Trend
    since: datetime | None = None
    was: int | None = None


class Verdict(StrEnum):
    """Whether a person has to do something."""

    FINE = "fine"
    LOOK = "look at this"


class DiscrepancyKind(StrEnum):
    """What a set of files has in common."""

    NOT_IMPORTED = "not_imported"
    CHANGED = "changed"
    LOCAL_ONLY = "local_only"
    QUARANTINED = "quarantined"
    WITHOUT_ROUND = "without_round"
    LOCAL_DIFFERS = "local_differs"
    DELETED_LOCALLY = "deleted_locally"
    GONE = "gone"
    DUPLICATES = "duplicates"
    DISCARDED = "discarded"
    ROUND2_ALONE = "round2_alone"
    ROUND1_ALONE = "round1_alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFinding:
    """One set of files, `title` in words, with a verdict: `because` it is fine or not, `to_do` what about it.

    `recent` are those of the last seven days. `months` counts by month, `2025-10`.
    """

    kind: DiscrepancyKind
    title: str
    verdict: Verdict
    because: str
    to_do: str
    files: int
    recent: int
    old: int
    months: Mapping[str, int]
    course: CountTrend
    filenames: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapDay:
    """A day of play, by the server's clock: files known of it, rounds stored, and what is not there.

    `missing` files are known and have no round; `unpaired` rounds have no partner.
    """

    day: date
    known: int
    stored: int
    missing: int
    unpaired: int
    verdict: Verdict
