"""Types for files: at the source, in the database, and the differences between locations.

Stamps are by the server's clock without zone, as in file names; `first_seen` and `last_seen` are aware times.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from etstats.domain.rounds import RemoteFile, RoundName

MAX_ROUND_BYTES = 1 << 17
"""No round file is larger: with 32 players it has 10 KB, with 64 players and the longest names 75 KB."""

HEAD_BYTES = 1 << 12
"""The number of bytes stored of a file larger than any round, besides its hash and size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file's size and mtime (seconds UTC), in a folder or at its last import.

    `mtime` is None if a stored file was not imported from its source.
    """

    size: int
    mtime: int | None
    in_quarantine: bool = False

    def is_same(self, file: RemoteFile) -> bool:
        """Return whether a listed file is unchanged."""
        return self.size == file.size and self.mtime in (None, file.mtime)


class Incoming(NamedTuple):
    """A file to import; `mtime` is that of the source, in seconds UTC.

    For a file larger than any round, `content` may be only its head. `hash` (SHA-256, hex) and `size` are always
    those of the whole file at the source, also if a player in `content` was anonymized.
    """

    filename: str
    content: bytes
    mtime: int | None = None
    hash: str | None = None
    size: int | None = None

    @property
    def source_hash(self) -> str:
        """The SHA-256 of the source's bytes, in hex."""
        return self.hash or hash_of(self.content)

    @property
    def source_size(self) -> int:
        """The number of the source's bytes."""
        return len(self.content) if self.size is None else self.size


class StoredFile(NamedTuple):
    """The archive row of a file name; hash, size and mtime are those of the file at the source."""

    id: int
    filename: str
    source_hash: str
    source_size: int
    source_mtime: int | None
    success: bool
    discarded: bool
    duplicate_of: int | None
    rejected_hash: str | None


class KeptFile(NamedTuple):
    """A file in the database; `size` and `mtime` are those of the source at the last import.

    `archived_size` differs if a player was anonymized. `waits`: the file, or a later version, is in quarantine and
    not discarded. `is_paired`: the other round of its match is stored, or the server does not play stopwatch.
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
        """Whether the file was discarded by an administrator."""
        return not self.success and not self.waits


class FileLocations(NamedTuple):
    """The round files of a server by location; `on_server` is None if the server was not listed.

    `clock`: the current time by the server's clock; `window`: the start of a sync now.
    """

    server: str
    clock: datetime
    window: datetime | None
    on_server: Mapping[RoundName, KnownFile] | None
    in_folder: Mapping[RoundName, KnownFile]
    kept: Mapping[RoundName, KeptFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountInterval:
    """A time range in which a count did not change."""

    what: str
    count: int
    first_seen: datetime
    last_seen: datetime


class Counts(NamedTuple):
    """The number of round files by location; `on_server` is None if the server was not listed.

    `processed`: all files in the database: good, duplicate, quarantined and discarded ones.
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
    """The change of a count since earlier runs."""

    NEW = "not counted before"
    STABLE = "stable"
    GROWING = "growing"
    SHRINKING = "shrinking"


class CountTrend(NamedTuple):
    """The trend of a count, its start, and the count at the start."""

    trend: Trend
    since: datetime | None = None
    was: int | None = None


class Verdict(StrEnum):
    """Whether an administrator must act."""

    FINE = "fine"
    PROBLEM = "look at this"


class DiscrepancyKind(StrEnum):
    """The kind of difference that a set of files has."""

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


class FileFinding(NamedTuple):
    """A set of files with a verdict, the reason (`because`) and what to do (`to_do`).

    `recent`: the number of files of the last seven days. `months`: the number by month, `2025-10`.
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


class GapDay(NamedTuple):
    """A day with play, by the server's clock: the numbers of known files and stored rounds.

    `missing`: known files without a round; `unpaired`: rounds without the other round of the match.
    """

    day: date
    known: int
    stored: int
    missing: int
    unpaired: int
    verdict: Verdict


def hash_of(content: bytes) -> str:
    """Return the SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()
