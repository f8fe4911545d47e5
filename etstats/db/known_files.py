"""What sync has to know of a server's files before it asks for any."""

from dataclasses import dataclass

from psycopg.types.json import Jsonb

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all
from etstats.domain.rounds import ListingState, RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessedFile:
    """A file as the source showed it when it was last taken."""

    filename: str
    size: int
    mtime: int | None
    in_quarantine: bool


def taken_files(conn: Connection, server_id: int, since: str) -> list[ProcessedFile]:
    """The files of a server whose names sort at or after `since` (names begin with their stamp)."""
    return fetch_all(conn, ProcessedFile, "files_since", {"server_id": server_id, "since": since})


def newest_file(conn: Connection, server_id: int, before: str) -> str | None:
    """The name of the newest good file that sorts before `before`; None when there is none."""
    row = conn.execute(query("newest_file"), {"server_id": server_id, "before": before}).fetchone()
    return row[0] if row else None


def folder_mark(conn: Connection, server_id: int, source: str) -> ListingState | None:
    """The mark of a server's folder; None when there is none, or it is of another source."""
    row = conn.execute(query("listing_state"), {"server_id": server_id, "source": source}).fetchone()
    if row is None:
        return None
    mtime, first_seen, listed, recent = row
    files = tuple(RemoteFile(name=name, size=size, mtime=at) for name, size, at in recent)
    return ListingState(mtime=mtime, first_seen=first_seen, listed=listed, recent=files)


def keep_folder_mark(conn: Connection, server_id: int, source: str, mark: ListingState | None) -> None:
    """Store a listing state; None makes the next listing a full one."""
    if mark is None:
        conn.execute(query("drop_listing_state"), {"server_id": server_id})
        return
    parameters = {
        "server_id": server_id,
        "source": source,
        "folder_mtime": mark.mtime,
        "first_seen": mark.first_seen,
        "listed": mark.listed,
        "recent": Jsonb([[file.name, file.size, file.mtime] for file in mark.recent]),
    }
    conn.execute(query("save_listing_state"), parameters)
