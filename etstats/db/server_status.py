"""Read and write the status of game servers between runs, and read the data of `health`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from etstats.db import archive
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import rows, run
from etstats.errors import AccessError, ConfigError, EtstatsError

MAX_NAMES = 100


class ServerStatus(NamedTuple):
    """A server's last poll, last new file, failed files (with since when) and players online.

    `refused_names`: names that end like a round file and were refused at the last listing. `failure`: why polling
    fails now; `is_refused`: an administrator must act. `people_since`: the first of the consecutive queries
    that found players; None if the last one found too few.
    """

    server: str
    polled_at: datetime | None = None
    new_file_at: datetime | None = None
    missed: int = 0
    missed_since: datetime | None = None
    queried_at: datetime | None = None
    people: int | None = None
    people_since: datetime | None = None
    refused_names: Sequence[str] = ()
    misdated_names: Sequence[str] = ()
    failure: str | None = None
    failed_since: datetime | None = None
    is_refused: bool = False


class HealthFacts(NamedTuple):
    """The state of the database by its own clock (`at`); a time is None if it never happened."""

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
    posting_since: datetime | None
    posts_unknown: int
    posts_failed: int
    posts_open: int
    posts_late: int
    channels_gone: int
    channels_held: int
    wrong_times: list[str]
    future_files: list[str]


class FileArrival(NamedTuple):
    """A recent file: when its source wrote it, when it was stored, and the time in its name."""

    server: str
    written_at: datetime
    processed_at: datetime
    ended_at: datetime


class NewestFile(NamedTuple):
    """A file of this week, with its archived content."""

    server: str
    filename: str
    content: bytes


def newest_files(conn: Connection) -> list[NewestFile]:
    """Return the newest files of each server that were imported this week, at most 20 of each."""
    return rows(conn, NewestFile, "newest_contents")


def record_poll(
    conn: Connection,
    server: str,
    at: datetime,
    *,
    arrived: int,
    missed: int,
    refused_names: Sequence[str] | None = None,
    misdated_names: Sequence[str] | None = None,
) -> None:
    """Record a poll: the number of new files and of failed fetches, and the refused names.

    `misdated_names`: new files whose mtime is on another day than the date in the name. None: unknown, the stored
    names are kept.
    """
    values = {
        "at": at,
        "arrived": arrived,
        "missed": missed,
        "refused_names": None if refused_names is None else list(refused_names)[:MAX_NAMES],
        "misdated_names": None if misdated_names is None else list(misdated_names)[:MAX_NAMES],
    }
    _record(conn, server, query("record_poll"), values)


def record_connection(conn: Connection, server: str, at: datetime, error: EtstatsError | None) -> None:
    """Record that a server is connected, or why it cannot be polled."""
    is_refused = isinstance(error, (AccessError, ConfigError))
    failure = None if error is None else str(error)
    values = {"at": at, "failure": failure, "is_refused": is_refused}
    _record(conn, server, query("record_connection"), values)


def record_people(
    conn: Connection, server: str, at: datetime, people: int, *, playing: bool, gap: timedelta
) -> None:
    """Record the result of a status query; after a pause longer than `gap`, `people_since` starts again."""
    values = {"at": at, "people": people, "playing": playing, "gap_seconds": gap.total_seconds()}
    _record(conn, server, query("record_player_count"), values)


def statuses(conn: Connection) -> dict[str, ServerStatus]:
    """Return the status of all servers, by name."""
    return {status.server: status for status in rows(conn, ServerStatus, "server_status")}


def health_facts(conn: Connection) -> HealthFacts:
    """Return the data of the health check."""
    (facts,) = rows(conn, HealthFacts, "health_facts")
    return facts


def recent_arrivals(conn: Connection) -> list[FileArrival]:
    """Return the last files of each server that arrived within a day of being written."""
    return rows(conn, FileArrival, "recent_imports")


def newest_posted_round(conn: Connection) -> datetime | None:
    """Return the end of the newest round that was posted, or may have been."""
    with conn.transaction():
        row = conn.execute(query("newest_posted_round")).fetchone()
    return row[0] if row else None


def raise_watermarks(conn: Connection, since: datetime) -> None:
    """Publish nothing that ended before this time."""
    run(conn, "raise_watermarks", {"since": since})


def _record(conn: Connection, server: str, sql: str, values: Mapping[str, object]) -> None:
    with conn.transaction():
        conn.execute(sql, {"server_id": archive.add_server(conn, server), **values})
