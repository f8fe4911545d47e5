"""The folder of a site: which files the build owns, and how they change.

The manifest lists groups of files (a session with its matches and rounds, a player), each with the fingerprint of
its data. A build keeps groups with an unchanged fingerprint, rewrites the others, and removes files without a
group. Files that are not in the manifest are never changed.

Nothing outside the folder is written or removed: paths in the manifest and journal are checked, and a link in
place of one of its folders is refused. (The folder itself may be a link.)

Each file is written under a temporary name and renamed. Before a batch of files is renamed, the journal records
them and their groups, so that the build after a killed one knows which files to write again and which to remove.
"""

import errno
import fcntl
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from etstats.errors import ConfigError, LockedError, OutputError

MANIFEST = "etstats-site.json"
TEMPORARY = ".etstats-tmp"
_JOURNAL = "journal"
_FORMAT = 1
_BATCH = 200  # files per batch: limits memory and the number of journal flushes
_UNKNOWN = ""  # fingerprint of a group that a killed build may have partly written
_LONGEST_NAME = 255  # bytes, of most file systems
_RETRY_SECONDS = 0.1


class Group(NamedTuple):
    """Files that are written together: the fingerprint of their data, and their paths."""

    fingerprint: str
    files: tuple[str, ...]


class Changes(NamedTuple):
    """Numbers of files written, removed and unchanged by a build; `size` is in bytes."""

    written: int
    unchanged: int
    removed: int
    size: int


class SiteFolder:
    """A site's folder, locked for one build.

    Pass every group once to `keep` or `write`, then call `finish`: other groups are removed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / TEMPORARY
        self._groups: dict[str, Group] = {}
        self._named: dict[str, Group] = {}
        self._owned: set[str] = set()
        self._pending: list[tuple[str, bytes]] = []
        self._pending_groups: list[str] = []
        self._folders: set[str] = set()
        self._written = self._unchanged = self._removed = self._size = 0
        self._lock = -1
        self._has_unfinished = False

    def open(self, wait_seconds: float) -> None:
        """Create or lock the folder and read its manifest and journal.

        ConfigError: not a site's folder. LockedError: another build still holds it after `wait_seconds`.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._take_lock(wait_seconds)
            if not (self._root / MANIFEST).exists():
                self._begin()
            self._groups = _read_manifest(self._root / MANIFEST)
            self._owned = {path for group in self._groups.values() for path in group.files}
            self._temporary.mkdir(exist_ok=True)
            self._refuse_links(f"{TEMPORARY}/{_JOURNAL}")
            self._recover()
        except OSError as error:
            raise _cannot("write", self._root, error) from error

    def close(self) -> None:
        """Unlock the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        """Return the folder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unlock the folder."""
        self.close()

    def keep(self, name: str, fingerprint: str) -> bool:
        """Keep a group; return False if its fingerprint changed or a file is missing."""
        group = self._groups.get(name)
        if group is None or group.fingerprint != fingerprint:
            return False
        if not all(map(self._exists, group.files)):
            return False
        self._named[name] = group
        self._unchanged += len(group.files)
        return True

    def keep_all(self, name: str, fingerprint: str) -> bool:
        """Keep all groups if this one's fingerprint is unchanged and no file is missing; else none."""
        group = self._groups.get(name)
        if group is None or group.fingerprint != fingerprint or self._has_unfinished:
            return False
        if all(self.keep(other, held.fingerprint) for other, held in list(self._groups.items())):
            return True
        self._named.clear()
        self._unchanged = 0
        return False

    def write(self, name: str, fingerprint: str, files: Mapping[str, bytes]) -> None:
        """Write the changed files of a group.

        Its former files may now belong to another group: `finish` removes files without a group.
        """
        self._named[name] = Group(fingerprint, tuple(sorted(files)))
        changed = [(path, content) for path, content in files.items() if self._is_changed(path, content)]
        self._unchanged += len(files) - len(changed)
        self._pending += changed
        self._pending_groups.append(name)
        if len(self._pending) >= _BATCH:
            self._flush()

    def finish(self) -> Changes:
        """Write pending files, remove files without a group, and write the manifest."""
        self._flush()
        for path in sorted(self._owned - {path for group in self._named.values() for path in group.files}):
            self._remove(path)
        if self._named != self._groups:
            self._write_manifest(self._named)
        shutil.rmtree(self._temporary, ignore_errors=True)
        return Changes(self._written, self._unchanged, self._removed, self._size)

    def _take_lock(self, wait_seconds: float) -> None:
        self._lock = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    self.close()
                    raise LockedError(f"another process is writing the site in {self._root}") from None
                time.sleep(_RETRY_SECONDS)

    def _begin(self) -> None:
        """Create the manifest in a new folder, which must be empty, so that no other files are lost."""
        check_folder(self._root)
        self._temporary.mkdir(exist_ok=True)
        self._write_manifest({})

    def _recover(self) -> None:
        """Read from the journal what killed builds had started; it is kept until a build finishes."""
        for entry in self._temporary.iterdir():
            if entry.name != _JOURNAL:
                entry.unlink()
        files: set[str] = set()
        groups: set[str] = set()
        for line in _journal_lines(self._temporary / _JOURNAL):
            files.update(line["files"])
            groups.update(line["groups"])
        self._owned |= files
        self._has_unfinished = bool(groups)
        for name, group in self._groups.items():
            if name in groups or not files.isdisjoint(group.files):
                self._groups[name] = group._replace(fingerprint=_UNKNOWN)

    def _exists(self, path: str) -> bool:
        try:
            return (self._root / path).exists()
        except OSError:  # a folder that cannot be read
            return False

    def _is_changed(self, path: str, content: bytes) -> bool:
        is_owned = path in self._owned
        target = self._root / path
        try:
            self._refuse_links(path)
            size = target.stat().st_size
            if not is_owned:
                raise _foreign(target)
            return size != len(content) or target.read_bytes() != content
        except FileNotFoundError:
            return True
        except OSError as error:
            raise _cannot("read", self._root, error) from error

    def _flush(self) -> None:
        """Write the pending files: first all temporary files, then the journal, then the renames."""
        if not self._pending_groups:
            return
        try:
            for number, (_, content) in enumerate(self._pending):
                _write(self._temporary / str(number), content)
            self._note({"groups": self._pending_groups, "files": [path for path, _ in self._pending]})
            for number, (path, _) in enumerate(self._pending):
                self._make_folder(path.rpartition("/")[0])
                (self._temporary / str(number)).replace(self._root / path)
        except OSError as error:
            raise _cannot("write", self._root, error) from error
        self._owned.update(path for path, _ in self._pending)
        self._written += len(self._pending)
        self._size += sum(len(content) for _, content in self._pending)
        self._pending, self._pending_groups = [], []

    def _note(self, line: Mapping[str, object]) -> None:
        with (self._temporary / _JOURNAL).open("ab") as journal:
            # The previous line may be truncated by a killed build.
            journal.write(b"\n" + json.dumps(line).encode() + b"\n")
            journal.flush()
            os.fsync(journal.fileno())

    def _make_folder(self, folder: str) -> None:
        if not folder or folder in self._folders:
            return
        self._make_folder(folder.rpartition("/")[0])
        place = self._root / folder
        with suppress(FileExistsError):
            place.mkdir()
            place.chmod(0o755)
        self._refuse_links(f"{folder}/")
        self._folders.add(folder)

    def _refuse_links(self, path: str) -> None:
        """Raise ConfigError if a folder of a path in the site is a link: its files are not the site's."""
        folder = path.rpartition("/")[0]
        if not folder or folder in self._folders:
            return
        self._refuse_links(folder)
        if (self._root / folder).is_symlink():
            raise ConfigError(f"{self._root / folder} is a link; remove it, then build the site again")

    def _remove(self, path: str) -> None:
        target = self._root / path
        self._refuse_links(path)
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("remove", target, error) from error
        self._owned.discard(path)
        self._removed += 1
        for folder in target.parents:
            if folder == self._root:
                break
            try:
                folder.rmdir()
            except OSError:  # it contains other files
                break
            self._folders.discard(str(folder.relative_to(self._root)))

    def _write_manifest(self, groups: Mapping[str, Group]) -> None:
        document = {"format": _FORMAT, "groups": {name: groups[name] for name in sorted(groups)}}
        temporary = self._temporary / MANIFEST
        _write(temporary, json.dumps(document, separators=(",", ":")).encode(), durable=True)
        temporary.replace(self._root / MANIFEST)
        self._groups = dict(groups)


@contextmanager
def open_folder(root: Path, wait_seconds: float = 0.0) -> Iterator[SiteFolder]:
    """Open a site's folder for one build; see `SiteFolder.open` for what it raises."""
    folder = SiteFolder(root)
    with folder:
        folder.open(wait_seconds)
        yield folder


def check_folder(root: Path) -> None:
    """Raise ConfigError unless the folder is new, empty, or contains a site, and can be written."""
    try:
        found = sorted(entry.name for entry in root.iterdir() if entry.name != TEMPORARY) if root.exists() else []
    except OSError as error:
        raise _cannot("read", root, error) from error
    if found and MANIFEST not in found:
        raise ConfigError(
            f"{root} is not empty and contains no site of etstats (found {found[0]!r}); choose another folder"
        )
    nearest = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    if not os.access(nearest, os.W_OK, effective_ids=True):
        raise _cannot("write", root, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _write(path: Path, content: bytes, *, durable: bool = False) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.fchmod(handle, 0o644)  # readable by a web server, regardless of cron's umask
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)


def _read_manifest(path: Path) -> dict[str, Group]:
    try:
        if not path.is_file():
            raise ValueError
        document = _parse(path.read_bytes())
        groups = {
            name: Group(fingerprint, tuple(files)) for name, (fingerprint, files) in document["groups"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{path} is not a manifest that etstats wrote; remove the folder's content and build the site again"
        ) from error
    if document.get("format") != _FORMAT or not all(_is_inside(path) for path in _paths(groups)):
        raise ConfigError(f"{path} was written by another version of etstats; build into a new folder")
    return groups


def _parse(text: bytes) -> dict[str, Any]:
    """Parse a JSON object; ValueError for anything else."""
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(document, dict):
        raise ValueError
    return document


def _paths(groups: Mapping[str, Group]) -> Iterable[object]:
    return (path for group in groups.values() for path in group.files)


def _is_inside(path: object) -> bool:
    """Return whether this can be the path of a page: relative, without `..`, and no file of the build itself."""
    if not isinstance(path, str) or not path.isprintable():
        return False
    first, *others = path.split("/")
    return first not in (MANIFEST, TEMPORARY) and all(
        part not in ("", ".", "..") and len(part.encode()) <= _LONGEST_NAME for part in (first, *others)
    )


def _journal_lines(path: Path) -> Iterator[Mapping[str, list[str]]]:
    """Yield the lines of a journal; others are left out, such as a truncated one, whose files were not renamed."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(ValueError):
            found = _parse(line)
            files, groups = found.get("files"), found.get("groups")
            if isinstance(files, list) and isinstance(groups, list) and all(map(_is_inside, files)):
                yield {"files": files, "groups": [name for name in groups if isinstance(name, str)]}


def _foreign(path: Path) -> ConfigError:
    return ConfigError(f"{path} was not written by etstats; move it out of the site's folder and build again")


def _cannot(verb: str, path: Path, error: OSError) -> ConfigError | OutputError:
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return ConfigError(f"{error.filename or path} is not a folder; choose a new or empty folder for the site")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            f"cannot write the site in {path}: {error.strerror}; free some space and run the command again"
        )
    reason = f"cannot {verb} {error.filename or path}: {error.strerror}"
    if verb == "write" and error.errno == errno.EACCES:
        reason += f". Create it for this user, as root: install -d -o {os.geteuid()} {shlex.quote(str(path))}"
    return ConfigError(reason)
