"""Whether a poll is due, and whether the script on the game server is dead: decided purely, kept in the
database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from etstats.config.schema import ServerConfig
from etstats.db.server_status import ServerStatus, looks
from etstats.pipeline import poll_schedule
from etstats.pipeline.poll_schedule import due, is_due, is_script_dead, note_look
from tests.admin.operations.game import Game

NOW = datetime(2025, 10, 2, 20, 0, tzinfo=UTC)
TEN = timedelta(minutes=10)
GRACE = timedelta(minutes=30)


def ago(minutes: float) -> datetime:
    """So many minutes before now."""
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("look", "idle_every", "wanted"),
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
def test_a_look_is_due(look: ServerStatus | None, idle_every: timedelta | None, wanted: bool) -> None:
    """Never looked, no idling, awake, resting, rested, a clock set back, people seen, seen long ago, one alone."""
    assert is_due(look, NOW, idle_every, GRACE) is wanted


@pytest.mark.parametrize(
    ("look", "wanted"),
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
def test_a_dead_script_is_noticed(look: ServerStatus, wanted: bool) -> None:
    """An hour of people without a file; not sooner, not on old word, not without people."""
    assert is_script_dead(look, NOW) is wanted


def test_a_look_is_kept_and_files_that_cannot_be_had_are_remembered(db: psycopg.Connection) -> None:
    """The newest file's time stays through looks that brought none; trouble has a beginning and an end."""
    note_look(db, "main", ago(30), arrived=3, missed=0)
    note_look(db, "main", ago(20), arrived=0, missed=2)
    note_look(db, "main", ago(10), arrived=0, missed=1)
    kept = looks(db)["main"]
    assert (kept.polled_at, kept.new_file_at, kept.missed, kept.missed_since) == (ago(10), ago(30), 1, ago(20))
    note_look(db, "main", NOW, arrived=0, missed=0)
    assert looks(db)["main"].missed_since is None


def _due(db: psycopg.Connection, server: ServerConfig, now: datetime) -> poll_schedule.PollDecision:
    return due(db, [server], now, idle_every=TEN, grace=GRACE)


def test_with_nobody_playing_it_looks_seldom_and_says_why(db: psycopg.Connection) -> None:
    """After the grace time polling every ten minutes; the first new file wakes it."""
    server = ServerConfig(name="main", path="/x")
    note_look(db, "main", ago(60), arrived=1, missed=0)
    assert _due(db, server, ago(45)).servers == ("main",)
    note_look(db, "main", ago(5), arrived=0, missed=0)
    resting = _due(db, server, NOW)
    assert resting.servers == ()
    assert resting.resting == {"main": "nobody plays; the next poll is in 5 min"}
    note_look(db, "main", NOW, arrived=1, missed=0)
    assert _due(db, server, NOW + timedelta(minutes=1)).servers == ("main",)


def test_people_who_play_keep_it_awake(db: psycopg.Connection, game: Callable[..., Game]) -> None:
    """The game is asked, every five minutes at most; since when people play is remembered until they are gone."""
    running = game(people=6)
    server = ServerConfig(name="main", path="/x", query=running.address)
    note_look(db, "main", ago(60), arrived=1, missed=0)
    note_look(db, "main", ago(1), arrived=0, missed=0)
    assert _due(db, server, NOW).servers == ("main",)
    _due(db, server, NOW + timedelta(minutes=1))
    assert running.asked == 1
    _due(db, server, NOW + timedelta(minutes=6))
    assert running.asked == 2
    kept = looks(db)["main"]
    assert (kept.people, kept.people_since, kept.queried_at) == (6, NOW, NOW + timedelta(minutes=6))
    running.people = 0
    _due(db, server, NOW + timedelta(minutes=12))
    assert looks(db)["main"].people_since is None


def test_a_silent_game_changes_nothing(db: psycopg.Connection, game: Callable[..., Game]) -> None:
    """No answer, or nonsense: the decision is made without it."""
    running = game(answer=b"nonsense")
    note_look(db, "main", ago(1), arrived=0, missed=0)
    assert _due(db, ServerConfig(name="main", path="/x", query=running.address), NOW).servers == ()
    assert _due(db, ServerConfig(name="main", path="/x", query="bad address:x"), NOW).servers == ()
