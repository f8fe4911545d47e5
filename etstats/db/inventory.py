"""A server's files in the database, and how many of each kind there were in earlier runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_one
from etstats.domain.files import CountInterval, KeptFile

_STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """How many files of a server are in the database, by their status."""

    processed: int
    good: int
    duplicates: int
    in_quarantine: int
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file's archived bytes, to be written to a folder again; mtime in seconds UTC, 0 when nobody knows it."""

    filename: str
    content: bytes
    mtime: int


def kept_files(conn: Connection, server_id: int) -> list[KeptFile]:
    """Return every file of a server in the database, by name."""
    return fetch_all(conn, KeptFile, "stored_files", {"server_id": server_id})


def count_processed(conn: Connection, server_id: int) -> Processed:
    """The counts alone."""
    return fetch_one(conn, Processed, "count_stored_files", {"server_id": server_id})


def contents(conn: Connection, server_id: int, filenames: Sequence[str]) -> Iterator[Kept]:
    """The archived bytes of these files, by name; a hundred in memory at a time."""
    for start in range(0, len(filenames), _STEP):
        parameters = {"server_id": server_id, "filenames": filenames[start : start + _STEP]}
        with database_errors(), conn.transaction(), conn.cursor(row_factory=class_row(Kept)) as cursor:
            yield from cursor.execute(query("contents_by_name"), parameters).fetchall()


def counted_before(conn: Connection, server_id: int) -> dict[str, list[CountInterval]]:
    """The recorded counts of a server by what was counted, oldest first."""
    found: dict[str, list[CountInterval]] = {}
    with conn.cursor(row_factory=class_row(CountInterval)) as cursor:
        for recorded in cursor.execute(query("recorded_counts"), {"server_id": server_id}):
            found.setdefault(recorded.what, []).append(recorded)
    return found


def record(conn: Connection, server_id: int, counts: Mapping[str, int], at: datetime) -> None:
    """Record how many there are now; an unchanged count only extends its period."""
    parameters = {"server_id": server_id, "names": list(counts), "counts": list(counts.values()), "at": at}
    conn.execute(query("record_counts"), parameters)
