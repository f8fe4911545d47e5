"""What sync has to know of a server's files before it asks for any."""

from dataclasses import dataclass

from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file as the source showed it when it was last taken."""

    filename: str
    size: int
    mtime: int | None
    in_quarantine: bool


def taken_files(conn: Connection, server_id: int, since: str) -> list[TakenFile]:
    """The files of a server whose names sort at or after `since` (names begin with their stamp)."""
    with conn.cursor(row_factory=class_row(TakenFile)) as cursor:
        return cursor.execute(query("known_files"), {"server_id": server_id, "since": since}).fetchall()


def newest_file(conn: Connection, server_id: int, before: str) -> str | None:
    """The name of the newest good file that sorts before `before`; None when there is none."""
    row = conn.execute(query("newest_file"), {"server_id": server_id, "before": before}).fetchone()
    return row[0] if row else None
