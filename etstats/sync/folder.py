"""A local folder as a source, for etstats on the game server itself."""

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import AccessError, FolderError, SourceError
from etstats.sync.source import (
    FOLDER,
    MAX_FILE_BYTES,
    MAX_NAMES,
    Failed,
    Fetched,
    Listing,
    Refused,
    is_unchanged,
    next_state,
    outcome,
    refusal,
    shown_name,
)


class FolderSource:
    """The `Source` of a local folder; nothing stays open between calls."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()

    def list_files(self, last: ListingState | None = None) -> Listing | None:
        """List the folder, or return None when nothing can have changed since `last`."""
        try:
            now = time.time()
            mtime = int(self._path.stat().st_mtime)
            if last is not None and is_unchanged(last, mtime, now) and self._still_the_same(last.recent):
                return None
            files, refused = _scan(self._path)
        except OSError as error:
            raise _folder_error(self._path, error) from error
        return Listing(files=tuple(files), refused=tuple(refused), state=next_state(last, mtime, now, files))

    def fetch(self, files: Iterable[RemoteFile]) -> Iterator[Fetched | Failed]:
        """Read the files one after the other."""
        for file in files:
            yield self._fetch_one(file)

    def close(self) -> None:
        """Do nothing: no resource stays open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _still_the_same(self, files: Iterable[RemoteFile]) -> bool:
        for file in files:
            try:
                found = (self._path / file.name).lstat()
            except OSError:
                return False
            if (found.st_size, int(found.st_mtime)) != (file.size, file.mtime):
                return False
        return True

    def _fetch_one(self, file: RemoteFile) -> Fetched | Failed:
        reason = refusal(file.name)
        if reason is None and file.size > MAX_FILE_BYTES:
            reason = f"{file.size} bytes is too large for a round"
        if reason is not None:
            return Failed(file=file, reason=reason)
        try:
            # A link or a pipe may have replaced the file since the listing: do not follow it and do not block.
            number = os.open(self._path / file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(number, "rb") as opened:
                if not stat.S_ISREG(os.fstat(number).st_mode):
                    return Failed(file=file, reason="no longer a regular file", is_passing=True)
                content = opened.read(file.size + 1)
                after = os.fstat(number)
        except FileNotFoundError:
            return Failed(file=file, reason="deleted after it was listed", is_passing=True)
        except OSError as error:
            if not self._path.is_dir():
                raise _folder_error(self._path, error) from error
            return Failed(file=file, reason=(error.strerror or str(error)).lower())
        return outcome(file, content, after.st_size, int(after.st_mtime))


def open_folder(path: Path) -> FolderSource:
    """Return the source of a local folder; raises SourceError or AccessError if it cannot be read."""
    source = FolderSource(path)
    try:
        with os.scandir(path.expanduser()):
            return source
    except OSError as error:
        raise _folder_error(path, error) from error


def _scan(path: Path) -> tuple[list[RemoteFile], list[Refused]]:
    files: list[RemoteFile] = []
    refused: list[Refused] = []
    with os.scandir(path) as entries:
        for count, entry in enumerate(entries):
            if count >= MAX_NAMES:
                raise SourceError(
                    f"{path} contains more than {MAX_NAMES:,} names; is it the folder of the round files?"
                )
            reason = refusal(entry.name)
            if reason is None and not entry.is_file(follow_symlinks=False):
                is_folder = entry.is_dir(follow_symlinks=False)
                reason = "a link" if entry.is_symlink() else FOLDER if is_folder else "not a regular file"
            if reason is not None:
                refused.append(Refused(name=shown_name(entry.name), reason=reason))
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # deleted since scandir returned its name
            files.append(RemoteFile(name=entry.name, size=found.st_size, mtime=int(found.st_mtime)))
    return files, refused


def _folder_error(path: Path, error: OSError) -> SourceError | AccessError:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return AccessError(f"no permission to read the folder {path}: grant this user read and search permission")
    if error.errno == errno.ENOTDIR:
        return FolderError(f"{path} is not a folder: set the server's path to the folder of the round files")
    if error.errno == errno.ENOENT:
        return FolderError(f"the folder {path} does not exist: correct the server's path, or mount the folder")
    return FolderError(f"cannot read the folder {path}: {error.strerror or error}")
