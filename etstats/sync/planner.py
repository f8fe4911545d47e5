"""What to take and why the rest is left (pure), and the local copy of what was taken."""

import errno
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from etstats.domain.rounds import RemoteFile
from etstats.errors import ConfigError, EtstatsError, SourceError, TemporaryError
from etstats.sync.source import Listing, refusal

PARTIAL = ".partial"


class SkipReason(StrEnum):
    """The layers against doing a file twice, cheapest first; the first that knows a file decides."""

    NAME = "name"
    WINDOW = "age window"
    MEMORY = "memory"
    LOCAL = "local file"
    PROCESSED = "processed files"
    ROUNDS = "rounds"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file's size and mtime when it was last taken; mtime None when it came from elsewhere than this source."""

    size: int
    mtime: int | None
    in_quarantine: bool = False

    def is_same(self, file: RemoteFile) -> bool:
        """Say whether the listing still shows the file that was taken."""
        return self.size == file.size and self.mtime in (None, file.mtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that is not taken, by which layer, and why."""

    name: str
    layer: SkipReason
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPlan:
    """`take` comes over the line, `here` is whole in the local folder and waits to be imported; oldest first."""

    take: tuple[RemoteFile, ...]
    here: tuple[RemoteFile, ...]
    skipped: tuple[Skipped, ...]

    def counts(self) -> dict[SkipReason, int]:
        """Count the skipped files of each layer, in the order of the layers."""
        counted = Counter(skipped.layer for skipped in self.skipped)
        return {layer: counted[layer] for layer in SkipReason if counted[layer]}


def plan(
    listing: Listing,
    *,
    stamp_of: Callable[[str], datetime | None],
    known: Mapping[str, KnownFile],
    rounds: Collection[str] = (),
    local: Mapping[str, KnownFile] | None = None,
    memory: Collection[RemoteFile] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> FetchPlan:
    """Decide for each listed file whether to take it. Pure: same input, same answer.

    `stamp_of` gives the time in a round file's name, None when it is no round file; `since` (inclusive) and
    `until` (exclusive) are of the same kind, the server's clock without zone. `memory`: files dealt with earlier
    in this run. `local`: what the local folder holds. `known`: what the base took, quarantine included; a size
    or mtime that moved since means: take again. `rounds`: names of files whose round is stored.
    """
    local = local or {}
    take: list[tuple[datetime, RemoteFile]] = []
    here: list[tuple[datetime, RemoteFile]] = []
    skipped = [
        Skipped(name=refused.name, layer=SkipReason.NAME, reason=refused.reason) for refused in listing.refused
    ]
    for file in listing.files:
        stamp = stamp_of(file.name)
        if stamp is None:
            skipped.append(Skipped(name=file.name, layer=SkipReason.NAME, reason="not the name of a round file"))
            continue
        found = _outside(stamp, since, until) or _known(file, known.get(file.name), local, memory, rounds)
        if found is not None:
            skipped.append(Skipped(name=file.name, layer=found[0], reason=found[1]))
        elif file.name in local and local[file.name].is_same(file):
            here.append((stamp, file))
        else:
            take.append((stamp, file))
    return FetchPlan(take=_oldest_first(take), here=_oldest_first(here), skipped=tuple(skipped))


def _outside(stamp: datetime, since: datetime | None, until: datetime | None) -> tuple[SkipReason, str] | None:
    if since is not None and stamp < since:
        return SkipReason.WINDOW, f"older than {since:%Y-%m-%d %H:%M}"
    if until is not None and stamp >= until:
        return SkipReason.WINDOW, f"not before {until:%Y-%m-%d %H:%M}"
    return None


def _known(
    file: RemoteFile,
    taken: KnownFile | None,
    local: Mapping[str, KnownFile],
    memory: Collection[RemoteFile],
    rounds: Collection[str],
) -> tuple[SkipReason, str] | None:
    if file in memory:
        return SkipReason.MEMORY, "dealt with earlier in this run"
    if taken is None:
        # A local copy alone is no proof: a run may have died between the copy and the import.
        return (SkipReason.ROUNDS, "its round is stored") if file.name in rounds else None
    if not taken.is_same(file):
        return None
    if taken.in_quarantine:
        return SkipReason.PROCESSED, "in quarantine, and unchanged since"
    if file.name in local and local[file.name].is_same(file):
        return SkipReason.LOCAL, "in the local folder, imported, and unchanged since"
    return SkipReason.PROCESSED, "imported, and unchanged since"


def _oldest_first(files: list[tuple[datetime, RemoteFile]]) -> tuple[RemoteFile, ...]:
    return tuple(file for _, file in sorted(files, key=lambda pair: (pair[0], pair[1].name)))


def local_files(folder: Path) -> dict[str, KnownFile]:
    """List the local copies with size and mtime; a folder that is not there holds none."""
    found: dict[str, KnownFile] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and not entry.name.endswith(PARTIAL):
                    status = entry.stat(follow_symlinks=False)
                    found[entry.name] = KnownFile(size=status.st_size, mtime=int(status.st_mtime))
    except FileNotFoundError:
        return found
    except OSError as error:
        raise _copy_error(folder, error) from error
    return found


def store_local(folder: Path, file: RemoteFile, content: bytes) -> Path:
    """Keep a copy under its own name with the remote mtime; whoever reads the folder sees it whole or not at all.

    Not synced to disk: the base archives the same bytes. Raises SourceError when the content is not what was
    listed, TemporaryError when the disk is full, ConfigError when the folder may not be written to.
    """
    if refusal(file.name) is not None:
        raise SourceError(f"the name {file.name!r} from the server is not a plain file name; nothing was written")
    if len(content) != file.size:
        raise SourceError(
            f"{file.name}: {len(content)} bytes came where {file.size} were listed; nothing was written"
        )
    partial = None
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for own in (folder.parent, folder):
            own.mkdir(mode=0o700, exist_ok=True)
        number, partial = tempfile.mkstemp(suffix=PARTIAL, dir=folder)
        with os.fdopen(number, "wb") as opened:
            opened.write(content)
            opened.flush()
            if os.fstat(number).st_size != file.size:
                raise OSError(errno.EIO, "short write")
            os.utime(number, (file.mtime, file.mtime))
        final = Path(partial).replace(folder / file.name)
        partial = None
    except OSError as error:
        raise _copy_error(folder, error) from error
    finally:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
    return final


def clear_partials(folder: Path, older_than_seconds: float = 3600) -> int:
    """Remove what killed runs left half written, and return how many there were; none of it was ever visible."""
    removed = 0
    for leftover in folder.glob(f"tmp*{PARTIAL}"):
        with suppress(OSError):  # housekeeping: another run may be at it, and the next one comes
            if leftover.lstat().st_mtime < time.time() - older_than_seconds:
                leftover.unlink()
                removed += 1
    return removed


def _copy_error(folder: Path, error: OSError) -> EtstatsError:
    place = f"the local copy in {folder}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return TemporaryError(f"no room for {place}: free some space; the next run goes on from here")
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}:
        reason = (error.strerror or str(error)).lower()
        return ConfigError(f"cannot use {place} ({reason}): make it writable, or choose another data folder")
    return TemporaryError(f"{place} failed: {error.strerror or error}; the next run tries again")
