"""The file of a backup: a ZIP of `manifest.json` and `<table>.copy`, a table's rows in PostgreSQL's text format.

A file that is read is untrusted: sizes, names, counts and hashes are checked before a row reaches a database, no
length that it claims is allocated, and whatever is wrong with it is a BackupError.
"""

import hashlib
import io
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from etstats.db.migrations import UNRELEASED
from etstats.errors import BackupError, ConfigError, TemporaryError

FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK = 1 << 18
_MAX_READ = 1 << 20  # bytes of one read, the ZIP's whole directory included
_MAX_MANIFEST = 1 << 18
_MAX_TABLES = 200
_MAX_ROW = 64 << 20  # bytes; the longest row holds a round file
_MAX_RATIO = 200  # round files and their rows compress to a tenth, the most repetitive table to a hundredth
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NUMBER = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_VERSION = re.compile(r"[\w.+-]{1,40}", re.ASCII)
# What `zipfile` and `json` raise for bytes that are neither: RuntimeError also stands for an encrypted member,
# an unknown method and JSON nested too deeply.
_MALFORMED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one table held: how many rows, and the SHA-256 of their text in the order of the key."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds: when it was made, by which etstats, on which schema (number -> hash), and tables."""

    made_at: datetime
    version: str
    migrations: Mapping[int, str]
    tables: tuple[Contents, ...]

    @property
    def is_unreleased(self) -> bool:
        """Whether it has the schema before the first release: its derived rows have to be derived again."""
        return dict(self.migrations) == UNRELEASED

    @property
    def rows(self) -> int:
        """All rows together."""
        return sum(table.rows for table in self.tables)

    def rows_of(self, name: str) -> int:
        """The rows of one table; 0 for one that is not in it."""
        return next((table.rows for table in self.tables if table.name == name), 0)


class BackupFile:
    """An open backup whose manifest and list of members are checked; its rows are checked as they are read."""

    def __init__(self, path: Path, file: "_BoundedReader") -> None:
        self.path = path
        with malformed(path):
            self._archive = zipfile.ZipFile(file)
            members = self._archive.infolist()
            by_name = {member.orig_filename: member for member in members}
            if _MANIFEST not in by_name:
                raise ValueError(f"it has no {_MANIFEST}")
            _check_sizes(members, os.fstat(file.fileno()).st_size)
            if by_name[_MANIFEST].file_size > _MAX_MANIFEST:
                raise ValueError(f"its {_MANIFEST} is too large")
            self.manifest = _from_json(self._archive.read(by_name[_MANIFEST]))
            expected = [_MANIFEST, *(f"{table.name}.copy" for table in self.manifest.tables)]
            if sorted(member.orig_filename for member in members) != sorted(expected):
                raise ValueError("its members are not the tables of its manifest")
            self._members = by_name

    def rows(self, table: Contents) -> Iterator[bytes]:
        """Yield the text of a table's rows in blocks; BackupError when it is not what the manifest says."""
        digest, rows, row_bytes = hashlib.sha256(), 0, 0
        with malformed(self.path), self._archive.open(self._members[f"{table.name}.copy"]) as member:
            while block := member.read(_CHUNK):
                digest.update(block)
                ends = block.count(b"\n")  # within a value a line end is written as \n
                rows += ends
                row_bytes = len(block) - block.rfind(b"\n") if ends else row_bytes + len(block)
                if row_bytes > _MAX_ROW:
                    raise ValueError(f"a row of {table.name} is longer than {_MAX_ROW >> 20} MB")
                yield block
        if (rows, digest.hexdigest()) != (table.rows, table.sha256):
            raise not_valid(self.path, f"{table.name} has {rows} rows or contents other than its manifest says")

    def verify(self) -> None:
        """Read everything once; BackupError for the first difference from the manifest."""
        for table in self.manifest.tables:
            for _ in self.rows(table):
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._archive.close()


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Open a backup and check its manifest and members; BackupError when there is none, or it is not valid."""
    try:
        file = _BoundedReader(path)
    except FileNotFoundError:
        raise BackupError(f"{path}: no such backup; `etstats backup --list` shows those there are") from None
    except OSError as error:
        raise BackupError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BackupError(f"{path}: not a regular file")
        with BackupFile(path, file) as backup:
            yield backup


def read_manifest(path: Path) -> Manifest:
    """Read what a backup holds; BackupError when it is not valid."""
    with open_backup(path) as backup:
        return backup.manifest


def not_valid(path: Path, reason: str) -> BackupError:
    """The one error for a file that cannot be restored."""
    return BackupError(f"{path} is not a valid backup: {reason}; choose another: etstats backup --list")


@contextmanager
def malformed(path: Path) -> Iterator[None]:
    """Turn what is raised for malformed bytes into a BackupError."""
    try:
        yield
    except ConfigError:
        raise
    except OSError as error:  # also a position outside the file
        raise not_valid(path, f"it cannot be read ({error.strerror or error})") from error
    except _MALFORMED as error:
        is_worded = type(error) is ValueError or type(error) is zipfile.BadZipFile
        raise not_valid(path, str(error)[:200] if is_worded else f"damaged ({type(error).__name__})") from error


@contextmanager
def create_backup(path: Path) -> Iterator[zipfile.ZipFile]:
    """Create a file of mode 0600 to write a backup to, and see it on the disk at the end.

    TemporaryError when it cannot be written; what was written of it stays for the caller to remove.
    """
    try:
        with open(path, "xb", opener=_private) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise TemporaryError(
            f"the backup {path} cannot be written: {error.strerror or error}; free space, or set [backup] path"
        ) from error


def write_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Write the manifest, which comes last."""
    whole = {"format": FORMAT, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
    archive.writestr(_MANIFEST, json.dumps(whole, indent=1))


class _BoundedReader(io.BufferedReader):
    """A file of which one read returns a megabyte at most: `zipfile` reads as many bytes as the file claims."""

    def __init__(self, path: Path) -> None:
        # A named pipe is opened without waiting for a writer, and refused by the caller.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        super().__init__(io.FileIO(descriptor, "rb"))

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; BadZipFile when there is more than a backup has in one piece."""
        wanted = _MAX_READ + 1 if size is None or size < 0 else min(size, _MAX_READ + 1)
        content = super().read(wanted)
        if len(content) > _MAX_READ:
            raise zipfile.BadZipFile("its directory is too large")
        return content


def _check_sizes(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    """Refuse members that are encrypted, of another method, overlapping, or that expand beyond all measure."""
    for member in members:
        if member.flag_bits & 0x1:
            raise ValueError("it is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is compressed by another method than deflate")
        if member.file_size > _MAX_RATIO * member.compress_size + _MAX_READ:
            raise ValueError(f"a member expands {_MAX_RATIO} times or more")
    if sum(member.compress_size for member in members) > file_bytes:
        raise ValueError("its members overlap")


def _from_json(text: bytes) -> Manifest:
    """Read the manifest; ValueError where it is not what `write_manifest` writes."""
    whole = _object(json.loads(text), {"format", "made_at", "version", "migrations", "tables"})
    if whole["format"] != FORMAT:
        raise ValueError("its format is unknown; it may be of a newer etstats")
    migrations = whole["migrations"]
    if not isinstance(migrations, dict) or not migrations:
        raise ValueError("its manifest names no migrations")
    tables = whole["tables"]
    if not isinstance(tables, list) or not len(tables) <= _MAX_TABLES:
        raise ValueError("its manifest has no list of tables")
    made_at = datetime.fromisoformat(_text(whole["made_at"]))
    if made_at.tzinfo is None or not 2000 <= made_at.year < 9999:
        raise ValueError("the date of its manifest is not plausible")
    return Manifest(
        made_at=made_at.astimezone(UTC),
        version=_text(whole["version"], _VERSION),
        migrations={int(_text(key, _NUMBER)): _text(value, _HASH) for key, value in migrations.items()},
        tables=tuple(map(_contents, tables)),
    )


def _contents(value: object) -> Contents:
    table = _object(value, {"name", "columns", "rows", "sha256"})
    rows, columns = table["rows"], table["columns"]
    if type(rows) is not int or rows < 0 or not isinstance(columns, list):
        raise ValueError("its manifest does not describe tables")
    return Contents(
        name=_text(table["name"], _NAME),
        columns=tuple(_text(column, _NAME) for column in columns),
        rows=rows,
        sha256=_text(table["sha256"], _HASH),
    )


def _object(value: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or not keys <= value.keys():
        raise ValueError("its manifest is not one of etstats")
    return value


def _text(value: object, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (form and not form.fullmatch(value)):
        raise ValueError("its manifest holds a value that etstats does not write")
    return value


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
