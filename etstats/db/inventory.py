"""What the base knows of a server's files, and how many there were of each kind in earlier runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.domain.files import CountInterval, KeptFile

_STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """How many files of a server are in the base, by what became of them."""

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
    """Every file of a server that the base knows, by name."""
    with conn.cursor(row_factory=class_row(KeptFile)) as cursor:
        return cursor.execute(query("stored_files"), {"server_id": server_id}).fetchall()


def count_processed(conn: Connection, server_id: int) -> Processed:
    """The counts alone."""
    with conn.cursor(row_factory=class_row(Processed)) as cursor:
        row = cursor.execute(query("count_stored_files"), {"server_id": server_id}).fetchone()
    assert row is not None  # noqa: S101  # an aggregate always has its row
    return row


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
        for stretch in cursor.execute(query("recorded_counts"), {"server_id": server_id}):
            found.setdefault(stretch.what, []).append(stretch)
    return found


def record(conn: Connection, server_id: int, counts: Mapping[str, int], at: datetime) -> None:
    """Write down how many there are now; what is as it was only lengthens its stretch."""
    parameters = {"server_id": server_id, "names": list(counts), "counts": list(counts.values()), "at": at}
    conn.execute(query("record_counts"), parameters)
