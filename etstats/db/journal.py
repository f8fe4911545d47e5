"""The journal of the posts: what is being sent, what stands in Discord, and what went wrong.

Every function is a transaction of its own, committed when it returns: the connection must have none open.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg

from etstats.db import statements
from etstats.db.connection import Connection, database_errors
from etstats.db.pending_posts import Kind, PendingPost
from etstats.db.queries import query
from etstats.errors import LockedError

State = Literal["pending", "sending", "sent", "failed", "unknown"]

_LOCK_KEY = 0x6574_7374_706F_7374  # "etstpost"
_STOPPED = "the program was stopped while it was sending"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A row of the journal; round, match and session are those that its subject has now, None when it has none."""

    id: int
    kind: Kind
    server_id: int
    server: str
    subject: int
    filename: str
    channel: str
    state: State
    message_id: str | None
    thread_id: str | None
    fingerprint: str | None
    reason: str
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    created_at: datetime
    claimed_at: datetime | None
    sent_at: datetime | None
    edited_at: datetime | None
    round_id: int | None
    match_id: str | None
    session_id: int | None


@contextmanager
def poster_lock(conn: Connection) -> Iterator[bool]:
    """True while this program is the only one that posts from this database; False when another one does.

    The lock ends with the connection. Its holder knows that no other process is still sending a post.
    """
    with database_errors(), conn.transaction():
        row = conn.execute(query("try_run_lock"), {"key": _LOCK_KEY}).fetchone()
    if row != (True,):
        yield False
        return
    try:
        yield True
    finally:
        with suppress(psycopg.Error):
            if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                conn.rollback()
            with conn.transaction():
                conn.execute(query("release_run_lock"), {"key": _LOCK_KEY})


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """Let all that is read in the block be of one moment."""
    with database_errors(), conn.transaction():
        conn.execute(query("begin_snapshot"))
        yield


def claim(conn: Connection, item: PendingPost, channel: str, now: datetime, *, again: bool = False) -> int | None:
    """Record the intent to send and return the post's id; None when it is not, or no more, ours to send.

    `again`: also one that failed for good.
    """
    parameters = {
        "server_id": item.server_id,
        "kind": item.kind,
        "subject": item.subject,
        "channel": channel,
        "first_at": item.first_at,
        "last_at": item.last_at,
        "now": now,
        "again": again,
    }
    with database_errors(), conn.transaction():
        row = conn.execute(query("claim_post"), parameters).fetchone()
    return row[0] if row else None


def release(conn: Connection, post_id: int) -> None:
    """Set a claimed post to `pending` while nothing of it is sent: after a crash its state is still known."""
    _hand(conn, post_id, was="sending", state="pending")


def reclaim(conn: Connection, post_id: int) -> None:
    """Claim a released post again; raises LockedError when another process has claimed it."""
    if not _hand(conn, post_id, was="pending", state="sending"):
        raise LockedError("Another etstats took over posting while this one waited; it goes on with what is due.")


def record_sent(
    conn: Connection, post_id: int, *, message_id: str, thread_id: str | None, fingerprint: str, now: datetime
) -> None:
    """Record that a claimed post stands in Discord under this id."""
    _record(conn, post_id, "sent", "", now, message_id=message_id, thread_id=thread_id, fingerprint=fingerprint)


def record_unsent(conn: Connection, post_id: int, state: State, reason: str, now: datetime) -> None:
    """Record why a claimed post was not delivered: `pending` (later), `failed` (never) or `unknown`."""
    _record(conn, post_id, state, reason, now)


def record_edit(
    conn: Connection, post_id: int, fingerprint: str, *, reason: str = "", now: datetime | None = None
) -> None:
    """Record what a message shows now; `now` when it was really edited, `reason` why it could not be."""
    parameters = {"id": post_id, "fingerprint": fingerprint, "reason": reason, "edited_at": now}
    statements.run(conn, "record_edit", parameters)


def mark_interrupted_unknown(conn: Connection) -> list[JournalEntry]:
    """Turn what is still `sending` into `unknown`; only for who holds the poster's lock."""
    with database_errors(), conn.transaction():
        ids = [row[0] for row in conn.execute(query("mark_interrupted_unknown"), {"reason": _STOPPED})]
    return posts(conn, ids)


def posts(conn: Connection, ids: Collection[int]) -> list[JournalEntry]:
    """The posts with these ids, oldest subject first."""
    return statements.rows(conn, JournalEntry, "posts_by_id", {"ids": list(ids)}) if ids else []


def unresolved(conn: Connection) -> list[JournalEntry]:
    """The posts that a person should know of: failed, unknown, or left half sent."""
    return posts(conn, statements.ids(conn, "unresolved_posts", {}))


def counts(conn: Connection) -> dict[State, int]:
    """How many posts are in which state."""
    with database_errors(), conn.transaction():
        return dict(conn.execute(query("post_counts")).fetchall())


def post_of(conn: Connection, item: PendingPost) -> JournalEntry | None:
    """The post of a thing, if there is one."""
    parameters = {
        "server_id": item.server_id,
        "kind": item.kind,
        "subject": item.subject,
        "session_id": item.session_id,
        "first_at": item.first_at,
        "last_at": item.last_at,
    }
    return next(iter(posts(conn, statements.ids(conn, "post_of_subject", parameters))), None)


def posts_of_session(conn: Connection, session_id: int) -> list[JournalEntry]:
    """Return the messages about a session, its maps and its rounds, oldest subject first."""
    return posts(conn, statements.ids(conn, "posts_of_session", {"session_id": session_id}))


def resolve(conn: Connection, post_id: int, state: State, reason: str, message_id: str | None = None) -> bool:
    """Settle by hand what became of an unknown or failed post; False when there is no such post."""
    parameters = {"id": post_id, "state": state, "reason": reason, "message_id": message_id}
    with database_errors(), conn.transaction():
        return conn.execute(query("resolve_post"), parameters).fetchone() is not None


def _record(
    conn: Connection,
    post_id: int,
    state: State,
    reason: str,
    now: datetime,
    *,
    message_id: str | None = None,
    thread_id: str | None = None,
    fingerprint: str | None = None,
) -> None:
    parameters = {
        "id": post_id,
        "state": state,
        "reason": reason,
        "now": now,
        "message_id": message_id,
        "thread_id": thread_id,
        "fingerprint": fingerprint,
    }
    statements.run(conn, "record_post", parameters)


def _hand(conn: Connection, post_id: int, *, was: State, state: State) -> bool:
    with database_errors(), conn.transaction():
        row = conn.execute(query("change_post_state"), {"id": post_id, "was": was, "state": state}).fetchone()
    return row is not None
