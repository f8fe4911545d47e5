"""A base as one file, and back: every table by COPY, in one snapshot, with counts and hashes.

The file is a ZIP: `manifest.json`, and `<table>.copy` with each table's rows in PostgreSQL's text format, ordered
by key. The schema is not in it: it is that of the migrations the manifest names. So it needs no `pg_dump`, no
password leaves this process, and what one version of PostgreSQL wrote any other from 14 on can read.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from etstats.db import migrations
from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.errors import ConfigError, DatabaseError, TemporaryError

FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One table: its stored columns, the key that orders its rows, and the tables it refers to."""

    name: str
    columns: list[str]
    key: list[str]
    identities: list[str]
    needs: list[str]


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
        return dict(self.migrations) == migrations.UNRELEASED

    @property
    def rows(self) -> int:
        """All rows together."""
        return sum(table.rows for table in self.tables)

    def rows_of(self, name: str) -> int:
        """The rows of one table; 0 for one that is not in it."""
        return next((table.rows for table in self.tables if table.name == name), 0)


def write_dump(conn: Connection, path: Path, *, made_at: datetime, version: str) -> Manifest:
    """Write the base into a new file of mode 0600; runs beside writers and sees one moment of theirs.

    TemporaryError when the disk is full; what was written of the file stays for the caller to remove.
    """
    conn.rollback()
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    with _file_errors(path), database_errors(), conn.transaction():
        steps = {step.number: step.sha256 for step in migrations.status(conn).applied}
        tables: list[Contents] = []
        with open(path, "xb", opener=_private) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                for shape in shapes(conn):
                    with archive.open(f"{shape.name}.copy", "w", force_zip64=True) as member:
                        tables.append(_copy_out(conn, shape, member.write))
                manifest = Manifest(made_at=made_at, version=version, migrations=steps, tables=tuple(tables))
                archive.writestr(_MANIFEST, _to_json(manifest))
            file.flush()
            os.fsync(file.fileno())
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Read what a backup holds; ConfigError when it is none, or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _from_json(archive.read(_MANIFEST))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such backup; `etstats backup --list` shows those there are") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} is no whole backup of etstats ({type(error).__name__}); take another"
        ) from error


def load(conn: Connection, path: Path) -> Manifest:
    """Fill an empty database from a backup: its schema as it was, its rows, all compared with the manifest.

    ConfigError: the file is damaged, or of a newer etstats. Later migrations are left to `migrate`. A backup from
    before the first release fills the present schema; tables that do not exist any more are left out.
    """
    manifest = read_manifest(path)
    if manifest.is_unreleased:
        migrations.migrate(conn)
    else:
        newest = max(manifest.migrations, default=0)
        if newest > max((step.number for step in migrations.status(conn).pending), default=0):
            raise ConfigError(
                f"{path} was made by etstats {manifest.version}, which is newer: upgrade etstats first"
            )
        migrations.migrate(conn, up_to=newest)
        if {step.number: step.sha256 for step in migrations.status(conn).applied} != dict(manifest.migrations):
            raise ConfigError(
                f"{path} was made by an unreleased etstats whose schema differs; restore it with that version"
            )
    with database_errors(), conn.transaction(), zipfile.ZipFile(path) as archive:
        found = {shape.name: shape for shape in shapes(conn)}
        with _filling(conn, found.values()):
            for table in manifest.tables:
                if table.name not in found:
                    continue
                with _archive_errors(path), archive.open(f"{table.name}.copy") as member:
                    _copy_in(conn, found[table.name], table.columns, iter(partial(member.read, _CHUNK), b""))
        _refuse_difference(path, manifest.tables, _loaded(conn, manifest.tables, found), found)
    return manifest


def replace_rows(source: Connection, target: Connection) -> tuple[Contents, ...]:
    """Make the rows of `target` those of `source`, in one transaction; both have the same schema.

    Grants, views and settings of the target stay. Compared before the commit; DatabaseError when they differ.
    """
    target.rollback()  # inside a transaction left open this would be no more than a savepoint
    with database_errors(), source.transaction(), target.transaction():
        source.execute(query("set_portable_text"))
        target.execute(query("set_portable_text"))
        found = shapes(source)
        with _filling(target, found):
            for shape in found:
                with source.cursor().copy(_copy_statement(shape)) as rows:
                    _copy_in(target, shape, shape.columns, (bytes(block) for block in rows))
        wanted = contents(source)
        if [t for t in contents(target) if t in wanted] != list(wanted):
            raise DatabaseError("the rows did not arrive as they were sent; the base is as it was before")
        return wanted


def contents(conn: Connection) -> tuple[Contents, ...]:
    """Count and hash every table."""
    with database_errors(), conn.transaction():
        return tuple(_copy_out(conn, shape, lambda _: None) for shape in shapes(conn))


def shapes(conn: Connection) -> list[Shape]:
    """Every table of the base, each after those it refers to."""
    with database_errors(), conn.cursor(row_factory=class_row(Shape)) as cursor:
        found = {shape.name: shape for shape in cursor.execute(query("dumped_tables"))}
    order = TopologicalSorter({name: shape.needs for name, shape in found.items()}).static_order()
    return [found[name] for name in order if name in found]


def _copy_statement(shape: Shape) -> sql.Composed:
    return sql.SQL("COPY (SELECT {columns} FROM {table} ORDER BY {key}) TO STDOUT").format(
        columns=_names(shape.columns), table=sql.Identifier(shape.name), key=_names(shape.key or shape.columns)
    )


def _copy_out(conn: Connection, shape: Shape, write: Callable[[bytes], object]) -> Contents:
    digest, rows = hashlib.sha256(), 0
    conn.execute(query("set_portable_text"))
    with conn.cursor().copy(_copy_statement(shape)) as copied:
        for block in copied:
            digest.update(block)
            rows += bytes(block).count(b"\n")  # within a value a line end is written as \n
            write(bytes(block))
    return Contents(name=shape.name, columns=tuple(shape.columns), rows=rows, sha256=digest.hexdigest())


def _copy_in(conn: Connection, shape: Shape, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
    table = sql.Identifier(shape.name)
    with conn.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, _names(columns))) as copied:
        for block in blocks:
            copied.write(block)


@contextmanager
def _filling(conn: Connection, tables: Iterable[Shape]) -> Iterator[None]:
    """Empty the tables and let rows come in as they are: no trigger derives anything, identities go on after."""
    tables = list(tables)
    conn.execute(sql.SQL("TRUNCATE {}").format(_names([shape.name for shape in tables])))
    for shape in tables:
        conn.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(shape.name)))
    # A superuser (as in the embedded base) may leave out the check of each reference, which takes half the time;
    # the rows come from one snapshot and are compared by hash.
    with suppress(psycopg.errors.InsufficientPrivilege), conn.transaction():
        conn.execute(query("skip_reference_checks"))
    yield
    conn.execute(query("check_constraints"))  # ALTER TABLE wants nothing pending
    for shape in tables:
        conn.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(shape.name)))
        for column in shape.identities:
            _advance(conn, shape.name, column)


def _advance(conn: Connection, table: str, column: str) -> None:
    statement = sql.SQL(
        "SELECT setval(pg_get_serial_sequence({name}, {text}), greatest(max({column}), 1),"
        " max({column}) IS NOT NULL) FROM {table}"
    )
    identifier = sql.Identifier(table)
    conn.execute(
        statement.format(
            name=identifier.as_string(conn), text=column, column=sql.Identifier(column), table=identifier
        )
    )


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _loaded(conn: Connection, tables: Iterable[Contents], known: Mapping[str, Shape]) -> Iterator[Contents]:
    """Count and hash the columns of a backup as they arrived; an older schema has fewer than the table."""
    conn.execute(query("set_portable_text"))
    for table in tables:
        if table.name in known:
            yield _copy_out(conn, replace(known[table.name], columns=list(table.columns)), lambda _: None)


def _refuse_difference(
    path: Path, wanted: Iterable[Contents], got: Iterable[Contents], known: Mapping[str, Shape]
) -> None:
    here = {table.name: table for table in got}
    for table in wanted:
        if table.name in known and table != here[table.name]:
            raise ConfigError(
                f"{path} is damaged: {table.name} has {here[table.name].rows} rows and another hash than the "
                f"{table.rows} that were written; take another backup"
            )


def _to_json(manifest: Manifest) -> str:
    whole = {"format": FORMAT, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
    return json.dumps(whole, indent=1)


def _from_json(text: bytes) -> Manifest:
    """Raises ValueError, KeyError or TypeError for what is no manifest of ours."""
    whole = json.loads(text)
    if whole["format"] != FORMAT:
        raise ValueError(f"format {whole['format']}")
    tables = tuple(
        Contents(name=str(t["name"]), columns=tuple(t["columns"]), rows=int(t["rows"]), sha256=str(t["sha256"]))
        for t in whole["tables"]
    )
    return Manifest(
        made_at=datetime.fromisoformat(whole["made_at"]),
        version=str(whole["version"]),
        migrations={int(number): str(sha256) for number, sha256 in whole["migrations"].items()},
        tables=tables,
    )


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TemporaryError(
            f"the backup {path} cannot be written: {error.strerror or error}; make room, or set [backup] path"
        ) from error


@contextmanager
def _archive_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, psycopg.DataError, psycopg.IntegrityError) as error:
        raise ConfigError(f"{path} is damaged ({type(error).__name__}); take another backup") from error
