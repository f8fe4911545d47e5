"""Read and write the archive: each file's bytes, its status, and its duplicates."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import orjson
from psycopg import Cursor
from psycopg.types.json import Json

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_one
from etstats.domain.files import Incoming, StoredFile, hash_of


class FileVersion(NamedTuple):
    """A file to archive: a valid one, or one in quarantine with the reason.

    `line`: None if rejected by the database instead of the parser.
    """

    new: Incoming
    file_id: int
    duplicate_of: int | None = None
    reason: str | None = None
    line: int | None = None


def server_id(conn: Connection, name: str) -> int | None:
    """Return the id of a server; None if it has no row."""
    row = conn.execute(query("server_id"), {"name": name}).fetchone()
    return row[0] if row else None


def add_server(conn: Connection, name: str, timezone: str | None = None) -> int:
    """Return the id of a server, creating its row if missing; store the time zone if given."""
    row = conn.execute(query("server_id"), {"name": name}).fetchone()
    if row is not None and timezone in (None, row[1]):
        return int(row[0])
    return _one(conn.execute(query("add_server"), {"name": name, "timezone": timezone}))


def count_server_files(conn: Connection, server_id: int) -> int:
    """Return the number of a server's files, including quarantine."""
    return _one(conn.execute(query("count_server_files"), {"server_id": server_id}))


def servers_with_content(conn: Connection, name: str, hashes: Collection[str]) -> list[tuple[str, int]]:
    """Return the other servers with valid files of this content and the number of files, most first."""
    found = conn.execute(query("servers_with_content"), {"name": name, "hashes": list(hashes)})
    return [(other, count) for other, count in found]


def rename_server(conn: Connection, old: str, new: str, *, unused_id: int | None) -> None:
    """Rename a server; `unused_id`: a server without files that has the new name and is deleted."""
    if unused_id is not None:
        conn.execute(query("drop_server_state"), {"server_id": unused_id})
        conn.execute(query("drop_server"), {"server_id": unused_id})
    conn.execute(query("rename_server"), {"old": old, "new": new})
    conn.execute(query("rename_server_in_corrections"), {"old": old, "new": new})


def store_settings(
    conn: Connection, servers: Sequence[tuple[str, str, bool]], *, bot_rounds: str, bot_records: bool
) -> None:
    """Store the bot settings, and (name, time zone, stopwatch) of the given servers that have rows."""
    names, timezones, stopwatches = zip(*servers, strict=True) if servers else ((), (), ())
    parameters = {"names": list(names), "timezones": list(timezones), "stopwatches": list(stopwatches)}
    conn.execute(query("store_server_settings"), parameters)
    conn.execute(query("store_bot_settings"), {"rounds": bot_rounds, "records": bot_records})


def servers_without_round1(conn: Connection) -> dict[str, int]:
    """Return the stopwatch servers whose last rounds are all round 2s without a round 1, and their number."""
    return dict(conn.execute(query("servers_without_round1")).fetchall())


def server_timezones(conn: Connection) -> dict[str, str]:
    """Return the stored time zone of each server that has one, by name."""
    return dict(conn.execute(query("server_timezones")).fetchall())


def files_like(conn: Connection, server_id: int, files: Sequence[Incoming]) -> list[StoredFile]:
    """Return the rows with the name or the bytes of one of these files."""
    parameters = {
        "server_id": server_id,
        "filenames": [file.filename for file in files],
        "hashes": [file.source_hash for file in files],
    }
    return fetch_all(conn, StoredFile, "files_by_name_or_hash", parameters)


def duplicates(conn: Connection, file_id: int) -> list[StoredFile]:
    """Return the files with the same bytes and a later name."""
    return fetch_all(conn, StoredFile, "duplicates_of_file", {"id": file_id})


def store_files(conn: Connection, server_id: int, files: Sequence[FileVersion]) -> None:
    """Store files under their (reserved or existing) ids; each name may occur once."""
    rows = [_file_row(server_id, file) for file in files]
    conn.execute(query_with_columns("store_files"), {"files": Json(rows, dumps=orjson.dumps)})


def reject(conn: Connection, server_id: int, new: Incoming, reason: str, line: int | None) -> None:
    """Store a rejected version next to the valid one of the same name."""
    parameters = {
        "server_id": server_id,
        "filename": new.filename,
        "content": new.content,
        "source_hash": new.source_hash,
        "source_size": new.source_size,
        "source_mtime": new.mtime,
        "reason": reason,
        "line": line,
    }
    conn.execute(query("reject_version"), parameters)


def confirm(conn: Connection, file_id: int, mtime: int | None) -> None:
    """Record that the source has the valid content (again): store its mtime, delete a rejected version."""
    conn.execute(query("confirm_file"), {"id": file_id, "source_mtime": mtime})


def link_duplicates(conn: Connection, server_id: int, source_hash: str, original: int) -> None:
    """Make `original` the counted file; the others with the same bytes become its duplicates."""
    conn.execute(query("mark_canonical"), {"id": original})
    parameters = {"server_id": server_id, "source_hash": source_hash, "original": original}
    conn.execute(query("mark_duplicates"), parameters)


def content(conn: Connection, file_id: int) -> Incoming:
    """Return a file's name and archived bytes."""
    return fetch_one(conn, Incoming, "file_content", {"id": file_id})


def analyze(conn: Connection) -> None:
    """Update the planner's statistics (ANALYZE)."""
    conn.execute(query("analyze_tables"))


def _file_row(server_id: int, file: FileVersion) -> dict[str, object]:
    new = file.new
    return {
        "id": file.file_id,
        "server_id": server_id,
        "filename": new.filename,
        "file_hash": hash_of(new.content),
        "size_bytes": len(new.content),
        "content": f"\\x{new.content.hex()}",
        "source_hash": new.source_hash,
        "source_size": new.source_size,
        "source_mtime": new.mtime,
        "success": file.reason is None,
        "error_message": file.reason,
        "error_line": file.line,
        "duplicate_of": file.duplicate_of,
    }


def _one(cursor: Cursor[tuple[int, ...]]) -> int:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  # INSERT ... RETURNING always has its row
    return row[0]
