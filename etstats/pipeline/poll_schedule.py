"""Whether a poll is due: often while people play, seldom while nobody does.

The decisions are pure; what they rest on is kept in the database (`db/looks.py`), so two machines share it.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from etstats.config.schema import ServerConfig
from etstats.db import archive, server_status
from etstats.db.connection import Connection
from etstats.db.server_status import ServerStatus
from etstats.errors import EtstatsError
from etstats.logs import event
from etstats.sync.game_query import query_status

ENOUGH_PEOPLE = 2  # one person alone makes no round
_ASK_EVERY = timedelta(minutes=5)
_ASK_GAP = timedelta(minutes=20)
_SILENT_FOR = timedelta(hours=1)
_EARLY = timedelta(seconds=30)  # cron's minute is not exact


@dataclass(frozen=True, slots=True, kw_only=True)
class PollDecision:
    """Which servers to poll now, and why the others are left, in words."""

    servers: tuple[str, ...]
    resting: dict[str, str]


def is_due(look: ServerStatus | None, now: datetime, idle_every: timedelta | None, grace: timedelta) -> bool:
    """Say whether a server is to be polled now.

    Always, without `idle_every`. Else while files came or people were seen within `grace`, and otherwise when the
    last poll is `idle_every` ago. A clock that was set back makes it due.
    """
    if idle_every is None or look is None or look.polled_at is None:
        return True
    if is_playing(look, now):
        return True
    awake = look.new_file_at is not None and now - look.new_file_at < grace
    return awake or not timedelta() <= now - look.polled_at < idle_every - _EARLY


def is_playing(look: ServerStatus, now: datetime) -> bool:
    """Say whether the game itself said a short while ago that people play."""
    return look.queried_at is not None and look.people_since is not None and now - look.queried_at < _ASK_GAP


def is_script_dead(look: ServerStatus, now: datetime) -> bool:
    """Say whether people were seen playing for an hour and no file came: nothing writes them any more."""
    if look.people_since is None or not is_playing(look, now):
        return False
    last_sign = max(filter(None, (look.people_since, look.new_file_at)))
    return now - last_sign >= _SILENT_FOR


def due(
    conn: Connection,
    servers: Iterable[ServerConfig],
    now: datetime,
    *,
    idle_every: timedelta | None,
    grace: timedelta,
) -> PollDecision:
    """Choose the servers to poll, asking the game of those that have a `query`; a silent game is not a failure."""
    chosen: list[str] = []
    resting: dict[str, str] = {}
    known = server_status.looks(conn)
    for server in servers:
        look = known.get(server.name)
        if server.query is not None and (
            look is None or look.queried_at is None or now - look.queried_at >= _ASK_EVERY
        ):
            look = _ask(conn, server, look, now)
        if is_due(look, now, idle_every, grace):
            chosen.append(server.name)
        elif look is not None and look.polled_at is not None and idle_every is not None:
            minutes = (look.polled_at + idle_every - now).total_seconds() / 60
            resting[server.name] = f"nobody plays; the next poll is in {max(1, round(minutes))} min"
    return PollDecision(servers=tuple(chosen), resting=resting)


def note_look(conn: Connection, server: str, at: datetime, *, arrived: int, missed: int) -> None:
    """Keep what a listing of a server brought."""
    server_status.record_look(conn, archive.add_server(conn, server), at, arrived=arrived, missed=missed)
    conn.commit()


def _ask(conn: Connection, server: ServerConfig, look: ServerStatus | None, now: datetime) -> ServerStatus | None:
    try:
        status = query_status(server.query or "")
    except EtstatsError as error:
        event("game not asked", level=logging.WARNING, server=server.name, reason=str(error))
        return look
    event("game asked", server=server.name, people=status.people, map=status.map_name, said=str(status))
    playing = status.people >= ENOUGH_PEOPLE
    server_id = archive.add_server(conn, server.name)
    server_status.record_people(conn, server_id, now, status.people, playing=playing, gap=_ASK_GAP)
    conn.commit()
    return server_status.looks(conn).get(server.name)
