"""Read version, size and replication state of the database."""

from datetime import datetime
from typing import NamedTuple

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_one


class DatabaseFacts(NamedTuple):
    """The server's version, the database's name, and its size on disk in bytes."""

    server_version: str
    name: str
    size_bytes: int


def database_facts(conn: Connection) -> DatabaseFacts:
    """Read the database's version, size and state."""
    return fetch_one(conn, DatabaseFacts, "database_facts")


class ReplicaFacts(NamedTuple):
    """The state of a replica: bytes behind the primary's log, and the time of its last commit.

    None: it has received nothing yet, or is not a replica.
    """

    is_replica: bool
    bytes_behind: int | None
    as_of: datetime | None


def written_to(primary: Connection) -> str | None:
    """Return the position of the primary's log; None if this is a replica."""
    row = primary.execute(query("current_wal_position")).fetchone()
    return row[0] if row else None


def replica_facts(replica: Connection, written_to: str | None) -> ReplicaFacts:
    """Return the state of a replica relative to a log position of its primary."""
    return fetch_one(replica, ReplicaFacts, "replica_facts", {"written_to": written_to})
