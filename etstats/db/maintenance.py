"""What is to be known of a base as a whole."""

from dataclasses import dataclass

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """The server's version, the base's name, and its size on disk in bytes."""

    server_version: str
    name: str
    size_bytes: int


def base_facts(conn: Connection) -> BaseFacts:
    """Ask the base about itself."""
    with database_errors(), conn.cursor(row_factory=class_row(BaseFacts)) as cursor:
        row = cursor.execute(query("base_facts")).fetchone()
    assert row is not None  # noqa: S101  # a SELECT without FROM has one row
    return row
