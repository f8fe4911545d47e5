"""Helpers: game servers for live messages."""

from datetime import datetime, timedelta

from etstats.domain.live import GamePlayer, LiveServer
from etstats.post.publish import PostReport
from etstats.post.publish.live import ServerSnapshot, post_live
from tests.post.publish.conftest import Stage

GAP = timedelta(minutes=60)


def server(people: int = 0, *, map_name: str = "supply", online: bool = True, score: int = 10) -> LiveServer:
    """Return a server with this many players."""
    return LiveServer(
        server="main",
        address="127.0.0.1:27960",
        online=online,
        map=map_name if online else None,
        players=tuple(GamePlayer(f"player {index}", score + index, None) for index in range(people)),
        bots=0 if online else None,
        places=20 if online else None,
        time_limit_minutes=12 if online else None,
        error=None if online else "no answer",
    )


def show(stage: Stage, now: datetime, shown: LiveServer, since: datetime | None = None) -> PostReport:
    """Publish the status of a server whose last reply was now, or an hour ago."""
    answered = now if shown.online else now - timedelta(hours=1)
    stage.clock.sleep(60)
    return post_live(
        stage.conn,
        stage.settings,
        stage.config.timezone,
        now,
        [ServerSnapshot(shown, since, answered)],
        gap=GAP,
        limit_seconds=30,
        clock=stage.clock,
        sleep=stage.clock.sleep,
    )
