"""Read and write the journal of posts: their state, message ids and errors.

Each function runs its own transaction; the connection must have none open.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from etstats.db import statements
from etstats.db.connection import Connection
from etstats.db.pending_posts import Kind, PendingPost, Style
from etstats.db.queries import query
from etstats.errors import LockedError

State = Literal["pending", "sending", "sent", "failed", "unknown"]

_LOCK_KEY = 0x6574_7374_706F_7374  # "etstpost"
STOPPED = "the program was stopped while it was sending"


class JournalEntry(NamedTuple):
    """A row of the journal; round, match and session are the current ones of its subject, or None."""

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
    style: Style
    is_combined: bool
    history: dict[str, Any] | None
    round_number: int | None
    is_paired: bool
    round_id: int | None
    match_id: str | None
    session_id: int | None


@contextmanager
def poster_lock(conn: Connection) -> Iterator[bool]:
    """Take the publisher's lock; return False if another process holds it.

    The lock ends with the connection. While it is held, no other process sends posts.
    """
    with conn.transaction():
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
    """Read from one snapshot in the block."""
    with conn.transaction():
        conn.execute(query("begin_snapshot"))
        yield


def claim(
    conn: Connection,
    item: PendingPost,
    channel: str,
    now: datetime,
    *,
    history: Mapping[str, Any] | None = None,
    again: bool = False,
) -> int | None:
    """Claim a post for sending and return its id; None if it must not be sent (any more).

    `history`: the earlier results that the message compares with. `again`: claim permanently failed posts too.
    """
    parameters = {
        "server_id": item.server_id,
        "kind": item.kind,
        "subject": item.subject,
        "channel": channel,
        "first_at": item.first_at,
        "last_at": item.last_at,
        "style": item.style,
        "is_combined": item.is_combined,
        "history": None if history is None else Jsonb(history),
        "now": now,
        "again": again,
    }
    with conn.transaction():
        row = conn.execute(query("claim_post"), parameters).fetchone()
    return row[0] if row else None


def release(conn: Connection, post_id: int) -> None:
    """Set a claimed post back to `pending` before anything is sent, so that its state is known after a crash."""
    _hand(conn, post_id, was="sending", state="pending")


def reclaim(conn: Connection, post_id: int) -> None:
    """Claim a released post again; raises LockedError when another process has claimed it."""
    if not _hand(conn, post_id, was="pending", state="sending"):
        raise LockedError("another etstats process took over posting while this one waited")


def record(
    conn: Connection,
    post_id: int,
    state: State,
    now: datetime,
    *,
    reason: str = "",
    message_id: str | None = None,
    thread_id: str | None = None,
    fingerprint: str | None = None,
) -> None:
    """Record the result of a claimed post: `sent`, `pending` (later), `failed` (never) or `unknown`."""
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


def record_edit(
    conn: Connection,
    post_id: int,
    fingerprint: str,
    *,
    reason: str = "",
    now: datetime | None = None,
    history: Mapping[str, Any] | None = None,
) -> None:
    """Record the fingerprint of a message; `now`: the time if it was edited; `reason`: why the edit failed.

    `history`: the results that it compares with, if they changed.
    """
    parameters = {
        "id": post_id,
        "fingerprint": fingerprint,
        "reason": reason,
        "edited_at": now,
        "history": None if history is None else Jsonb(history),
    }
    statements.run(conn, "record_edit", parameters)


def mark_interrupted_unknown(conn: Connection) -> list[JournalEntry]:
    """Set posts in state `sending` to `unknown`; the caller must hold the publisher's lock."""
    return posts(conn, statements.ids(conn, "mark_interrupted_unknown", {"reason": STOPPED}))


def posts(conn: Connection, ids: Collection[int]) -> list[JournalEntry]:
    """Return the posts with these ids, oldest subject first."""
    return statements.rows(conn, JournalEntry, "posts_by_id", {"ids": list(ids)}) if ids else []


def unresolved(conn: Connection) -> list[JournalEntry]:
    """Return the posts that need an administrator: failed, unknown, or still `sending`."""
    return posts(conn, statements.ids(conn, "unresolved_posts", {}))


def counts(conn: Connection) -> dict[State, int]:
    """Return the number of posts by state."""
    with conn.transaction():
        return dict(conn.execute(query("post_counts")).fetchall())


def post_of(conn: Connection, item: PendingPost) -> JournalEntry | None:
    """Return the post of an item, or None."""
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
    """Set the state of an unknown or failed post by hand; return False if there is no such post."""
    parameters = {"id": post_id, "state": state, "reason": reason, "message_id": message_id}
    return bool(statements.ids(conn, "resolve_post", parameters))


def resolve_unknown(conn: Connection, state: State, reason: str) -> int:
    """Set the state of all posts with unknown delivery by hand; return their number."""
    with conn.transaction():
        return conn.execute(query("resolve_unknown_posts"), {"state": state, "reason": reason}).rowcount


def failed(conn: Connection) -> list[JournalEntry]:
    """Return the posts that Discord refused, oldest subject first."""
    return posts(conn, statements.ids(conn, "failed_posts", {}))


def _hand(conn: Connection, post_id: int, *, was: State, state: State) -> bool:
    parameters = {"id": post_id, "was": was, "state": state}
    return bool(statements.ids(conn, "change_post_state", parameters))
