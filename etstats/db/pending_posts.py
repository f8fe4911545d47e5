"""Read and write watermarks, changed sessions and pending posts.

Each function runs its own transaction, unless noted; the connection must have none open.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from etstats.db import statements
from etstats.db.connection import Connection
from etstats.db.queries import query

Kind = Literal["round", "map", "session", "digest"]
Style = Literal["compact", "full"]


class PendingPost(NamedTuple):
    """A post that is due: `subject` is the file that identifies it, `round_id` one of its rounds (None: a digest).

    `ended_at`: the end of its last round; `first_at` and `last_at`: the time range of a digest or a session.
    """

    kind: Kind
    server_id: int
    server: str
    subject: int
    round_id: int | None
    match_id: str | None
    session_id: int | None
    ended_at: datetime
    first_at: datetime | None
    last_at: datetime | None
    attempts: int
    round_number: int
    is_paired: bool
    """A round 2 with a stored round 1."""
    style: Style = "full"
    is_combined: bool = False
    """The message of a round 2 and of its map."""


class PostingStart(NamedTuple):
    """The start time of publishing (None: not started), and whether a post exists."""

    since: datetime | None
    has_posts: bool


def servers(conn: Connection) -> dict[int, str]:
    """Return the servers in the database: id -> name."""
    with conn.transaction():
        return dict(conn.execute(query("servers")).fetchall())


def watch_from(conn: Connection, routes: Collection[tuple[int, str]], now: datetime) -> None:
    """Publish only these (server id, kind) pairs; a new pair starts now."""
    server_ids, kinds = [server_id for server_id, _ in routes], [kind for _, kind in routes]
    parameters = {"server_ids": server_ids, "kinds": kinds, "now": now}
    with conn.transaction():
        conn.execute(query("set_watermarks"), parameters)


def posting_start(conn: Connection) -> PostingStart:
    """Return the start time of publishing, and whether a post exists."""
    with conn.transaction():
        row = conn.execute(query("posting_start")).fetchone()
    return PostingStart(*row) if row else PostingStart(since=None, has_posts=False)


def move_watermarks(conn: Connection, since: datetime) -> None:
    """Publish only what ended at this time or later."""
    statements.run(conn, "move_watermarks", {"since": since})


def is_anything_changed(conn: Connection) -> bool:
    """Return whether posts may need corrections or an interrupted post exists."""
    with conn.transaction():
        return conn.execute(query("has_changed_posts")).fetchone() == (True,)


def due(
    conn: Connection, now: datetime, *, session_end: timedelta, patience: timedelta, small_sessions: bool
) -> list[PendingPost]:
    """Return the pending posts, oldest first.

    A session ends `session_end` after its last round; a round 2 without a round 1 waits for `patience`.
    `small_sessions`: include sessions without a match of at least two against two.
    """
    parameters = {
        "now": now,
        "session_end": session_end,
        "patience": patience,
        "small_sessions": small_sessions,
    }
    return statements.rows(conn, PendingPost, "due_posts", parameters)


def named(conn: Connection, kind: Kind, round_ids: Sequence[int]) -> PendingPost:
    """Return the post of the round, map or session that consists of these rounds (at least one)."""
    return statements.rows(
        conn, PendingPost, "post_subject_of_rounds", {"kind": kind, "round_ids": list(round_ids)}
    )[0]


def begin_digest(
    conn: Connection, posts: Sequence[PendingPost], channel: str, *, last_session_began: datetime, now: datetime
) -> None:
    """Replace these pending posts of one server, oldest first, by one digest.

    Publishing continues after the last of them. Sessions that ended at `last_session_began` or later are kept.
    """
    played = [item for item in posts if item.kind != "session"]
    parameters = {
        "server_id": played[0].server_id,
        "kinds": [item.kind for item in posts],
        "subjects": [item.subject for item in posts],
        "subject": played[0].subject,
        "channel": channel,
        "first_at": played[0].ended_at,
        "last_at": played[-1].ended_at,
        "last_session_began": last_session_began,
        "now": now,
    }
    statements.run(conn, "add_digest", parameters)


def is_counted(conn: Connection, item: PendingPost) -> bool:
    """Return whether a round, both rounds of a map, or any round of a session is counted.

    A combined message needs its round 2. Runs in the caller's transaction.
    """
    parameters = {
        "kind": "round" if item.is_combined else item.kind,
        "server_id": item.server_id,
        "round_id": item.round_id,
        "match_id": item.match_id,
        "session_id": item.session_id,
    }
    return conn.execute(query("is_post_counted"), parameters).fetchone() != (False,)


def rounds_of_span(conn: Connection, server_id: int, first_at: datetime, last_at: datetime) -> list[int]:
    """Return the rounds of a server that ended between two times; runs in the caller's transaction."""
    parameters = {"server_id": server_id, "first_at": first_at, "last_at": last_at}
    return [row[0] for row in conn.execute(query("rounds_of_span"), parameters)]


def changed_sessions(conn: Connection) -> dict[int, int]:
    """Return the sessions whose posts may be outdated: id -> `changes` for `session_checked`."""
    with conn.transaction():
        return dict(conn.execute(query("changed_sessions")).fetchall())


def session_checked(conn: Connection, session_id: int, changes: int) -> None:
    """Record that the posts of a session are up to date with the state at which `changes` was read."""
    statements.run(conn, "mark_session_checked", {"session_id": session_id, "changes": changes})


def change_all_posted(conn: Connection) -> None:
    """Mark all posted sessions to be checked again."""
    statements.run(conn, "mark_posted_sessions_changed", {})


def close_sessions(conn: Connection, due_sessions: Collection[int], now: datetime, open_for: timedelta) -> None:
    """Stop checking sessions whose last round ended `open_for` ago, except those with pending posts."""
    statements.run(conn, "drop_finished_sessions", {"due": list(due_sessions), "now": now, "open_for": open_for})
