"""The three ways in which this room's modules speak to the base, each a transaction of its own.

Committed when the function returns: the connection must have none open.
"""

from collections.abc import Mapping
from typing import TypeVar

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query

Row = TypeVar("Row")


def run(conn: Connection, name: str, parameters: Mapping[str, object]) -> None:
    """Run a named query that gives nothing back."""
    with database_errors(), conn.transaction():
        conn.execute(query(name), parameters)


def ids(conn: Connection, name: str, parameters: Mapping[str, object]) -> list[int]:
    """The first column of a named query's rows."""
    with database_errors(), conn.transaction():
        return [row[0] for row in conn.execute(query(name), parameters)]


def rows(conn: Connection, row: type[Row], name: str, parameters: Mapping[str, object]) -> list[Row]:
    """The rows of a named query, as instances of a dataclass."""
    with database_errors(), conn.transaction(), conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
