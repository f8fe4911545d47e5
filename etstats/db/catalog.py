"""The database's tables and columns, their descriptions, and their rows as a stream."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query, sql_root

_AT_ONCE = 2000
_SAME_COLUMNS = {
    "match_summaries": "player_comprehensive_stats",
    "person_stats": "player_comprehensive_stats",
    "person_weapon_stats": "weapon_comprehensive_stats",
}
# Characters with which a formula begins in a spreadsheet.
_FORMULA = "^[=+@\t\r-]"


class CatalogColumn(NamedTuple):
    """One column: `kind` is the database's type, `refers_to` the table that its values are keys of."""

    table_name: str
    is_view: bool
    name: str
    kind: str
    is_nullable: bool
    is_generated: bool
    is_key: bool
    refers_to: str | None


class CatalogTable(NamedTuple):
    """A table or view, its description, and its columns in order; `meanings` are in the same order."""

    name: str
    is_view: bool
    meaning: str
    columns: tuple[CatalogColumn, ...]
    meanings: tuple[str, ...]


def tables(conn: Connection) -> list[CatalogTable]:
    """Return all tables, then all views, by name; meanings come from `sql/dictionary.toml` or are empty."""
    words = dictionary()
    with conn.cursor(row_factory=class_row(CatalogColumn)) as cursor:
        columns = cursor.execute(query("catalog_columns")).fetchall()
    found = []
    for name, group in groupby(columns, lambda column: column.table_name):
        own = tuple(group)
        meanings = words.get(name, {})
        meanings = {**words.get(_SAME_COLUMNS.get(name, ""), {}), **meanings}
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
    """Return the meaning of each table (key: empty name) and of each of its columns."""
    return tomllib.loads((sql_root() / "dictionary.toml").read_text(encoding="utf-8"))


def snapshot(conn: Connection) -> None:
    """Read from one snapshot until the end of the transaction."""
    conn.rollback()
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ


def copy_csv(conn: Connection, columns: Sequence[CatalogColumn]) -> Iterator[bytes]:
    """Yield the rows as CSV with a header; an apostrophe prevents that text is read as a formula."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(_select(columns, _harmless))
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in copy:
            yield bytes(piece)


def json_rows(conn: Connection, columns: Sequence[CatalogColumn]) -> Iterator[str]:
    """Yield each row as a JSON object; bytes in hex, times in ISO 8601."""
    statement = sql.SQL("SELECT row_to_json(t)::text FROM ({}) t").format(_select(columns, _as_it_is))
    return (str(text) for (text,) in _stream(conn, statement))


def plain_rows(conn: Connection, columns: Sequence[CatalogColumn]) -> Iterator[tuple[object, ...]]:
    """Yield the rows as integers, floats, text and bytes; times and dates as ISO 8601 text, true as 1."""
    return _stream(conn, _select(columns, _plain))


def _stream(conn: Connection, statement: sql.Composed) -> Iterator[tuple[object, ...]]:
    with conn.cursor("export") as cursor:
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
