"""Read and write backup files: a ZIP of `manifest.json` and `<table>.copy` (rows in PostgreSQL's text format).

A backup that is read is untrusted: sizes, names, counts and hashes are checked before a row reaches a database,
memory is never allocated by a length from the file, and any defect is a BackupError.
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
from typing import Any, NamedTuple, Self

from etstats.db.migrations import UNRELEASED, is_of_a_checkout
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


class Contents(NamedTuple):
    """The number of rows of a table, and the SHA-256 of their text in key order."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contents of a backup: its time, etstats version, schema (migration number -> hash) and tables."""

    made_at: datetime
    version: str
    migrations: Mapping[int, str]
    tables: tuple[Contents, ...]

    @property
    def is_unreleased(self) -> bool:
        """Whether it has the schema of an unreleased version: its derived rows must be computed again."""
        return dict(self.migrations) == UNRELEASED or is_of_a_checkout(self.migrations)

    @property
    def rows(self) -> int:
        """The number of rows of all tables."""
        return sum(table.rows for table in self.tables)

    def rows_of(self, name: str) -> int:
        """Return the number of rows of a table; 0 if the backup does not have it."""
        return next((table.rows for table in self.tables if table.name == name), 0)


class BackupFile:
    """An open backup with a checked manifest and member list; rows are checked while they are read."""

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
        """Yield the text of a table's rows in blocks; BackupError if it differs from the manifest."""
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
            raise not_valid(self.path, f"{table.name} has {rows} rows or contents that differ from its manifest")

    def verify(self) -> None:
        """Read all rows once; BackupError for the first difference from the manifest."""
        for table in self.manifest.tables:
            for _ in self.rows(table):
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._archive.close()


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Open a backup and check its manifest and members; BackupError if it is missing or invalid."""
    try:
        file = _BoundedReader(path)
    except FileNotFoundError:
        raise BackupError(f"{path}: no such backup; list them with: etstats backup --list") from None
    except OSError as error:
        raise BackupError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BackupError(f"{path}: not a regular file")
        with BackupFile(path, file) as backup:
            yield backup


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a backup; BackupError if it is invalid."""
    with open_backup(path) as backup:
        return backup.manifest


def not_valid(path: Path, reason: str) -> BackupError:
    """Return the error for a file that cannot be restored."""
    return BackupError(f"{path} is not a valid backup: {reason}; choose another: etstats backup --list")


@contextmanager
def malformed(path: Path) -> Iterator[None]:
    """Convert the exceptions that malformed bytes cause to BackupError."""
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
    """Create a backup file of mode 0600 and fsync it at the end of the block.

    Raises TemporaryError if it cannot be written; the caller removes the incomplete file.
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
    tables = [table._asdict() for table in manifest.tables]
    whole = {"format": FORMAT, **asdict(manifest), "tables": tables, "made_at": manifest.made_at.isoformat()}
    archive.writestr(_MANIFEST, json.dumps(whole, indent=1))


class _BoundedReader(io.BufferedReader):
    """A file whose reads return at most a megabyte, because `zipfile` trusts the lengths in the file."""

    def __init__(self, path: Path) -> None:
        # A named pipe is opened without waiting for a writer, and refused by the caller.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        super().__init__(io.FileIO(descriptor, "rb"))

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to the limit; BadZipFile if more is requested than a backup needs."""
        wanted = _MAX_READ + 1 if size is None or size < 0 else min(size, _MAX_READ + 1)
        content = super().read(wanted)
        if len(content) > _MAX_READ:
            raise zipfile.BadZipFile("its directory is too large")
        return content


def _check_sizes(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    """Refuse members that are encrypted, overlap, use another compression method, or expand too much."""
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
    """Parse the manifest; ValueError if `write_manifest` cannot have written it."""
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
        raise ValueError("its manifest was not written by etstats")
    return value


def _text(value: object, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (form and not form.fullmatch(value)):
        raise ValueError("its manifest contains a value that etstats does not write")
    return value


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
