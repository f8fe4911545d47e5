"""Version, size and state of the database as a whole."""

from dataclasses import dataclass
from datetime import datetime

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.db.statements import fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """The server's version, the database's name, and its size on disk in bytes."""

    server_version: str
    name: str
    size_bytes: int


def base_facts(conn: Connection) -> BaseFacts:
    """Read the database's version, size and state."""
    return fetch_one(conn, BaseFacts, "database_facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaFacts:
    """What a replica shows: `bytes_behind` of the primary's log are still to come, `as_of` is its last commit.

    None: it has received nothing yet, or is not a replica.
    """

    is_replica: bool
    bytes_behind: int | None
    as_of: datetime | None


def written_to(primary: Connection) -> str | None:
    """How far the primary's log is written; None when this is a replica itself."""
    with database_errors():
        row = primary.execute(query("current_wal_position")).fetchone()
    return row[0] if row else None


def replica_facts(replica: Connection, written_to: str | None) -> ReplicaFacts:
    """Ask a replica how far it has come, against what its primary had written."""
    return fetch_one(replica, ReplicaFacts, "replica_facts", {"written_to": written_to})
