"""What a source of round files is: a folder on a game server, or on this machine, behind one small contract.

Nothing here knows what is inside a file, and nothing here opens a connection; `etstats.sync.open_source` does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from etstats.domain.rounds import ListingState, RemoteFile

MAX_FILE_BYTES = 1 << 20
"""A round of 32 players is 10 KB; what is larger than this is not a round, and is not brought into memory."""

MAX_NAMES = 500_000
"""No folder of rounds has more names; a listing that goes on past it is taken for endless."""

SETTLED_SECONDS = 2.0
FULL_LISTING_SECONDS = 600.0
MAX_RECENT = 64
UNKNOWN_MTIME = -1  # of a folder on a server that does not send it: every poll lists it


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds each step may take; `answer` is the longest wait for one whole answer, however slowly it drips."""

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
    """How to reach one game server; what is None comes from `~/.ssh/config`, then from SSH's own defaults.

    `key_file` None: the IdentityFiles of ssh_config, then the agent, then `~/.ssh/id_*`. `known_hosts` is read
    besides `~/.ssh/known_hosts` and the machine's own list; a trusted key is written to it. `connect_tries`
    counts attempts when the server hangs up before it says a word, which is how a busy sshd sheds load.
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
    """A name of the listing that cannot be a round file: a link, a folder, a name no file of ours may have."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All regular files of the folder in any order, what was refused, and the state for the next listing."""

    files: tuple[RemoteFile, ...]
    refused: tuple[Refused, ...]
    mark: ListingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A whole file: as many bytes as listed, and neither size nor mtime moved while it was read."""

    file: RemoteFile
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """One file that could not be fetched; `is_passing` when it changed meanwhile and the next poll fetches it."""

    file: RemoteFile
    reason: str
    is_passing: bool = False


class Source(Protocol):
    """A folder of round files somewhere.

    One thread at a time. Errors are SourceError (try again later), AccessError (we are not let in) and
    HostKeyError; after a SourceError the source is dead: close it and open another.
    """

    def look(self, last: ListingState | None = None) -> Listing | None:
        """List the folder, or return None when nothing can have changed since `last` was made."""
        # Never trusts a listing that was made in the same moment as the folder changed, and lists in full
        # every ten minutes all the same. Names are checked: none holds a path, a control character or bytes
        # that are not UTF-8.

    def fetch(self, files: Iterable[RemoteFile]) -> Iterator[Fetched | Failed]:
        """Yield one outcome for each file, in the order in which they become whole."""
        # What was yielded before the line broke counts. A file that fails alone is a Failed, and the rest
        # goes on. The iterator may be given up at any time. Memory is bounded whatever the number of files.
        ...

    def close(self) -> None:
        """End threads and sockets; safe to call twice, never raises."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


def is_unchanged(last: ListingState, mtime: int, now: float) -> bool:
    """Say whether a folder with this mtime needs no new listing.

    mtimes are whole seconds: a file may come after the listing and in the same second. So the mtime counts
    only when it had stood for two seconds, by our clock, before the last listing began; the two clocks are
    never compared.
    """
    return (
        mtime == last.mtime != UNKNOWN_MTIME
        and last.listed - last.first_seen >= SETTLED_SECONDS
        and 0 <= now - last.listed < FULL_LISTING_SECONDS
    )


def next_mark(last: ListingState | None, mtime: int, now: float, files: Sequence[RemoteFile]) -> ListingState:
    """Make the mark of a full listing that began at `now`, when the folder had this mtime."""
    same = last is not None and last.mtime == mtime and last.first_seen <= now
    first_seen = last.first_seen if last is not None and same else now
    recent: list[RemoteFile] = []
    if now - first_seen < FULL_LISTING_SECONDS:
        young = (file for file in files if file.mtime >= mtime - FULL_LISTING_SECONDS)
        recent = sorted(young, key=lambda file: file.mtime, reverse=True)[:MAX_RECENT]
    return ListingState(mtime=mtime, first_seen=first_seen, listed=now, recent=tuple(recent))


def refusal(name: str) -> str | None:
    """Say why a name from a listing may not be used, or None when it is an ordinary file name."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
        return "not a plain file name"
    if not name.isprintable():
        return "control characters in the name"
    if len(name.encode(errors="surrogatepass")) > 255:
        return "name longer than 255 bytes"
    return None


def shown(text: str, limit: int = 120) -> str:
    """Make text of the other side safe to print: escapes shown as such, one line, cut at `limit`."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def outcome(file: RemoteFile, content: bytes, size: int | None, mtime: int | None) -> Fetched | Failed:
    """Judge the bytes read against the listing and against size and mtime asked for after the reading."""
    if (len(content), size, mtime) == (file.size, file.size, file.mtime):
        return Fetched(file=file, content=content)
    return Failed(file=file, reason="changed while it was read; left for the next poll", is_passing=True)
