"""Read and write the journal of messages that belong to no file: live status, recaps, findings of `health`.

Each function runs its own transaction; the connection must have none open.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from etstats.db import statements
from etstats.db.connection import Connection
from etstats.db.journal import STOPPED, State
from etstats.db.queries import query
from etstats.errors import LockedError

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


def release(conn: Connection, notice_id: int) -> None:
    """Set a claimed message back to `pending` before it is sent, so that its state is known after a crash."""
    _change(conn, notice_id, was="sending", state="pending")


def reclaim(conn: Connection, notice_id: int) -> None:
    """Claim a released message again; raises LockedError when another process has claimed it."""
    if not _change(conn, notice_id, was="pending", state="sending"):
        raise LockedError("another etstats process took over posting while this one waited")


def record(
    conn: Connection,
    notice_id: int,
    state: State,
    now: datetime,
    *,
    reason: str = "",
    message_id: str | None = None,
    thread_id: str | None = None,
    fingerprint: str | None = None,
) -> None:
    """Record what became of a claimed message; as `journal.record`."""
    parameters = {
        "id": notice_id,
        "state": state,
        "reason": reason,
        "now": now,
        "message_id": message_id,
        "thread_id": thread_id,
        "fingerprint": fingerprint,
    }
    statements.run(conn, "record_notice", parameters)


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


def mark_interrupted_unknown(conn: Connection) -> list[Notice]:
    """Set messages in state `sending` to `unknown`; the caller must hold the publisher's lock."""
    return notices(conn, statements.ids(conn, "mark_interrupted_notices", {"reason": STOPPED}))


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


def resolve(
    conn: Connection, notice_id: int | None, state: State, reason: str, message_id: str | None = None
) -> int:
    """Set the state of one message, or of all with unknown delivery, by hand; return their number."""
    parameters = {"id": notice_id, "state": state, "reason": reason, "message_id": message_id}
    return len(statements.ids(conn, "resolve_notices", parameters))


def retry_failed(conn: Connection) -> list[Notice]:
    """Reset failed messages, so that they are sent again, except those that are outdated by now."""
    statements.run(conn, "drop_failed_notices", {})
    return notices(conn, statements.ids(conn, "retry_failed_notices", {}))


def _change(conn: Connection, notice_id: int, *, was: State, state: State) -> bool:
    parameters = {"id": notice_id, "was": was, "state": state}
    return bool(statements.ids(conn, "change_notice_state", parameters))


def _first(conn: Connection, ids: Collection[int]) -> Notice | None:
    return next(iter(notices(conn, ids)), None)
