"""The events of one server's part of a run, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import EtstatsError
from etstats.sync.planner import SkipReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A listing is complete: how many round files there are, how many will come, and how many each layer skipped.

    `listed` is None when the folder was as an earlier run had left it, and was not listed.
    """

    server: str
    listed: int | None
    coming: int
    skipped: Mapping[SkipReason, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFetched:
    """A whole file, with what it took to bring it (ms since the look, shared by all files of the look).

    Of a file larger than any round `content` is the head, and `hash` the SHA-256 of the whole, in hex.
    """

    server: str
    file: RemoteFile
    content: bytes
    fetch_ms: float
    hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """A file that could not be fetched this time."""

    server: str
    filename: str
    reason: str
    is_passing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A server is done with, in good order or by an error; `mark` when all that was seen was handed on."""

    server: str
    error: EtstatsError | None
    mark: ListingState | None = None


SyncEvent = Listed | FileFetched | FetchFailed | Finished
