"""Read a server's files, and read and record their counts by status."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_one
from etstats.domain.files import CountInterval, KeptFile

_STEP = 100


class Processed(NamedTuple):
    """The number of a server's files in the database, by status."""

    processed: int
    good: int
    duplicates: int
    in_quarantine: int
    rounds: int


class Kept(NamedTuple):
    """A file's archived bytes; mtime in seconds UTC, 0 if unknown."""

    filename: str
    content: bytes
    mtime: int


def kept_files(conn: Connection, server_id: int) -> list[KeptFile]:
    """Return every file of a server in the database, by name."""
    return fetch_all(conn, KeptFile, "stored_files", {"server_id": server_id})


def count_processed(conn: Connection, server_id: int) -> Processed:
    """Return the number of a server's files by status."""
    return fetch_one(conn, Processed, "count_stored_files", {"server_id": server_id})


def contents(conn: Connection, server_id: int, filenames: Sequence[str]) -> Iterator[Kept]:
    """Yield the archived bytes of these files, by name; read in blocks of a hundred."""
    for start in range(0, len(filenames), _STEP):
        parameters = {"server_id": server_id, "filenames": filenames[start : start + _STEP]}
        with conn.transaction(), conn.cursor(row_factory=class_row(Kept)) as cursor:
            yield from cursor.execute(query("contents_by_name"), parameters).fetchall()


def counted_before(conn: Connection, server_id: int) -> dict[str, list[CountInterval]]:
    """Return the recorded counts of a server, oldest first, by the name of the count."""
    found: dict[str, list[CountInterval]] = {}
    with conn.cursor(row_factory=class_row(CountInterval)) as cursor:
        for recorded in cursor.execute(query("recorded_counts"), {"server_id": server_id}):
            found.setdefault(recorded.what, []).append(recorded)
    return found


def record(conn: Connection, server_id: int, counts: Mapping[str, int], at: datetime) -> None:
    """Record counts; an unchanged count only extends its period."""
    parameters = {"server_id": server_id, "names": list(counts), "counts": list(counts.values()), "at": at}
    conn.execute(query("record_counts"), parameters)
