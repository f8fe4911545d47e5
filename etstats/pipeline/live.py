"""Publish the players on the game servers once a minute during a sync, without delaying imports."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Thread

from etstats.config.schema import Config, ServerConfig
from etstats.db import server_status
from etstats.db.connection import Connection
from etstats.domain.live import ServerAnswer
from etstats.errors import EtstatsError
from etstats.pipeline.poll_schedule import record_people
from etstats.post.publish.live import ServerSnapshot, post_live, wants_live
from etstats.post.publish.report import PostReport
from etstats.stats import live_servers
from etstats.sync import game_query

_EVERY = 60.0  # seconds
_LONGEST_QUERY = 5.0


class LiveBoard:
    """Queries the servers in a thread and publishes their answers."""

    def __init__(self, conn: Connection, config: Config, servers: Sequence[ServerConfig]) -> None:
        self._conn = conn
        self._config = config
        self._addresses = {server.name: server.query for server in servers if server.query is not None}
        self._thread: Thread | None = None
        self._answers: list[ServerAnswer] = []
        self._queried_at = 0.0
        self._is_wanted = bool(self._addresses) and wants_live(config.discord)

    def tick(self) -> PostReport | None:
        """Start a query every minute, and publish its answers; return None if nothing was published."""
        if not self._is_wanted:
            return None
        if self._thread is None:
            if not self._queried_at or time.monotonic() - self._queried_at >= _EVERY:
                self._start_query()
            return None
        return None if self._thread.is_alive() else self._publish()

    def finish(self) -> PostReport | None:
        """Wait for a running query and publish its answers."""
        if self._thread is None:
            return None
        self._thread.join(_LONGEST_QUERY)
        return None if self._thread.is_alive() else self._publish()

    def _start_query(self) -> None:
        self._queried_at = time.monotonic()
        self._answers = []
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answers = game_query.ask(self._addresses)
        except EtstatsError as error:
            self._answers = [
                ServerAnswer(name, address, None, str(error)) for name, address in self._addresses.items()
            ]

    def _publish(self) -> PostReport:
        self._thread = None
        return publish(self._conn, self._config, self._answers, datetime.now(UTC))


def publish(conn: Connection, config: Config, answers: Sequence[ServerAnswer], now: datetime) -> PostReport:
    """Record the number of players on each server and update the servers' messages."""
    for answer in answers:
        if answer.status is not None:
            record_people(conn, answer.server, now, answer.status.people)
    known = server_status.statuses(conn)
    servers = [
        ServerSnapshot(live, status.people_since if status else None, status.queried_at if status else None)
        for live in live_servers.shown(conn, answers)
        for status in [known.get(live.server)]
    ]
    return post_live(
        conn,
        config.discord,
        config.timezone,
        now,
        servers,
        gap=config.sessions.gap,
        limit_seconds=config.discord.run_limit,
    )
