"""Read and write the journal of posts: their state, message ids and errors.

Each function runs its own transaction; the connection must have none open.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from etstats.db import statements
from etstats.db.connection import Connection
from etstats.db.message_states import State
from etstats.db.pending_posts import Kind, PendingPost, Style
from etstats.db.queries import query

_LOCK_KEY = 0x6574_7374_706F_7374  # "etstpost"


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


def posts(conn: Connection, ids: Collection[int]) -> list[JournalEntry]:
    """Return the posts with these ids, oldest subject first."""
    return statements.rows(conn, JournalEntry, "posts_by_id", {"ids": list(ids)}) if ids else []


def unresolved(conn: Connection) -> list[JournalEntry]:
    """Return the posts that need an administrator: failed, unknown, or still `sending`."""
    return posts(conn, statements.ids(conn, "unresolved_posts", {}))


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


def failed(conn: Connection) -> list[JournalEntry]:
    """Return the posts that Discord refused, oldest subject first."""
    return posts(conn, statements.ids(conn, "failed_posts", {}))
