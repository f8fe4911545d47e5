"""Read and write the journal of messages that belong to no file: live status, recaps, findings of `health`.

Each function runs its own transaction; the connection must have none open.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from etstats.db import statements
from etstats.db.connection import Connection
from etstats.db.message_states import State
from etstats.db.queries import query

NoticeKind = Literal[
    "status",
    "game_on",
    "session_start",
    "recap_week",
    "recap_month",
    "season",
    "morning",
    "on_this_day",
    "admin",
]


class Notice(NamedTuple):
    """A row of the journal; `server` is None for a message about all servers."""

    id: int
    kind: NoticeKind
    subject: str
    server_id: int | None
    server: str | None
    channel: str
    state: State
    message_id: str | None
    thread_id: str | None
    fingerprint: str | None
    reason: str
    attempts: int
    is_outdated: bool
    last_at: datetime | None
    created_at: datetime
    sent_at: datetime | None
    edited_at: datetime | None


def claim(  # noqa: PLR0917
    conn: Connection,
    kind: NoticeKind,
    subject: str,
    server_id: int | None,
    channel: str,
    now: datetime,
    *,
    last_at: datetime | None = None,
    again: bool = False,
) -> int | None:
    """Claim a message for sending and return its id; None if it must not be sent (any more)."""
    parameters = {
        "kind": kind,
        "subject": subject,
        "server_id": server_id,
        "channel": channel,
        "now": now,
        "last_at": last_at,
        "again": again,
    }
    with conn.transaction():
        row = conn.execute(query("claim_notice"), parameters).fetchone()
    return row[0] if row else None


def record_edit(
    conn: Connection, notice_id: int, fingerprint: str, *, reason: str = "", now: datetime | None = None
) -> None:
    """Record the fingerprint of a message; `now`: the time if it was edited; `reason`: why the edit failed."""
    parameters = {"id": notice_id, "fingerprint": fingerprint, "reason": reason, "edited_at": now}
    statements.run(conn, "record_notice_edit", parameters)


def reset(conn: Connection, notice_id: int, reason: str) -> None:
    """Reset a message, so that it is sent again."""
    statements.run(conn, "reset_notice", {"id": notice_id, "reason": reason})


def drop(conn: Connection, notice_id: int) -> None:
    """Delete a message that was not sent and whose subject is over."""
    statements.run(conn, "drop_notice", {"id": notice_id})


def close(conn: Connection, notice_id: int, fingerprint: str) -> None:
    """Record that the subject of a message is over, without editing the message."""
    statements.run(conn, "close_notice", {"id": notice_id, "fingerprint": fingerprint})


def see_players(conn: Connection, notice_id: int, now: datetime) -> None:
    """Record that players are still online, for a message that is sent once per session."""
    statements.run(conn, "see_players", {"id": notice_id, "now": now})


def notices(conn: Connection, ids: Collection[int]) -> list[Notice]:
    """Return the messages with these ids, oldest first."""
    return statements.rows(conn, Notice, "notices", {"ids": list(ids)}) if ids else []


def of_subject(conn: Connection, kind: NoticeKind, subject: str) -> Notice | None:
    """Return the message about a subject, or None."""
    return _first(conn, statements.ids(conn, "notice_of", {"kind": kind, "subject": subject}))


def newest(conn: Connection, kind: NoticeKind, server_id: int) -> Notice | None:
    """Return the newest message of a kind about a server; 0: about all servers."""
    return _first(conn, statements.ids(conn, "newest_notice", {"kind": kind, "server_id": server_id}))


def unresolved(conn: Connection) -> list[Notice]:
    """Return the messages that need an administrator: failed, or with unknown delivery."""
    return notices(conn, statements.ids(conn, "unresolved_notices", {}))


def outdated(conn: Connection) -> list[Notice]:
    """Return the messages that name players, if the shown players changed since they were sent."""
    return notices(conn, statements.ids(conn, "outdated_notices", {}))


def retry_failed(conn: Connection) -> list[Notice]:
    """Reset failed messages, so that they are sent again, except those that are outdated by now."""
    statements.run(conn, "drop_failed_notices", {})
    return notices(conn, statements.ids(conn, "retry_failed_notices", {}))


def _first(conn: Connection, ids: Collection[int]) -> Notice | None:
    return next(iter(notices(conn, ids)), None)
