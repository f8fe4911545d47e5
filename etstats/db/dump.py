"""Write a database to a backup file and load it: every table by COPY, in one snapshot, with counts and hashes.

The file does not contain the schema, only the migrations' names in the manifest. So `pg_dump` is not needed, the
password stays in this process, and a backup can be loaded by any version of PostgreSQL from 14 on.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from etstats.db import migrations
from etstats.db.backup_file import (
    BackupFile,
    Contents,
    Manifest,
    create_backup,
    not_valid,
    open_backup,
    write_manifest,
)
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.errors import DatabaseError, EtstatsError

# SQLSTATE classes of errors caused by the rows: data, integrity, a server limit exceeded.
_OF_THE_ROWS = ("22", "23", "54")


class Shape(NamedTuple):
    """A table: its stored columns, the key that orders its rows, the tables it references, columns by type."""

    name: str
    columns: list[str]
    key: list[str]
    identities: list[str]
    needs: list[str]
    moments: list[str]
    fractions: list[str]


def write_dump(conn: Connection, path: Path, *, made_at: datetime, version: str) -> Manifest:
    """Write one snapshot of the database to a new file of mode 0600; other writers may continue.

    Raises TemporaryError if the disk is full; the caller removes the incomplete file.
    """
    conn.rollback()
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    with create_backup(path) as archive, conn.transaction():
        steps = {step.number: step.sha256 for step in migrations.status(conn).applied}
        tables: list[Contents] = []
        for shape in shapes(conn):
            with archive.open(f"{shape.name}.copy", "w", force_zip64=True) as member:
                tables.append(_copy_out(conn, shape, member.write))
        manifest = Manifest(made_at=made_at, version=version, migrations=steps, tables=tuple(tables))
        write_manifest(archive, manifest)
    return manifest


def load(conn: Connection, path: Path) -> Manifest:
    """Load a backup into an empty database and migrate it to the current schema.

    The tables must be those of the schema that the manifest names, and the rows must satisfy its constraints. A
    backup of an unreleased version is loaded into the current schema, without the tables that no longer exist.
    Raises BackupError if the file is invalid or its schema is unknown.
    """
    with open_backup(path) as backup:
        _create_schema(conn, backup)
        with _refused_rows(path), conn.transaction():
            found = {shape.name: shape for shape in shapes(conn)}
            _check_tables(backup, found)
            tables = [table for table in backup.manifest.tables if table.name in found]
            with _filling(conn, found.values()):
                for table in tables:
                    _copy_in(conn, found[table.name], table.columns, backup.rows(table))
            _check_constraints(conn)
            _check_values(conn, path, found.values())
            for table in tables:
                _check_arrival(conn, path, found[table.name], table)
        with _refused_rows(path):
            migrations.migrate(conn)
        return backup.manifest


def replace_rows(source: Connection, target: Connection) -> tuple[Contents, ...]:
    """Replace the rows of `target` by those of `source`, in one transaction; both have the same schema.

    Grants, views and settings of the target are kept. Raises DatabaseError if the rows differ before the commit.
    """
    target.rollback()  # otherwise `transaction()` would only create a savepoint
    with source.transaction(), target.transaction():
        source.execute(query("set_portable_text"))
        target.execute(query("set_portable_text"))
        found = shapes(source)
        with _filling(target, found):
            for shape in found:
                with source.cursor().copy(_copy_statement(shape)) as rows:
                    _copy_in(target, shape, shape.columns, (bytes(block) for block in rows))
        wanted = contents(source)
        if [content for content in contents(target) if content in wanted] != list(wanted):
            raise DatabaseError("the rows differ from those sent; the database is unchanged")
        return wanted


def contents(conn: Connection) -> tuple[Contents, ...]:
    """Return the row count and hash of every table."""
    with conn.transaction():
        return tuple(_copy_out(conn, shape, lambda _: None) for shape in shapes(conn))


def shapes(conn: Connection) -> list[Shape]:
    """Return all tables, each after the tables that it references."""
    with conn.cursor(row_factory=class_row(Shape)) as cursor:
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
    """Truncate the tables and disable their triggers in the block; then advance the identity columns."""
    tables = list(tables)
    conn.execute(sql.SQL("TRUNCATE {}").format(_names([shape.name for shape in tables])))
    for shape in tables:
        conn.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(shape.name)))
    # A superuser (as in the embedded database) may leave out the check of each reference, which takes half the
    # time: the references of a backup are checked at the end, and those of a copied database hold.
    if conn.info.parameter_status("is_superuser") == "on":
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


def _create_schema(conn: Connection, backup: BackupFile) -> None:
    """Apply the migrations that the backup names."""
    known, wanted = migrations.known_migrations(), backup.manifest.migrations
    made_by = f"it was made by etstats {backup.manifest.version}"
    if not backup.manifest.is_unreleased:
        if max(wanted) > known[-1].number:
            raise not_valid(backup.path, f"{made_by}, which is newer: upgrade etstats first")
        if dict(wanted) != {migration.number: migration.sha256 for migration in known[: len(wanted)]}:
            raise not_valid(backup.path, f"{made_by}, an unreleased version: restore it with that one")
    migrations.prepare(conn)
    migrations.migrate(conn, up_to=None if backup.manifest.is_unreleased else max(wanted))


def _check_tables(backup: BackupFile, found: Mapping[str, Shape]) -> None:
    """Refuse tables and columns other than those of the schema."""
    tables = {table.name: set(table.columns) for table in backup.manifest.tables}
    columns = {name: set(shape.columns) for name, shape in found.items()}
    if backup.manifest.is_unreleased:
        different = {name for name in tables.keys() & columns if not tables[name] <= columns[name]}
        if dict(backup.manifest.migrations) == migrations.UNRELEASED:
            different |= tables.keys() ^ migrations.UNRELEASED_TABLES
        else:  # tables that this version added since are empty
            different |= tables.keys() - columns
            different |= (migrations.UNRELEASED_TABLES & columns.keys()) - tables.keys()
    else:
        different = {name for name in tables.keys() | columns if tables.get(name) != columns.get(name)}
    if different:
        raise not_valid(backup.path, f"tables differ from those of its schema: {', '.join(sorted(different)[:5])}")
    if any(len(table.columns) != len(tables[table.name]) for table in backup.manifest.tables):
        raise not_valid(backup.path, "a table has a column twice")


def _check_constraints(conn: Connection) -> None:
    """Check foreign keys and deferrable keys, which are not checked while triggers are disabled."""
    for table, name, definition in conn.execute(query("constraints_enforced_by_triggers")).fetchall():
        conn.execute(
            sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}").format(
                table=sql.Identifier(table), name=sql.Identifier(name), definition=sql.SQL(definition)
            )
        )


def _check_values(conn: Connection, path: Path, tables: Iterable[Shape]) -> None:
    """Refuse values that PostgreSQL accepts and etstats cannot use: infinite values, exhausted identities."""
    bounds = {
        "moments": "{column} < '0001-01-02' OR {column} >= '10000-01-01'",
        "fractions": "{column} IN ('NaN', 'Infinity', '-Infinity')",
        "identities": "{column} > 1 << 30",
    }
    for shape in tables:
        tests = [
            sql.SQL(bounds[kind]).format(column=sql.Identifier(column))
            for kind in bounds
            for column in getattr(shape, kind)
        ]
        if tests:
            statement = sql.SQL("SELECT EXISTS (SELECT FROM {table} WHERE {tests})").format(
                table=sql.Identifier(shape.name), tests=sql.SQL(" OR ").join(tests)
            )
            if conn.execute(statement).fetchone() == (True,):
                raise not_valid(path, f"{shape.name} contains a time or number out of range")


def _check_arrival(conn: Connection, path: Path, shape: Shape, table: Contents) -> None:
    """Compare the loaded rows of a table with the manifest."""
    got = _copy_out(conn, shape._replace(columns=list(table.columns)), lambda _: None)
    if got != table:
        raise not_valid(path, f"{table.name} has {got.rows} rows or contents that differ from its manifest")


@contextmanager
def _refused_rows(path: Path) -> Iterator[None]:
    """Convert database errors caused by the rows to BackupError."""
    try:
        yield
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith(_OF_THE_ROWS):
            raise
        place = error.diag.constraint_name or error.diag.table_name or "its rows"
        reason = (error.diag.message_primary or type(error).__name__).splitlines()[0][:200]
        raise not_valid(path, f"{place}: {reason}") from error
    except EtstatsError as error:
        if error.exit_code != EtstatsError.exit_code:
            raise
        raise not_valid(path, str(error)) from error  # a later migration does not fit its rows
