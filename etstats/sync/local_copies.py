"""Local copies of the files of game servers.

A copy holds the archived bytes: it is written after its file was imported, so that an anonymized player never
reaches the folder. Losing a copy loses nothing: the database has the same bytes.
"""

import errno
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from etstats.errors import ConfigError, EtstatsError, SourceError, TemporaryError
from etstats.sync.planner import KnownFile
from etstats.sync.source import refusal

PARTIAL = ".partial"


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


def write_copy(folder: Path, name: str, content: bytes, mtime: int) -> Path:
    """Write a copy under its own name with the mtime of the source; readers see it whole or not at all.

    Not synced to disk: the database archives the same bytes. Errors: SourceError for a name that is not a plain
    file name, TemporaryError when the disk is full, ConfigError when the folder is not writable.
    """
    if refusal(name) is not None:
        raise SourceError(f"the name {name!r} is not a plain file name; nothing was written")
    partial = None
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for own in (folder.parent, folder):
            own.mkdir(mode=0o700, exist_ok=True)
        number, partial = tempfile.mkstemp(suffix=PARTIAL, dir=folder)
        with os.fdopen(number, "wb") as opened:
            opened.write(content)
            opened.flush()
            if os.fstat(number).st_size != len(content):
                raise OSError(errno.EIO, "short write")
            os.utime(number, (mtime, mtime))
        final = Path(partial).replace(folder / name)
        partial = None
    except OSError as error:
        raise _copy_error(folder, error) from error
    finally:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
    return final


def clear_partials(folder: Path, older_than_seconds: float = 3600) -> int:
    """Remove partial files of killed runs and return how many there were."""
    removed = 0
    for leftover in folder.glob(f"tmp*{PARTIAL}"):
        with suppress(OSError):  # another run may remove it first; the next run tries again
            if leftover.lstat().st_mtime < time.time() - older_than_seconds:
                leftover.unlink()
                removed += 1
    return removed


def _copy_error(folder: Path, error: OSError) -> EtstatsError:
    place = f"the local copy in {folder}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return TemporaryError(f"no space for {place}: free some space; the next run continues from here")
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}:
        reason = (error.strerror or str(error)).lower()
        return ConfigError(f"cannot use {place} ({reason}): make it writable, or choose another data folder")
    return TemporaryError(f"{place} failed: {error.strerror or error}; the next run tries again")
