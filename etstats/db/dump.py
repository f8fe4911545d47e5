"""Copy a database into a backup file and back: every table by COPY, in one snapshot, with counts and hashes.

The schema is not in the file: it is that of the migrations the manifest names. So no `pg_dump` is needed, no
password leaves this process, and what one version of PostgreSQL wrote any other from 14 on can read.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path

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
from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.errors import DatabaseError, EtstatsError

# SQLSTATE classes of errors that speak of the rows: data, integrity, a limit of the server exceeded.
_OF_THE_ROWS = ("22", "23", "54")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One table: its stored columns, the key that orders its rows, the tables it refers to, columns by type."""

    name: str
    columns: list[str]
    key: list[str]
    identities: list[str]
    needs: list[str]
    moments: list[str]
    fractions: list[str]


def write_dump(conn: Connection, path: Path, *, made_at: datetime, version: str) -> Manifest:
    """Write the database into a new file of mode 0600; writers may continue, the dump is one snapshot.

    TemporaryError when the disk is full; what was written of the file stays for the caller to remove.
    """
    conn.rollback()
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    conn.read_only = True
    with create_backup(path) as archive, database_errors(), conn.transaction():
        steps = {step.number: step.sha256 for step in migrations.status(conn).applied}
        tables: list[Contents] = []
        for shape in shapes(conn):
            with archive.open(f"{shape.name}.copy", "w", force_zip64=True) as member:
                tables.append(_copy_out(conn, shape, member.write))
        manifest = Manifest(made_at=made_at, version=version, migrations=steps, tables=tuple(tables))
        write_manifest(archive, manifest)
    return manifest


def load(conn: Connection, path: Path) -> Manifest:
    """Fill an empty database from a backup and give it the schema of this etstats.

    The tables must be exactly those of the schema that the manifest names, and the rows must satisfy all of its
    constraints. A backup from before the first release fills the present schema, without the tables that do not
    exist any more. BackupError: the file is not valid, or of a schema that this etstats does not know.
    """
    with open_backup(path) as backup:
        _create_schema(conn, backup)
        with database_errors(), _refused_rows(path), conn.transaction():
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
            raise DatabaseError("the database received other rows than were sent; it is unchanged")
        return wanted


def contents(conn: Connection) -> tuple[Contents, ...]:
    """Count and hash every table."""
    with database_errors(), conn.transaction():
        return tuple(_copy_out(conn, shape, lambda _: None) for shape in shapes(conn))


def shapes(conn: Connection) -> list[Shape]:
    """Every table of the database, each after those it refers to."""
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
    """Apply the migrations that the database of the backup had."""
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
        different = tables.keys() ^ migrations.UNRELEASED_TABLES
        different |= {name for name in tables.keys() & columns if not tables[name] <= columns[name]}
    else:
        different = {name for name in tables.keys() | columns if tables.get(name) != columns.get(name)}
    if different:
        raise not_valid(backup.path, f"tables differ from those of its schema: {', '.join(sorted(different)[:5])}")
    if any(len(table.columns) != len(tables[table.name]) for table in backup.manifest.tables):
        raise not_valid(backup.path, "a table has a column twice")


def _check_constraints(conn: Connection) -> None:
    """Check references and deferrable keys, which rows that are copied in without triggers do not undergo."""
    for table, name, definition in conn.execute(query("constraints_enforced_by_triggers")).fetchall():
        conn.execute(
            sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}").format(
                table=sql.Identifier(table), name=sql.Identifier(name), definition=sql.SQL(definition)
            )
        )


def _check_values(conn: Connection, path: Path, tables: Iterable[Shape]) -> None:
    """Refuse what PostgreSQL stores and etstats cannot read or continue: infinite values, exhausted identities."""
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
                raise not_valid(path, f"{shape.name} holds a time or number outside of all bounds")


def _check_arrival(conn: Connection, path: Path, shape: Shape, table: Contents) -> None:
    """Compare the columns of a backup with what the database holds now."""
    got = _copy_out(conn, replace(shape, columns=list(table.columns)), lambda _: None)
    if got != table:
        raise not_valid(path, f"{table.name} has {got.rows} rows or contents other than its manifest says")


@contextmanager
def _refused_rows(path: Path) -> Iterator[None]:
    """Turn what the database refuses in the rows into a BackupError."""
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
