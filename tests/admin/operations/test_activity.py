"""Tests of whether a poll is due, and whether the game server's script has stopped."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from etstats.config.schema import ServerConfig
from etstats.db import inventory
from etstats.db.server_status import ServerStatus, record_poll, statuses
from etstats.pipeline import poll_schedule
from etstats.pipeline.poll_schedule import due, is_due, is_script_dead
from tests.support.game import Game

NOW = datetime(2025, 10, 2, 20, 0, tzinfo=UTC)
TEN = timedelta(minutes=10)
GRACE = timedelta(minutes=30)


def ago(minutes: float) -> datetime:
    """Return the time this many minutes ago."""
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("status", "idle_every", "wanted"),
    [
        (None, TEN, True),
        (ServerStatus(server="a"), TEN, True),
        (ServerStatus(server="a", polled_at=ago(1), new_file_at=ago(500)), None, True),
        (ServerStatus(server="a", polled_at=ago(1), new_file_at=ago(29)), TEN, True),
        (ServerStatus(server="a", polled_at=ago(1), new_file_at=ago(30)), TEN, False),
        (ServerStatus(server="a", polled_at=ago(1)), TEN, False),
        (ServerStatus(server="a", polled_at=ago(9.4)), TEN, False),
        (ServerStatus(server="a", polled_at=ago(9.6)), TEN, True),
        (ServerStatus(server="a", polled_at=ago(-5)), TEN, True),
        (ServerStatus(server="a", polled_at=ago(1), queried_at=ago(2), people=6, people_since=ago(2)), TEN, True),
        (
            ServerStatus(server="a", polled_at=ago(1), queried_at=ago(25), people=6, people_since=ago(50)),
            TEN,
            False,
        ),
        (ServerStatus(server="a", polled_at=ago(1), queried_at=ago(2), people=1), TEN, False),
    ],
)
def test_poll_is_due(status: ServerStatus | None, idle_every: timedelta | None, wanted: bool) -> None:
    """Never polled, no idle setting, active, idle, interval over, clock set back, players online."""
    assert is_due(status, NOW, idle_every, GRACE) is wanted


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (ServerStatus(server="a", queried_at=ago(1), people=8, people_since=ago(61)), True),
        (ServerStatus(server="a", queried_at=ago(1), people=8, people_since=ago(59)), False),
        (ServerStatus(server="a", queried_at=ago(1), people=8, people_since=ago(200), new_file_at=ago(61)), True),
        (ServerStatus(server="a", queried_at=ago(1), people=8, people_since=ago(200), new_file_at=ago(59)), False),
        (ServerStatus(server="a", queried_at=ago(40), people=8, people_since=ago(200)), False),
        (ServerStatus(server="a", queried_at=ago(1), people=0), False),
        (ServerStatus(server="a"), False),
    ],
)
def test_stopped_script_is_reported_after_an_hour(status: ServerStatus, wanted: bool) -> None:
    """The script has stopped after an hour of players without a file; not earlier, not with an old status."""
    assert is_script_dead(status, NOW) is wanted


def test_poll_times_and_failures_are_stored(db: psycopg.Connection) -> None:
    """Polls without new files keep the time of the newest file; failures have a start and an end."""
    record_poll(db, "main", ago(30), arrived=3, missed=0)
    record_poll(db, "main", ago(20), arrived=0, missed=2)
    record_poll(db, "main", ago(10), arrived=0, missed=1)
    kept = statuses(db)["main"]
    assert (kept.polled_at, kept.new_file_at, kept.missed, kept.missed_since) == (ago(10), ago(30), 1, ago(20))
    record_poll(db, "main", NOW, arrived=0, missed=0)
    assert statuses(db)["main"].missed_since is None


def test_times_from_a_fast_clock_are_ignored(db: psycopg.Connection, game: Callable[..., Game]) -> None:
    """After a poll and a query dated 2036 the game is queried, counts are recorded, and the server is idle."""
    running = game(people=6)
    server = ServerConfig(name="main", path="/x", query=running.address)
    wrong = datetime(2036, 1, 1, tzinfo=UTC)
    record_poll(db, "main", wrong, arrived=1, missed=1)
    _due(db, server, wrong)
    (server_id,) = db.execute("SELECT id FROM servers").fetchone() or (0,)
    for at in (wrong, NOW, NOW + timedelta(hours=2)):
        inventory.record(db, server_id, {"on_server": 5}, at)
    db.commit()
    kept = statuses(db)["main"]
    assert not poll_schedule.is_playing(kept, NOW)
    assert not is_script_dead(kept, NOW)
    running.people = 0
    assert _due(db, server, NOW).servers == ("main",)  # the last poll lies in the future
    assert running.asked == 2
    record_poll(db, "main", NOW, arrived=0, missed=1)
    kept = statuses(db)["main"]
    assert max(filter(None, (kept.polled_at, kept.new_file_at, kept.missed_since, kept.queried_at))) == NOW
    counted = db.execute("SELECT first_seen, last_seen FROM file_counts").fetchall()
    assert counted == [(NOW, NOW + timedelta(hours=2))]


def _due(db: psycopg.Connection, server: ServerConfig, now: datetime) -> poll_schedule.PollDecision:
    return due(db, [server], now, idle_every=TEN, grace=GRACE)


def test_idle_server_is_polled_less_often(db: psycopg.Connection) -> None:
    """After the grace time polls are every ten minutes; the first new file ends this."""
    server = ServerConfig(name="main", path="/x")
    record_poll(db, "main", ago(60), arrived=1, missed=0)
    assert _due(db, server, ago(45)).servers == ("main",)
    record_poll(db, "main", ago(5), arrived=0, missed=0)
    resting = _due(db, server, NOW)
    assert resting.servers == ()
    assert resting.idle == {"main": "server idle; the next poll is in 5 min"}
    record_poll(db, "main", NOW, arrived=1, missed=0)
    assert _due(db, server, NOW + timedelta(minutes=1)).servers == ("main",)


def test_players_keep_polling_active(db: psycopg.Connection, game: Callable[..., Game]) -> None:
    """The game is queried at most every five minutes; the start of play is stored until all players leave."""
    running = game(people=6)
    server = ServerConfig(name="main", path="/x", query=running.address)
    record_poll(db, "main", ago(60), arrived=1, missed=0)
    record_poll(db, "main", ago(1), arrived=0, missed=0)
    assert _due(db, server, NOW).servers == ("main",)
    _due(db, server, NOW + timedelta(minutes=1))
    assert running.asked == 1
    _due(db, server, NOW + timedelta(minutes=6))
    assert running.asked == 2
    kept = statuses(db)["main"]
    assert (kept.people, kept.people_since, kept.queried_at) == (6, NOW, NOW + timedelta(minutes=6))
    running.people = 0
    _due(db, server, NOW + timedelta(minutes=12))
    assert statuses(db)["main"].people_since is None


def test_game_without_reply_changes_nothing(db: psycopg.Connection, game: Callable[..., Game]) -> None:
    """Without a valid reply the decision is made without the query."""
    running = game(answer=b"nonsense")
    record_poll(db, "main", ago(1), arrived=0, missed=0)
    assert _due(db, ServerConfig(name="main", path="/x", query=running.address), NOW).servers == ()
    assert _due(db, ServerConfig(name="main", path="/x", query="bad address:x"), NOW).servers == ()
