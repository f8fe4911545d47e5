"""Export all tables as CSV, JSON lines or SQLite, each with a data dictionary.

Rows are streamed in one snapshot, so memory does not grow with the database and writers are not blocked. A
complete export is renamed to its final name; existing files are never replaced.
"""

import csv
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from shutil import rmtree

from etstats.db import catalog
from etstats.db.catalog import CatalogColumn, CatalogTable
from etstats.db.connection import Connection
from etstats.errors import ConfigError, TemporaryError

# With this key the GUIDs of forgotten players could be found by trying all.
_SECRET = frozenset({"forgetting_key"})
_AT_ONCE = 1000


class ExportKind(StrEnum):
    """Format of an export."""

    CSV = "csv"
    JSONL = "jsonl"
    SQLITE = "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the data dictionary: a column, or (with an empty name) its table."""

    table: str
    column: str
    type: str
    key: str
    meaning: str


Progress = Callable[[int, int], None]
"""Progress callback: (tables written, all tables)."""


def export(
    conn: Connection,
    target: Path,
    kind: ExportKind,
    *,
    with_files: bool = True,
    progress: Progress = lambda _done, _all: None,
) -> list[str]:
    """Write all tables into a new private folder (CSV, JSONL) or file (SQLite); return their names.

    `with_files`: include the archived bytes of the round files. ConfigError: the target exists, or cannot be
    created. TemporaryError: the disk is full; the partial export is removed.
    """
    catalog.snapshot(conn)
    with _made_whole(target) as unfinished, conn.transaction():
        tables = [_exported(table, with_files) for table in catalog.tables(conn)]
        tables = [table for table in tables if not table.is_view and table.name not in _SECRET]
        if kind is ExportKind.SQLITE:
            unfinished.touch(mode=0o600, exist_ok=False)
            with closing(sqlite3.connect(unfinished)) as database:
                _each(tables, progress, lambda table: _sqlite_table(database, conn, table))
                _sqlite_dictionary(database, tables)
        else:
            unfinished.mkdir(mode=0o700)
            write = _csv_file if kind is ExportKind.CSV else _jsonl_file
            _each(tables, progress, lambda table: write(unfinished / f"{table.name}.{kind}", conn, table))
            (_csv_dictionary if kind is ExportKind.CSV else _jsonl_dictionary)(unfinished, tables)
    return [table.name for table in tables]


def entries(tables: Iterable[CatalogTable]) -> Iterator[Entry]:
    """Return the data dictionary: each table, followed by its columns."""
    for table in tables:
        kind = "view" if table.is_view else "table"
        yield Entry(table=table.name, column="", type=kind, key="", meaning=table.meaning)
        for column, meaning in zip(table.columns, table.meanings, strict=True):
            yield Entry(
                table=table.name, column=column.name, type=_type(column), key=_key(column), meaning=meaning
            )


def _type(column: CatalogColumn) -> str:
    return column.kind + (" or null" if column.is_nullable and not column.is_view else "")


def _key(column: CatalogColumn) -> str:
    parts = ["primary key"] if column.is_key else []
    parts += [f"of {column.refers_to}"] if column.refers_to else []
    parts += ["generated"] if column.is_generated else []
    return ", ".join(parts)


def _exported(table: CatalogTable, with_files: bool) -> CatalogTable:
    """Return a table without the excluded columns."""
    kept = [
        (column, meaning)
        for column, meaning in zip(table.columns, table.meanings, strict=True)
        if with_files or column.kind != "bytea"
    ]
    return CatalogTable(
        name=table.name,
        is_view=table.is_view,
        meaning=table.meaning,
        columns=tuple(column for column, _ in kept),
        meanings=tuple(meaning for _, meaning in kept),
    )


def _each(tables: Sequence[CatalogTable], progress: Progress, write: Callable[[CatalogTable], None]) -> None:
    for done, table in enumerate(tables, 1):
        write(table)
        progress(done, len(tables))


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """Yield a temporary path next to the target; it is renamed to the target at the end, or removed."""
    if target.exists() or target.is_symlink():
        raise ConfigError(f"{target} exists and is not replaced; choose a new folder or file, or remove it first.")
    if not target.parent.is_dir():
        raise ConfigError(f"{target} cannot be written: {target.parent} is not a folder.")
    unfinished = target.with_name(f".{target.name}.unfinished")
    if unfinished.exists():
        raise ConfigError(
            f"{unfinished}: another export is running, or was interrupted; if none is running, remove it."
        )
    try:
        yield unfinished
        unfinished.rename(target)
    except sqlite3.OperationalError as error:
        raise TemporaryError(f"{target} cannot be written: {error}. The partial export was removed.") from error
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written: {error.strerror}. The partial export was removed."
        ) from error
    finally:
        if unfinished.is_dir():
            rmtree(unfinished)
        else:
            unfinished.unlink(missing_ok=True)


def _csv_file(path: Path, conn: Connection, table: CatalogTable) -> None:
    with open(path, "xb", opener=_private) as file:
        file.writelines(catalog.copy_csv(conn, table.columns))


def _jsonl_file(path: Path, conn: Connection, table: CatalogTable) -> None:
    with open(path, "x", encoding="utf-8", opener=_private) as file:
        file.writelines(f"{row}\n" for row in catalog.json_rows(conn, table.columns))


def _csv_dictionary(folder: Path, tables: Sequence[CatalogTable]) -> None:
    with open(folder / "data_dictionary.csv", "x", encoding="utf-8", newline="", opener=_private) as file:
        writer = csv.DictWriter(file, Entry.__slots__, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in entries(tables))


def _jsonl_dictionary(folder: Path, tables: Sequence[CatalogTable]) -> None:
    with open(folder / "data_dictionary.jsonl", "x", encoding="utf-8", opener=_private) as file:
        file.writelines(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries(tables))


def _sqlite_table(database: sqlite3.Connection, conn: Connection, table: CatalogTable) -> None:
    keys = ", ".join(f'"{column.name}"' for column in table.columns if column.is_key)
    parts = [f'"{column.name}" {_affinity(column)}' for column in table.columns]
    parts += [f"PRIMARY KEY ({keys})"] if keys else []
    places = ", ".join("?" * len(table.columns))
    with database:
        database.execute(f'CREATE TABLE "{table.name}" ({", ".join(parts)})')
        rows = catalog.plain_rows(conn, table.columns)
        while batch := list(islice(rows, _AT_ONCE)):
            database.executemany(f'INSERT INTO "{table.name}" VALUES ({places})', batch)


def _sqlite_dictionary(database: sqlite3.Connection, tables: Sequence[CatalogTable]) -> None:
    with database:
        database.execute('CREATE TABLE data_dictionary ("table", "column", "type", "key", "meaning")')
        rows = [(entry.table, entry.column, entry.type, entry.key, entry.meaning) for entry in entries(tables)]
        database.executemany("INSERT INTO data_dictionary VALUES (?, ?, ?, ?, ?)", rows)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _affinity(column: CatalogColumn) -> str:
    if column.kind in ("smallint", "integer", "bigint", "boolean"):
        return "INTEGER"
    if column.kind == "double precision" or column.kind.startswith("numeric"):
        return "REAL"
    return "BLOB" if column.kind == "bytea" else "TEXT"
