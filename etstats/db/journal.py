"""The journal of the posts: what is due, what is being sent, what stands in Discord, and what went wrong.

Every function is a transaction of its own, committed when it returns: the connection must have none open.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import psycopg
from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.errors import LockedError

Kind = Literal["round", "map", "session", "digest"]
State = Literal["pending", "sending", "sent", "failed", "unknown"]
Row = TypeVar("Row")

_LOCK_KEY = 0x6574_7374_706F_7374  # "etstpost"
_STOPPED = "the program was stopped while it was sending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something to post: `subject` is the file that stands for it, `round_id` a round of it (None: a digest).

    `ended_at` is when its last round ended; `first_at` and `last_at` are those of a digest or an evening.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """A channel that takes nothing: for good (`gone_at`), or until a moment."""

    channel: str
    gone_at: datetime | None
    gone_reason: str | None
    held_until: datetime | None


@contextmanager
def poster_lock(conn: Connection) -> Iterator[bool]:
    """True while this program is the only one that posts from this base; False when another one is at it.

    It dies with the connection. Whoever holds it knows that no post is still being sent by somebody else.
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
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def servers(conn: Connection) -> dict[int, str]:
    """The servers that the base knows: id -> name."""
    with database_errors(), conn.transaction():
        return dict(conn.execute(query("posting_servers")).fetchall())


def watch_from(conn: Connection, routes: Collection[tuple[int, str]], now: datetime) -> bool:
    """Post these kinds of these servers (id, kind), no others; True when one of them begins now."""
    server_ids, kinds = [server_id for server_id, _ in routes], [kind for _, kind in routes]
    parameters = {"server_ids": server_ids, "kinds": kinds, "now": now}
    with database_errors(), conn.transaction():
        return conn.execute(query("watch_from"), parameters).rowcount > 0


def move_watermarks(conn: Connection, since: datetime) -> None:
    """Post what ended from this moment on, and nothing older."""
    _run(conn, "move_watermarks", {"since": since})


def is_anything_changed(conn: Connection) -> bool:
    """Whether posts may need correcting, or somebody left one half sent."""
    with database_errors(), conn.transaction():
        return conn.execute(query("is_anything_changed")).fetchone() == (True,)


def due(conn: Connection, now: datetime, *, session_end: timedelta, patience: timedelta) -> list[Due]:
    """What is to be posted, oldest first.

    An evening is over `session_end` after its last round; a round 2 without its round 1 waits for `patience`.
    """
    parameters = {"now": now, "session_end": session_end, "patience": patience}
    return _rows(conn, Due, "due_posts", parameters)


def named(conn: Connection, kind: Kind, round_ids: Sequence[int]) -> Due:
    """The round, map or evening of which these are all the rounds (one at least), as a thing to post."""
    return _rows(conn, Due, "named_posts", {"kind": kind, "round_ids": list(round_ids)})[0]


def claim(conn: Connection, item: Due, channel: str, now: datetime, *, again: bool = False) -> int | None:
    """Write down the intent to send and return the post's id; None when it is not, or no more, ours to send.

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


def put_down(conn: Connection, post_id: int) -> None:
    """Let a claimed post be `pending` while nothing of it is on the way: whoever dies now leaves no doubt."""
    _hand(conn, post_id, was="sending", state="pending")


def take_up(conn: Connection, post_id: int) -> None:
    """Claim again what was put down; LockedError when somebody else has it by now."""
    if not _hand(conn, post_id, was="pending", state="sending"):
        raise LockedError("Another etstats took over posting while this one waited; it goes on with what is due.")


def record_sent(
    conn: Connection, post_id: int, *, message_id: str, thread_id: str | None, fingerprint: str, now: datetime
) -> None:
    """Write down that a claimed post stands in Discord under this id."""
    _record(conn, post_id, "sent", "", now, message_id=message_id, thread_id=thread_id, fingerprint=fingerprint)


def record_unsent(conn: Connection, post_id: int, state: State, reason: str, now: datetime) -> None:
    """Write down why a claimed post does not stand there: `pending` (later), `failed` (never) or `unknown`."""
    _record(conn, post_id, state, reason, now)


def record_edit(
    conn: Connection, post_id: int, fingerprint: str, *, reason: str = "", now: datetime | None = None
) -> None:
    """Write down what a message shows now; `now` when it was really edited, `reason` why it could not be."""
    parameters = {"id": post_id, "fingerprint": fingerprint, "reason": reason, "edited_at": now}
    _run(conn, "record_edit", parameters)


def give_up_sending(conn: Connection) -> list[Post]:
    """Turn what is still `sending` into `unknown`; only for who holds the poster's lock."""
    with database_errors(), conn.transaction():
        ids = [row[0] for row in conn.execute(query("give_up_sending"), {"reason": _STOPPED})]
    return posts(conn, ids)


def posts(conn: Connection, ids: Collection[int]) -> list[Post]:
    """The posts with these ids, oldest subject first."""
    return _rows(conn, Post, "posts_by_id", {"ids": list(ids)}) if ids else []


def unresolved(conn: Connection) -> list[Post]:
    """The posts that a person should know of: failed, unknown, or left half sent."""
    return posts(conn, _ids(conn, "unresolved_posts", {}))


def counts(conn: Connection) -> dict[State, int]:
    """How many posts are in which state."""
    with database_errors(), conn.transaction():
        return dict(conn.execute(query("post_counts")).fetchall())


def post_of(conn: Connection, item: Due) -> Post | None:
    """The post of a thing, if there is one."""
    parameters = {
        "server_id": item.server_id,
        "kind": item.kind,
        "subject": item.subject,
        "session_id": item.session_id,
        "first_at": item.first_at,
        "last_at": item.last_at,
    }
    return next(iter(posts(conn, _ids(conn, "post_of_subject", parameters))), None)


def posts_of_session(conn: Connection, session_id: int) -> list[Post]:
    """The messages that tell of an evening, its maps and its rounds, oldest subject first."""
    return posts(conn, _ids(conn, "posts_of_session", {"session_id": session_id}))


def changed_sessions(conn: Connection) -> dict[int, int]:
    """The evenings whose posts may be wrong: id -> what to hand to `session_checked`."""
    with database_errors(), conn.transaction():
        return dict(conn.execute(query("changed_sessions")).fetchall())


def session_checked(conn: Connection, session_id: int, changes: int) -> None:
    """Write down that the posts of an evening agree with it, as it was when `changes` was read."""
    _run(conn, "session_checked", {"session_id": session_id, "changes": changes})


def change_all_posted(conn: Connection) -> None:
    """Let everything that was ever posted be looked at again."""
    _run(conn, "change_all_posted", {})


def close_sessions(conn: Connection, due_sessions: Collection[int], now: datetime, open_for: timedelta) -> None:
    """Look no more at evenings whose last round ended `open_for` ago, but for those in which something is due."""
    _run(conn, "close_sessions", {"due": list(due_sessions), "now": now, "open_for": open_for})


def begin_digest(
    conn: Connection, told: Sequence[Due], channel: str, *, last_evening_at: datetime, now: datetime
) -> None:
    """Let one digest stand for these things of one server, rounds and maps among them, oldest first.

    Posting goes on behind the last of them. Evenings that ended at `last_evening_at` or later are left.
    """
    played = [item for item in told if item.kind != "session"]
    parameters = {
        "server_id": played[0].server_id,
        "kinds": [item.kind for item in told],
        "subjects": [item.subject for item in told],
        "subject": played[0].subject,
        "channel": channel,
        "first_at": played[0].ended_at,
        "last_at": played[-1].ended_at,
        "last_evening_at": last_evening_at,
        "now": now,
    }
    _run(conn, "begin_digest", parameters)


def rounds_of_span(conn: Connection, server_id: int, first_at: datetime, last_at: datetime) -> list[int]:
    """The rounds of a server that ended from one moment to another; no transaction of its own."""
    parameters = {"server_id": server_id, "first_at": first_at, "last_at": last_at}
    return [row[0] for row in conn.execute(query("rounds_of_span"), parameters)]


def shut_channels(conn: Connection, channels: Collection[str]) -> dict[str, Shut]:
    """Which of the channels in use are shut; what was known of others is forgotten."""
    return {shut.channel: shut for shut in _rows(conn, Shut, "shut_channels", {"channels": list(channels)})}


def shut(conn: Connection, found: Shut) -> None:
    """Remember that a channel takes nothing."""
    parameters = {
        "channel": found.channel,
        "gone_at": found.gone_at,
        "gone_reason": found.gone_reason,
        "held_until": found.held_until,
    }
    _run(conn, "shut_channel", parameters)


def thread_of_session(conn: Connection, session_id: int, channel: str) -> str | None:
    """The thread of a forum in which an evening is told."""
    with database_errors(), conn.transaction():
        parameters = {"session_id": session_id, "channel": channel}
        row = conn.execute(query("thread_of_session"), parameters).fetchone()
    return row[0] if row else None


def forget_thread(conn: Connection, thread_id: str) -> None:
    """Remember that a thread is no more: what comes next of its evening opens another one."""
    _run(conn, "forget_thread", {"thread_id": thread_id})


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
    _run(conn, "record_post", parameters)


def _hand(conn: Connection, post_id: int, *, was: State, state: State) -> bool:
    with database_errors(), conn.transaction():
        row = conn.execute(query("hand_post"), {"id": post_id, "was": was, "state": state}).fetchone()
    return row is not None


def _run(conn: Connection, name: str, parameters: Mapping[str, object]) -> None:
    with database_errors(), conn.transaction():
        conn.execute(query(name), parameters)


def _ids(conn: Connection, name: str, parameters: Mapping[str, object]) -> list[int]:
    with database_errors(), conn.transaction():
        return [row[0] for row in conn.execute(query(name), parameters)]


def _rows(conn: Connection, row: type[Row], name: str, parameters: Mapping[str, object]) -> list[Row]:
    with database_errors(), conn.transaction(), conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
