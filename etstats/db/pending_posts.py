"""Pending posts: watermarks, sessions that changed, and what is due in them.

Every function is a transaction of its own, committed when it returns: the connection must have none open.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from etstats.db import statements
from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query

Kind = Literal["round", "map", "session", "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPost:
    """Something to post: `subject` is the file that stands for it, `round_id` a round of it (None: a digest).

    `ended_at` is when its last round ended; `first_at` and `last_at` are those of a digest or a session.
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


def servers(conn: Connection) -> dict[int, str]:
    """Return the servers in the database: id -> name."""
    with database_errors(), conn.transaction():
        return dict(conn.execute(query("servers")).fetchall())


def watch_from(conn: Connection, routes: Collection[tuple[int, str]], now: datetime) -> bool:
    """Post these kinds of these servers (id, kind), no others; True when one of them begins now."""
    server_ids, kinds = [server_id for server_id, _ in routes], [kind for _, kind in routes]
    parameters = {"server_ids": server_ids, "kinds": kinds, "now": now}
    with database_errors(), conn.transaction():
        return conn.execute(query("set_watermarks"), parameters).rowcount > 0


def move_watermarks(conn: Connection, since: datetime) -> None:
    """Post what ended from this moment on, and nothing older."""
    statements.run(conn, "move_watermarks", {"since": since})


def is_anything_changed(conn: Connection) -> bool:
    """Whether posts may need correcting, or somebody left one half sent."""
    with database_errors(), conn.transaction():
        return conn.execute(query("has_changed_posts")).fetchone() == (True,)


def due(conn: Connection, now: datetime, *, session_end: timedelta, patience: timedelta) -> list[PendingPost]:
    """What is to be posted, oldest first.

    A session ends `session_end` after its last round; a round 2 without its round 1 waits for `patience`.
    """
    parameters = {"now": now, "session_end": session_end, "patience": patience}
    return statements.rows(conn, PendingPost, "due_posts", parameters)


def named(conn: Connection, kind: Kind, round_ids: Sequence[int]) -> PendingPost:
    """The round, map or session of which these are all the rounds (one at least), as a thing to post."""
    return statements.rows(
        conn, PendingPost, "post_subject_of_rounds", {"kind": kind, "round_ids": list(round_ids)}
    )[0]


def begin_digest(
    conn: Connection, posts: Sequence[PendingPost], channel: str, *, last_evening_at: datetime, now: datetime
) -> None:
    """Let one digest stand for these things of one server, rounds and maps among them, oldest first.

    Posting goes on behind the last of them. Sessions that ended at `last_evening_at` or later are left.
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
        "last_evening_at": last_evening_at,
        "now": now,
    }
    statements.run(conn, "add_digest", parameters)


def rounds_of_span(conn: Connection, server_id: int, first_at: datetime, last_at: datetime) -> list[int]:
    """The rounds of a server that ended from one moment to another; no transaction of its own."""
    parameters = {"server_id": server_id, "first_at": first_at, "last_at": last_at}
    return [row[0] for row in conn.execute(query("rounds_of_span"), parameters)]


def changed_sessions(conn: Connection) -> dict[int, int]:
    """The sessions whose posts may be wrong: id -> what to hand to `session_checked`."""
    with database_errors(), conn.transaction():
        return dict(conn.execute(query("changed_sessions")).fetchall())


def session_checked(conn: Connection, session_id: int, changes: int) -> None:
    """Record that the posts of a session agree with it, as it was when `changes` was read."""
    statements.run(conn, "mark_session_checked", {"session_id": session_id, "changes": changes})


def change_all_posted(conn: Connection) -> None:
    """Mark everything that was ever posted to be checked again."""
    statements.run(conn, "mark_posted_sessions_changed", {})


def close_sessions(conn: Connection, due_sessions: Collection[int], now: datetime, open_for: timedelta) -> None:
    """Stop checking sessions whose last round ended `open_for` ago, except those in which something is due."""
    statements.run(conn, "drop_finished_sessions", {"due": list(due_sessions), "now": now, "open_for": open_for})
