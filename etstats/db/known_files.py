"""Read the files known to sync, and read and write listing states."""

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.domain.files import KnownFile
from etstats.domain.rounds import ListingState, RemoteFile


def files_since(
    conn: Connection, server_id: int, since: str, since_mtime: int | None = None
) -> dict[str, KnownFile]:
    """Return a server's files, by name, whose names sort at or after `since` (names begin with a timestamp).

    Files written at `since_mtime` (seconds UTC) or later are included.
    """
    parameters = {"server_id": server_id, "since": since, "since_mtime": since_mtime}
    return {
        filename: KnownFile(size=size, mtime=mtime, in_quarantine=in_quarantine)
        for filename, size, mtime, in_quarantine in conn.execute(query("files_since"), parameters)
    }


def unknown_names(conn: Connection, server_id: int, names: Sequence[str]) -> list[str]:
    """Return the names that are not in the database, sorted."""
    parameters = {"server_id": server_id, "names": list(names)}
    return [name for (name,) in conn.execute(query("unknown_names"), parameters)]


def newest_file(conn: Connection, server_id: int, before: str) -> str | None:
    """Return the name of the newest valid file that sorts before `before`, or None."""
    row = conn.execute(query("newest_file"), {"server_id": server_id, "before": before}).fetchone()
    return row[0] if row else None


def listing_state(conn: Connection, server_id: int, source: str) -> ListingState | None:
    """Return the listing state of a server; None if missing, stored for another source, or of another form."""
    row = conn.execute(query("listing_state"), {"server_id": server_id, "source": source}).fetchone()
    if row is None:
        return None
    mtime, first_seen, listed, recent = row
    files = _recent_files(recent)
    if files is None:
        return None
    return ListingState(mtime=mtime, first_seen=first_seen, listed=listed, recent=tuple(files))


def _recent_files(document: object) -> list[RemoteFile] | None:
    """Return the files of a document that `save_listing_state` wrote; None for another one."""
    files = []
    for entry in document if isinstance(document, list) else [None]:
        match entry:
            case [str(name), int(size), int(mtime)]:
                files.append(RemoteFile(name=name, size=size, mtime=mtime))
            case _:
                return None
    return files


def save_listing_state(conn: Connection, server_id: int, source: str, state: ListingState | None) -> None:
    """Store a listing state; None deletes it, so that the next listing is a full one."""
    if state is None:
        conn.execute(query("drop_listing_state"), {"server_id": server_id})
        return
    parameters = {
        "server_id": server_id,
        "source": source,
        "folder_mtime": state.mtime,
        "first_seen": state.first_seen,
        "listed": state.listed,
        "recent": Jsonb([[file.name, file.size, file.mtime] for file in state.recent]),
    }
    conn.execute(query("save_listing_state"), parameters)
