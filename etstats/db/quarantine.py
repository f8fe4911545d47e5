"""The files that were not imported: why, since when, and their bytes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all, fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One bad file, or a bad version of a file whose good one counts (`has_good`).

    `id` is the archive's, of the file name. `line` counts from 1; None or 0: the file as a whole.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedContent:
    """The bytes of a bad file, and the mtime that its source showed, in seconds UTC."""

    content: bytes
    source_mtime: int | None


def entries(
    conn: Connection, words: Collection[str] | None = None, *, with_discarded: bool = False
) -> list[Quarantined]:
    """What is in quarantine, oldest first; `words` are ids or file names, None is everything."""
    parameters = {"words": None if words is None else list(words), "with_discarded": with_discarded}
    return fetch_all(conn, Quarantined, "quarantined", parameters)


def content(conn: Connection, entry: Quarantined) -> QuarantinedContent:
    """The bytes of one entry."""
    return fetch_one(conn, QuarantinedContent, "quarantined_content", {"id": entry.id})


def discard(conn: Connection, found: Collection[Quarantined]) -> None:
    """Show these no more until their content changes; the bytes stay."""
    conn.execute(query("discard_quarantined"), {"ids": [entry.id for entry in found]})


def reopen(conn: Connection, found: Collection[Quarantined]) -> None:
    """Let these be judged again although their content is the same."""
    conn.execute(query("reopen_quarantined"), {"ids": [entry.id for entry in found]})
