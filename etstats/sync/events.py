"""The events that a server's worker delivers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import EtstatsError
from etstats.sync.planner import SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A listing is complete: the number of round files, of files to fetch, and of files that each layer skipped.

    `listed` is None when the folder is unchanged since an earlier run and was not listed. `refused_names`: names
    that end like a round file but are not accepted, with the reasons.
    """

    server: str
    listed: int | None
    to_fetch: int
    skipped: Mapping[SkipReason, int]
    refused_names: Mapping[str, str] = field(default_factory=dict)
    too_old: tuple[str, ...] = ()
    """Round files skipped because of the dates in their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFetched:
    """A complete file; `fetch_ms` is the time since its listing began (ms).

    For a file larger than any round, `content` is its head and `hash` the hexadecimal SHA-256 of the whole file.
    """

    server: str
    file: RemoteFile
    content: bytes
    fetch_ms: float
    hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """A file could not be fetched; `is_passing`: the next poll tries again."""

    server: str
    filename: str
    reason: str
    is_passing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged:
    """While polling, the connection was lost (`error`; the worker reconnects) or restored (None)."""

    server: str
    error: EtstatsError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A worker ended, normally or with an error; `listing_state` is set when all listed files were delivered."""

    server: str
    error: EtstatsError | None
    listing_state: ListingState | None = None


SyncEvent = Listed | FileFetched | FetchFailed | ConnectionChanged | Finished
