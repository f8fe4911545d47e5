"""What is known of the game servers between runs, and the facts that health is judged by."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.db.statements import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """One server: the last listing, the last new file, files that failed and since when, players online.

    `people_since`: since when people were seen at every question; None when the last one found too few.
    """

    server: str
    polled_at: datetime | None = None
    new_file_at: datetime | None = None
    missed: int = 0
    missed_since: datetime | None = None
    queried_at: datetime | None = None
    people: int | None = None
    people_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """The database's state by its own clock (`at`); None: there is no such time yet."""

    at: datetime
    size_bytes: int
    first_import: datetime | None
    last_import: datetime | None
    last_round: datetime | None
    rounds: int
    counting_files: int
    quarantined: int
    newly_quarantined: int
    quarantine_bytes: int
    last_post: datetime | None
    posts_unknown: int
    posts_failed: int
    posts_open: int
    posts_late: int
    channels_gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArrival:
    """One recent file: when its source wrote it, when it was here, and the moment in its name."""

    server: str
    written_at: datetime
    processed_at: datetime
    ended_at: datetime


def record_look(conn: Connection, server_id: int, at: datetime, *, arrived: int, missed: int) -> None:
    """Record a listing: how many files came, how many could not be fetched."""
    values = {"server_id": server_id, "at": at, "arrived": arrived, "missed": missed}
    with database_errors(), conn.transaction():
        conn.execute(query("record_poll"), values)


def record_people(
    conn: Connection, server_id: int, at: datetime, people: int, *, playing: bool, gap: timedelta
) -> None:
    """Note what the game said; questions further apart than `gap` begin anew."""
    values = {
        "server_id": server_id,
        "at": at,
        "people": people,
        "playing": playing,
        "gap_seconds": gap.total_seconds(),
    }
    with database_errors(), conn.transaction():
        conn.execute(query("record_player_count"), values)


def looks(conn: Connection) -> dict[str, ServerStatus]:
    """Everything known, by server name."""
    with database_errors(), conn.transaction(), conn.cursor(row_factory=class_row(ServerStatus)) as cursor:
        return {look.server: look for look in cursor.execute(query("server_status"))}


def health_facts(conn: Connection) -> HealthFacts:
    """Read everything that the health check needs."""
    with database_errors(), conn.transaction(), conn.cursor(row_factory=class_row(HealthFacts)) as cursor:
        row = cursor.execute(query("health_facts")).fetchone()
    assert row is not None  # noqa: S101  # a SELECT without FROM has one row
    return row


def recent_arrivals(conn: Connection) -> list[FileArrival]:
    """The last files of each server that came within a day of being written."""
    return rows(conn, FileArrival, "recent_imports")


def newest_told(conn: Connection) -> datetime | None:
    """When the newest round ended that was posted, or may have been."""
    with database_errors(), conn.transaction():
        row = conn.execute(query("newest_posted_round")).fetchone()
    return row[0] if row else None


def raise_watermarks(conn: Connection, since: datetime) -> None:
    """Post nothing that ended before this moment."""
    with database_errors(), conn.transaction():
        conn.execute(query("raise_watermarks"), {"since": since})
