"""Read and change the files in quarantine."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_one


class Quarantined(NamedTuple):
    """A file in quarantine, or a rejected version of a file with a valid version (`has_good`).

    `id` is that of the file name in the archive. `line` counts from 1; None or 0: the whole file.
    """

    id: int
    server: str
    filename: str
    has_good: bool
    reason: str
    line: int | None
    size_bytes: int
    file_hash: str
    since: datetime
    discarded_at: datetime | None


class QuarantinedContent(NamedTuple):
    """The bytes of a file in quarantine, and its mtime at the source in seconds UTC."""

    content: bytes
    source_mtime: int | None


def entries(
    conn: Connection, words: Collection[str] | None = None, *, with_discarded: bool = False
) -> list[Quarantined]:
    """Return the files in quarantine, oldest first; `words`: ids or file names, None: all."""
    parameters = {"words": None if words is None else list(words), "with_discarded": with_discarded}
    return fetch_all(conn, Quarantined, "quarantined", parameters)


def content(conn: Connection, entry: Quarantined) -> QuarantinedContent:
    """Return the bytes of an entry."""
    return fetch_one(conn, QuarantinedContent, "quarantined_content", {"id": entry.id})


def discard(conn: Connection, found: Collection[Quarantined]) -> None:
    """Discard entries until their content changes; the bytes are kept."""
    conn.execute(query("discard_quarantined"), {"ids": [entry.id for entry in found]})


def reopen(conn: Connection, found: Collection[Quarantined]) -> None:
    """Mark entries to be imported again although their content is unchanged."""
    conn.execute(query("reopen_quarantined"), {"ids": [entry.id for entry in found]})
