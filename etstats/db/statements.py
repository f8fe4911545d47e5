"""Run named queries.

`run`, `ids` and `rows` use their own transaction; none may be open. `fetch_all`, `fetch_one` and `fetch_column`
run in the caller's transaction.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query

Row = TypeVar("Row")


def run(conn: Connection, name: str, parameters: Mapping[str, object]) -> None:
    """Run a named query that returns nothing."""
    with conn.transaction():
        conn.execute(query(name), parameters)


def ids(conn: Connection, name: str, parameters: Mapping[str, object]) -> list[int]:
    """Return the first column of a named query."""
    with conn.transaction():
        return fetch_column(conn, name, parameters)


def rows(conn: Connection, row: type[Row], name: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
    """Return the rows of a named query as instances of `row`."""
    with conn.transaction():
        return fetch_all(conn, row, name, parameters)


def fetch_all(
    conn: Connection,
    row: type[Row],
    name: str,
    parameters: Mapping[str, object] | None = None,
    *,
    sql: Callable[[str], str] = query,
) -> list[Row]:
    """Return the rows of a named query as instances of `row`; `sql` gives its text."""
    with conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(sql(name), parameters).fetchall()


def fetch_one(
    conn: Connection,
    row: type[Row],
    name: str,
    parameters: Mapping[str, object] | None = None,
    *,
    sql: Callable[[str], str] = query,
) -> Row:
    """Return the row of a query that always returns one, such as an aggregate."""
    (found,) = fetch_all(conn, row, name, parameters, sql=sql)
    return found


def fetch_column(
    conn: Connection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    *,
    sql: Callable[[str], str] = query,
) -> list[Any]:
    """Return the first column of a named query; `sql` gives its text."""
    return [row[0] for row in conn.execute(sql(name), parameters)]
