"""Operations on quarantined files: show, retry, discard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from etstats.db import quarantine
from etstats.db.connection import Connection
from etstats.db.quarantine import Quarantined
from etstats.domain.files import MAX_ROUND_BYTES
from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.errors import NotFoundError
from etstats.importer.importer import Importer


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An entry with the lines of its text; invalid UTF-8 is replaced."""

    entry: Quarantined
    lines: list[str]


def find(conn: Connection, words: Sequence[str], *, with_discarded: bool = True) -> list[Quarantined]:
    """Return the entries with these ids or file names, or all; NotFoundError for an unknown id or name.

    `last` is the newest entry that is not discarded.
    """
    with conn.transaction():
        newest = quarantine.entries(conn)[-1:] if "last" in words else []
        words = [str(newest[0].id) if newest and word == "last" else word for word in words]
        found = quarantine.entries(conn, words or None, with_discarded=with_discarded)
    known = {str(entry.id) for entry in found} | {entry.filename for entry in found}
    for word in words:
        if word not in known:
            raise NotFoundError(
                f"no quarantined file has the id or name {word}; list them with: etstats quarantine"
            )
    return found


def show(conn: Connection, words: Sequence[str]) -> list[Shown]:
    """Return the entries with these ids or file names, with their contents."""
    with conn.transaction():
        return [
            Shown(entry=entry, lines=quarantine.content(conn, entry).content.decode(errors="replace").splitlines())
            for entry in find(conn, words)
        ]


def retry(
    conn: Connection, words: Sequence[str], zone_of: Callable[[str], ZoneInfo], gap: timedelta
) -> list[ImportResult]:
    """Import the named entries again, or all that are listed."""
    outcomes = []
    importers: dict[str, Importer] = {}
    for entry in find(conn, words, with_discarded=bool(words)):
        if entry.size_bytes > MAX_ROUND_BYTES:  # only its first bytes are stored
            outcomes.append(
                ImportResult(filename=entry.filename, status=ImportStatus.STILL_QUARANTINED, reason=entry.reason)
            )
            continue
        server = entry.server
        if server not in importers:
            importers[server] = Importer(conn, server, zone_of(server), gap)
        with conn.transaction():
            kept = quarantine.content(conn, entry)
            quarantine.reopen(conn, [entry])
        outcomes.append(importers[server].add(entry.filename, kept.content, kept.source_mtime))
    return outcomes


def discard(conn: Connection, words: Sequence[str]) -> list[Quarantined]:
    """Hide the named entries until their content changes."""
    with conn.transaction():
        found = find(conn, words)
        quarantine.discard(conn, found)
        return found
