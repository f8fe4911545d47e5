"""The archive: each file's bytes as the server wrote them, which of them count, and which are in quarantine."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import Cursor

from etstats.db.columns import FILE_COLUMNS, query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """What the archive says of one file name; `source_hash` is of the bytes as the source had them."""

    id: int
    filename: str
    source_hash: str
    source_size: int
    source_mtime: int | None
    success: bool
    discarded: bool
    duplicate_of: int | None
    rejected_hash: str | None

    @classmethod
    def of(cls, new: "NewFile", file_id: int, duplicate_of: int | None) -> "ArchivedFile":
        """Return a good file as it is after it was stored."""
        return cls(
            id=file_id,
            filename=new.filename,
            source_hash=new.source_hash,
            source_size=new.source_size,
            source_mtime=new.source_mtime,
            success=True,
            discarded=False,
            duplicate_of=duplicate_of,
            rejected_hash=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file as it came: its bytes, and the mtime (seconds UTC of the source) where there is one."""

    server_id: int
    filename: str
    content: bytes
    source_mtime: int | None
    source_hash: str
    source_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedContent:
    """A file's name and bytes, to be read again."""

    server_id: int
    filename: str
    content: bytes
    source_mtime: int | None


def hash_of(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def server_id(conn: Connection, name: str) -> int | None:
    """The id of the server of that name; None when nothing was ever stored for it."""
    row = conn.execute(query("server_id"), {"name": name}).fetchone()
    return row[0] if row else None


def add_server(conn: Connection, name: str, timezone: str | None = None) -> int:
    """Return the id of the server of that name, new or not; remember its time zone, where one is given."""
    row = conn.execute(query("server_id"), {"name": name}).fetchone()
    if row is not None and timezone in (None, row[1]):
        return int(row[0])
    return _one(conn.execute(query("add_server"), {"name": name, "timezone": timezone}))


def server_timezones(conn: Connection) -> dict[str, str]:
    """Return the stored time zone of each server that has one, by name."""
    return dict(conn.execute(query("server_timezones")).fetchall())


def files_like(conn: Connection, server_id: int, files: Sequence[NewFile]) -> list[ArchivedFile]:
    """The rows with these files' names or with their bytes."""
    parameters = {
        "server_id": server_id,
        "filenames": [f.filename for f in files],
        "hashes": [f.source_hash for f in files],
    }
    return fetch_all(conn, ArchivedFile, "files_by_name_or_hash", parameters)


def duplicates(conn: Connection, file_id: int) -> list[ArchivedFile]:
    """The files that hold the same bytes as this one under later names."""
    return fetch_all(conn, ArchivedFile, "duplicates_of_file", {"id": file_id})


def store(conn: Connection, new: NewFile, file_id: int, duplicate_of: int | None) -> None:
    """Keep a good file under a reserved id, or under the id that its name has."""
    _store(conn, new, file_id, success=True, duplicate_of=duplicate_of)


def quarantine(conn: Connection, new: NewFile, file_id: int, reason: str, line: int | None) -> None:
    """Keep a bad file that never was good, with its reason, under a reserved id or the id that its name has."""
    _store(conn, new, file_id, success=False, error_message=reason, error_line=line)


def reject(conn: Connection, new: NewFile, reason: str, line: int | None) -> None:
    """Keep a bad version next to the good one of the same name."""
    parameters = {
        "server_id": new.server_id,
        "filename": new.filename,
        "content": new.content,
        "source_hash": new.source_hash,
        "source_size": new.source_size,
        "source_mtime": new.source_mtime,
        "reason": reason,
        "line": line,
    }
    conn.execute(query("reject_version"), parameters)


def confirm(conn: Connection, file_id: int, mtime: int | None) -> None:
    """Record that the source has the good content (again): store its mtime, delete a bad version."""
    conn.execute(query("confirm_file"), {"id": file_id, "source_mtime": mtime})


def link_duplicates(conn: Connection, server_id: int, source_hash: str, original: int) -> None:
    """Let `original` be the one that counts among the files with the same bytes."""
    conn.execute(query("mark_canonical"), {"id": original})
    parameters = {"server_id": server_id, "source_hash": source_hash, "original": original}
    conn.execute(query("mark_duplicates"), parameters)


def content(conn: Connection, file_id: int) -> ArchivedContent:
    """A file's bytes as they are archived."""
    return fetch_one(conn, ArchivedContent, "file_content", {"id": file_id})


def analyze(conn: Connection) -> None:
    """Let the planner look at the tables as they are now."""
    conn.execute(query("analyze_tables"))


def _store(conn: Connection, new: NewFile, file_id: int, **status: object) -> None:
    row = {
        **dict.fromkeys(FILE_COLUMNS),
        "id": file_id,
        "server_id": new.server_id,
        "filename": new.filename,
        "file_hash": hash_of(new.content),
        "size_bytes": len(new.content),
        "content": new.content,
        "source_hash": new.source_hash,
        "source_size": new.source_size,
        "source_mtime": new.source_mtime,
        **status,
    }
    conn.execute(query_with_columns("store_file"), row)


def _one(cursor: Cursor[tuple[int, ...]]) -> int:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  # INSERT ... RETURNING always has its row
    return row[0]
