"""The `Source` protocol: a folder of round files on a game server or on this machine.

`etstats.sync.opening.open_source` opens one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from etstats.domain.rounds import ListingState, RemoteFile

MAX_FILE_BYTES = 1 << 20
"""Larger files are not fetched. A round of 32 players takes 10 KB."""

MAX_NAMES = 500_000
"""The longest accepted listing. A longer one is an error, since a hostile server may send names without end."""

SETTLED_SECONDS = 2.0
FULL_LISTING_SECONDS = 600.0
MAX_RECENT = 64
FOLDER = "a folder"
"""The reason why the name of a folder is refused."""
UNKNOWN_MTIME = -1  # for a server that sends no folder mtime: every poll lists the folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """The timeout of each step in seconds; `answer` limits the wait for one complete answer."""

    connect: float = 10.0
    banner: float = 15.0
    handshake: float = 15.0
    auth: float = 20.0
    channel: float = 10.0
    answer: float = 20.0
    listing: float = 120.0
    keepalive: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpSettings:
    """The SFTP settings of one game server; None means: from `~/.ssh/config`, else SSH's default.

    `key_file` None: the IdentityFiles of ssh_config, then the agent, then `~/.ssh/id_*`. `known_hosts` is read in
    addition to `~/.ssh/known_hosts` and the system's file; a trusted key is written to it. `connect_tries`: the
    number of attempts when the server closes the connection before its banner, as an overloaded sshd does.
    """

    host: str
    remote_path: str
    port: int | None = None
    user: str | None = None
    key_file: Path | None = None
    known_hosts: Path | None = None
    ssh_config: Path | None = Path("~/.ssh/config")
    timeouts: Timeouts = Timeouts()
    connect_tries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A listed name that cannot be a round file: a link, a folder, or an unsafe name."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The regular files of the folder in any order, the refused names, and the state for the next listing."""

    files: tuple[RemoteFile, ...]
    refused: tuple[Refused, ...]
    state: ListingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A complete file: its size is as listed, and size and mtime did not change during the read."""

    file: RemoteFile
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file that could not be fetched; `is_passing`: it changed during the read, and the next poll fetches it."""

    file: RemoteFile
    reason: str
    is_passing: bool = False


class Source(Protocol):
    """A folder of round files; not thread-safe.

    Raises SourceError (temporary), AccessError (login or permission refused) and HostKeyError. After a
    SourceError, close the source and open a new one.
    """

    def list_files(self, last: ListingState | None = None) -> Listing | None:
        """List the folder; return None if nothing can have changed since `last`."""
        # A listing made in the same second as a change of the folder is not trusted, and a full listing is made
        # at least every ten minutes. Names with a path separator, control characters or invalid UTF-8 are refused.

    def fetch(self, files: Iterable[RemoteFile]) -> Iterator[Fetched | Failed]:
        """Yield one outcome for each file, in the order of completion."""
        # Files yielded before a lost connection are valid. If one file fails, the others continue. The caller
        # may abandon the iterator at any time. Memory is bounded for any number of files.
        ...

    def close(self) -> None:
        """Close threads and sockets; may be called twice, never raises."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


def is_unchanged(last: ListingState, mtime: int, now: float) -> bool:
    """Return whether a folder with this mtime needs no new listing.

    An mtime is in whole seconds: a file may arrive after the listing and in the same second. So the mtime is
    trusted only if it had not changed for two seconds (local clock) before the last listing began. The clocks of
    server and client are never compared.
    """
    return (
        mtime == last.mtime != UNKNOWN_MTIME
        and last.listed - last.first_seen >= SETTLED_SECONDS
        and 0 <= now - last.listed < FULL_LISTING_SECONDS
    )


def next_state(last: ListingState | None, mtime: int, now: float, files: Sequence[RemoteFile]) -> ListingState:
    """Return the state of a full listing that began at `now`, when the folder had this mtime."""
    same = last is not None and last.mtime == mtime and last.first_seen <= now
    first_seen = last.first_seen if last is not None and same else now
    recent: list[RemoteFile] = []
    if now - first_seen < FULL_LISTING_SECONDS:
        young = (file for file in files if file.mtime >= mtime - FULL_LISTING_SECONDS)
        recent = sorted(young, key=lambda file: file.mtime, reverse=True)[:MAX_RECENT]
    return ListingState(mtime=mtime, first_seen=first_seen, listed=now, recent=tuple(recent))


def refusal(name: str) -> str | None:
    """Return why a listed name is not accepted, or None for a plain file name."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
        return "not a plain file name"
    if not name.isprintable():
        return "control characters in the name"
    if len(name.encode(errors="surrogatepass")) > 255:
        return "name longer than 255 bytes"
    return None


def shown(text: str, limit: int = 120) -> str:
    """Make a server's text safe to print: escape what is not printable and truncate to `limit` characters."""
    safe = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def shown_name(name: str, limit: int = 120) -> str:
    """Make a file name safe to print; a long name is shortened in the middle to keep its ending."""
    safe = shown(name, len(name) * 10)
    return safe if len(safe) <= limit else f"{safe[: limit - 31]}…{safe[-30:]}"


def outcome(file: RemoteFile, content: bytes, size: int | None, mtime: int | None) -> Fetched | Failed:
    """Compare the bytes read with the listed file and with its size and mtime after the read."""
    if (len(content), size, mtime) == (file.size, file.size, file.mtime):
        return Fetched(file=file, content=content)
    return Failed(file=file, reason="changed during the read; the next poll fetches it", is_passing=True)
