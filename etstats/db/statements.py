"""How this package runs named queries.

`run`, `ids` and `rows` are transactions of their own, committed when they return: none may be open before.
`fetch_all`, `fetch_one` and `fetch_column` run in the transaction of the caller.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query

Row = TypeVar("Row")


def run(conn: Connection, name: str, parameters: Mapping[str, object]) -> None:
    """Run a named query that returns nothing."""
    with database_errors(), conn.transaction():
        conn.execute(query(name), parameters)


def ids(conn: Connection, name: str, parameters: Mapping[str, object]) -> list[int]:
    """Return the first column of a named query."""
    with database_errors(), conn.transaction():
        return fetch_column(conn, name, parameters)


def rows(conn: Connection, row: type[Row], name: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
    """Return the rows of a named query as instances of `row`."""
    with database_errors(), conn.transaction():
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
    with database_errors(), conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(sql(name), parameters).fetchall()


def fetch_one(conn: Connection, row: type[Row], name: str, parameters: Mapping[str, object] | None = None) -> Row:
    """Return the only row of a query that always has one, such as an aggregate."""
    (found,) = fetch_all(conn, row, name, parameters)
    return found


def fetch_column(conn: Connection, name: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
    """Return the first column of a named query."""
    with database_errors():
        return [row[0] for row in conn.execute(query(name), parameters)]
