"""Decide when to poll a server: often while people play, seldom while the server is idle.

The state is in the database (`db/server_status.py`), so that several machines share it.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from etstats.config.schema import ServerConfig
from etstats.db import server_status
from etstats.db.connection import Connection
from etstats.db.server_status import ServerStatus
from etstats.domain.rules.sessions import ENOUGH_PEOPLE
from etstats.errors import EtstatsError
from etstats.logs import event
from etstats.sync.game_query import query_status

_ASK_EVERY = timedelta(minutes=5)
_ASK_GAP = timedelta(minutes=20)
_SILENT_FOR = timedelta(hours=1)
_EARLY = timedelta(seconds=30)  # tolerance for the start time of cron jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class PollDecision:
    """The servers to poll now; `idle`: the reason for each other server."""

    servers: tuple[str, ...]
    idle: dict[str, str]


def is_due(status: ServerStatus | None, now: datetime, idle_every: timedelta | None, grace: timedelta) -> bool:
    """Return whether to poll a server now.

    True without `idle_every`, while people play, and within `grace` after a new file; otherwise when the last poll
    is at least `idle_every` ago. True also if the clock was set back.
    """
    if idle_every is None or status is None or status.polled_at is None:
        return True
    if is_playing(status, now):
        return True
    has_recent_file = status.new_file_at is not None and timedelta() <= now - status.new_file_at < grace
    return has_recent_file or not timedelta() <= now - status.polled_at < idle_every - _EARLY


def is_playing(status: ServerStatus, now: datetime) -> bool:
    """Return whether the last status query found players and is not older than 20 minutes."""
    if status.queried_at is None or status.people_since is None:
        return False
    return timedelta() <= now - status.queried_at < _ASK_GAP


def is_script_dead(status: ServerStatus, now: datetime) -> bool:
    """Return whether people have played for an hour without a new file: the server's Lua script is not running."""
    if status.people_since is None or not is_playing(status, now):
        return False
    last_signs = [
        moment for moment in (status.people_since, status.new_file_at) if moment is not None and moment <= now
    ]
    return bool(last_signs) and now - max(last_signs) >= _SILENT_FOR


def due(
    conn: Connection,
    servers: Iterable[ServerConfig],
    now: datetime,
    *,
    idle_every: timedelta | None,
    grace: timedelta,
) -> PollDecision:
    """Choose the servers to poll; query the game's status where `query` is set (no answer is not an error)."""
    chosen: list[str] = []
    idle: dict[str, str] = {}
    known = server_status.statuses(conn)
    for server in servers:
        status = known.get(server.name)
        is_recent = (
            status is not None
            and status.queried_at is not None
            and (timedelta() <= now - status.queried_at < _ASK_EVERY)
        )
        if server.query is not None and not is_recent:
            status = _query_game(conn, server, status, now)
        if is_due(status, now, idle_every, grace):
            chosen.append(server.name)
        elif status is not None and status.polled_at is not None and idle_every is not None:
            minutes = (status.polled_at + idle_every - now).total_seconds() / 60
            idle[server.name] = f"server idle; the next poll is in {max(1, round(minutes))} min"
    return PollDecision(servers=tuple(chosen), idle=idle)


def record_people(conn: Connection, server: str, at: datetime, people: int) -> None:
    """Record the number of people that a status query returned."""
    playing = people >= ENOUGH_PEOPLE
    server_status.record_people(conn, server, at, people, playing=playing, gap=_ASK_GAP)


def _query_game(
    conn: Connection, server: ServerConfig, status: ServerStatus | None, now: datetime
) -> ServerStatus | None:
    try:
        game = query_status(server.query or "")
    except EtstatsError as error:
        event("game not asked", level=logging.WARNING, server=server.name, reason=str(error))
        return status
    event("game asked", server=server.name, people=game.people, map=game.map_name, said=str(game))
    record_people(conn, server.name, now, game.people)
    return server_status.statuses(conn).get(server.name)
