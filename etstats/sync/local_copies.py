"""Local copies of the files of game servers.

A copy contains the archived bytes. It is written after the import, so that an anonymized player never reaches the
folder. A lost copy is harmless: the database has the same bytes.
"""

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from etstats.domain.files import KnownFile
from etstats.errors import ConfigError, EtstatsError, SourceError, TemporaryError
from etstats.sync.source import refusal

PARTIAL = ".partial"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def local_files(folder: Path) -> dict[str, KnownFile]:
    """Return the size and mtime of each local copy, by name; empty if the folder does not exist."""
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
    """Write a copy atomically, with the source file's name and mtime; return its path.

    Without fsync, because the database archives the same bytes. Raises SourceError for a name that is not a plain
    file name, TemporaryError when the disk is full, ConfigError when the folder is not writable.
    """
    if refusal(name) is not None:
        raise SourceError(f"the name {name!r} is not a plain file name; nothing was written")
    # One open, write and rename per file, because the first sync writes thousands of files.
    partial, final = folder / f"tmp{os.urandom(8).hex()}{PARTIAL}", folder / name
    try:
        try:
            number = os.open(partial, _NEW_FILE, 0o600)
        except FileNotFoundError:
            _make_folder(folder)
            number = os.open(partial, _NEW_FILE, 0o600)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(number, rest) :]
            os.utime(number, (mtime, mtime))
        finally:
            os.close(number)
        partial.rename(final)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _copy_error(folder, error) from error
        raise
    return final


def _make_folder(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for own in (folder.parent, folder):
        own.mkdir(mode=0o700, exist_ok=True)


def clear_partials(folder: Path) -> int:
    """Remove partial files of runs that were killed over an hour ago and return how many there were."""
    removed = 0
    for leftover in folder.glob(f"tmp*{PARTIAL}"):
        with suppress(OSError):  # another run may remove it first; the next run tries again
            if leftover.lstat().st_mtime < time.time() - 3600:
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
