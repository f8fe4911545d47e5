"""The database's tables and columns, their descriptions, and their rows as a stream."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query, sql_root

_AT_ONCE = 2000
# What a spreadsheet would take for the beginning of a formula.
_FORMULA = "^[=+@\t\r-]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogColumn:
    """One column: `kind` is the database's type, `refers_to` the table that its values are keys of."""

    table_name: str
    is_view: bool
    name: str
    kind: str
    is_nullable: bool
    is_generated: bool
    is_key: bool
    refers_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogTable:
    """One table or view, what it holds, and its columns in order; `meanings` go along with them."""

    name: str
    is_view: bool
    meaning: str
    columns: tuple[CatalogColumn, ...]
    meanings: tuple[str, ...]


def tables(conn: Connection) -> list[CatalogTable]:
    """All tables, then all views, by name; the meanings are those of `sql/dictionary.toml`, else empty."""
    words = dictionary()
    with database_errors(), conn.cursor(row_factory=class_row(CatalogColumn)) as cursor:
        columns = cursor.execute(query("catalog_columns")).fetchall()
    found = []
    for name, group in groupby(columns, lambda column: column.table_name):
        own = tuple(group)
        meanings = words.get(name, {})
        if name == "match_summaries":
            meanings = {**words["player_comprehensive_stats"], **meanings}
        found.append(
            CatalogTable(
                name=name,
                is_view=own[0].is_view,
                meaning=meanings.get("", ""),
                columns=own,
                meanings=tuple(meanings.get(column.name, "") for column in own),
            )
        )
    return found


def dictionary() -> dict[str, dict[str, str]]:
    """What each table (under the empty name) and each of its columns means."""
    return tomllib.loads((sql_root() / "dictionary.toml").read_text(encoding="utf-8"))


def snapshot(conn: Connection) -> None:
    """Let all that is read from now on, up to the end of the transaction, be of one moment."""
    conn.rollback()
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ


def copy_csv(conn: Connection, columns: Sequence[CatalogColumn]) -> Iterator[bytes]:
    """The rows as CSV with a heading line, in pieces; an apostrophe keeps text from being a formula."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(_select(columns, _harmless))
    with database_errors(), conn.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in copy:
            yield bytes(piece)


def json_rows(conn: Connection, columns: Sequence[CatalogColumn]) -> Iterator[str]:
    """The rows as one JSON object each; bytes in hex, moments in ISO 8601."""
    statement = sql.SQL("SELECT row_to_json(t)::text FROM ({}) t").format(_select(columns, _as_it_is))
    return (str(text) for (text,) in _stream(conn, statement))


def plain_rows(conn: Connection, columns: Sequence[CatalogColumn]) -> Iterator[tuple[object, ...]]:
    """The rows as integers, floats, text and bytes; moments and days as text in ISO 8601, true as 1."""
    return _stream(conn, _select(columns, _plain))


def _stream(conn: Connection, statement: sql.Composed) -> Iterator[tuple[object, ...]]:
    with database_errors(), conn.cursor("export") as cursor:
        cursor.itersize = _AT_ONCE
        yield from cursor.execute(statement)


def _select(columns: Sequence[CatalogColumn], value: Callable[[CatalogColumn], sql.Composable]) -> sql.Composed:
    keys = [column for column in columns if column.is_key] or columns[:1]
    return sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
        sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(value(column), sql.Identifier(column.name)) for column in columns
        ),
        sql.Identifier(columns[0].table_name),
        sql.SQL(", ").join(sql.SQL("{}.{}").format(*_name(column)) for column in keys),
    )


def _name(column: CatalogColumn) -> tuple[sql.Identifier, sql.Identifier]:
    return sql.Identifier(column.table_name), sql.Identifier(column.name)


def _as_it_is(column: CatalogColumn) -> sql.Composable:
    return sql.SQL("{}.{}").format(*_name(column))


def _harmless(column: CatalogColumn) -> sql.Composable:
    value = _as_it_is(column)
    if column.kind != "text":
        return value
    return sql.SQL("CASE WHEN {0} ~ {1} THEN {2} || {0} ELSE {0} END").format(
        value, sql.Literal(_FORMULA), sql.Literal("'")
    )


def _plain(column: CatalogColumn) -> sql.Composable:
    if column.kind in ("smallint", "integer", "bigint", "text", "bytea", "double precision"):
        return _as_it_is(column)
    if column.kind == "boolean":
        return sql.SQL("{}::integer").format(_as_it_is(column))
    if column.kind.startswith("numeric"):
        return sql.SQL("{}::double precision").format(_as_it_is(column))
    # Through JSON, because PostgreSQL writes times in ISO 8601 there.
    return sql.SQL("to_json({}) #>> '{{}}'").format(_as_it_is(column))
