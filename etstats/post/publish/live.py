"""Publish the players on the game servers: an edited status message, and posts once per session."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from etstats.db import journal, notices, pending_posts
from etstats.db.connection import Connection
from etstats.db.notices import Notice, NoticeKind
from etstats.domain.live import LiveServer
from etstats.domain.rules.sessions import ENOUGH_PEOPLE
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.notices import NoticePublisher
from etstats.post.publish.report import PostReport
from etstats.post.render.live_messages import game_on_message, session_start_message, status_message
from etstats.post.render.message import Message
from etstats.post.settings import SERVER_KINDS, DiscordConfig, TimezoneOf

_EDIT_EVERY = timedelta(seconds=50)  # a minute, minus the inaccuracy of cron
_DOWN_AFTER = timedelta(minutes=2)


class ServerSnapshot(NamedTuple):
    """A server's current status, the start of play, and the time of its last response."""

    live: LiveServer
    people_since: datetime | None
    answered_at: datetime | None


def wants_live(settings: DiscordConfig) -> bool:
    """Return whether any live post is enabled."""
    return any(settings.posts(kind) for kind in SERVER_KINDS)


def post_live(
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    servers: Sequence[ServerSnapshot],
    *,
    gap: timedelta,
    limit_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PostReport:
    """Publish the status of these servers; `gap` is the maximum break within a session. Commits on `conn`."""
    conn.commit()
    ids = {name: server_id for server_id, name in pending_posts.servers(conn).items()}
    report = PostReport()
    with journal.poster_lock(conn) as is_ours:
        if not is_ours:
            return report
        for seen in servers:
            server_id = ids.get(seen.live.server)
            if server_id is None:
                continue
            zone, deadline = timezone_of(seen.live.server), Deadline(now, limit_seconds, clock, sleep)
            run = NoticePublisher(conn, settings, zone, deadline)
            run.recover()
            _show_status(conn, run, server_id, seen, now)
            if seen.live.online:
                _once_per_session(conn, run, server_id, seen.live, now, gap, settings.game_on_players)
            report.merge(run.report)
    return report


def _show_status(
    conn: Connection, run: NoticePublisher, server_id: int, seen: ServerSnapshot, now: datetime
) -> None:
    if run.destination("status", server_id) is None:
        return
    notice = notices.of_subject(conn, "status", str(server_id))
    changed_at = max(filter(None, (notice.sent_at, notice.edited_at)), default=None) if notice else None
    if changed_at is not None and timedelta() <= now - changed_at < _EDIT_EVERY:
        return
    answered = seen.answered_at
    if not seen.live.online and answered is not None and timedelta() <= now - answered < _DOWN_AFTER:
        return  # UDP loses packets
    message = status_message(seen.live, seen.people_since, answered)
    run.show("status", str(server_id), message, server_id)


def _once_per_session(  # noqa: PLR0917
    conn: Connection,
    run: NoticePublisher,
    server_id: int,
    live: LiveServer,
    now: datetime,
    gap: timedelta,
    game_on_players: int,
) -> None:
    """Post "game on", or else "session started"; each once until nobody has played for `gap`.

    After "game on", "session started" is not posted for the same session.
    """
    people = len(live.players)
    plans: tuple[tuple[NoticeKind, int, Message], ...] = (
        ("game_on", game_on_players, game_on_message(live)),
        ("session_start", ENOUGH_PEOPLE, session_start_message(live, now)),
    )
    for kind, enough, message in plans:
        if run.destination(kind, server_id) is None:
            continue
        last = notices.newest(conn, kind, server_id)
        if last is not None and _is_of_session(last, now, gap):
            if people >= ENOUGH_PEOPLE:
                notices.see_players(conn, last.id, now)
                if last.state == "pending" and people >= enough:
                    run.send(kind, last.subject, message, server_id, last_at=now)
            if kind == "game_on":
                return
        elif people >= enough:
            run.send(kind, f"{server_id} {now:%Y-%m-%dT%H:%M}", message, server_id, last_at=now)
            if kind == "game_on":
                return


def _is_of_session(notice: Notice, now: datetime, gap: timedelta) -> bool:
    """Return whether players have played since a message without a break of `gap`."""
    return notice.last_at is not None and timedelta() <= now - notice.last_at < gap
