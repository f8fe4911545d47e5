"""Tests of the shared options."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from etstats.commands import options
from etstats.config.loader import load
from etstats.config.schema import Config
from etstats.db.scope import Scope
from etstats.domain.rules.quarters import quarter_of, quarter_span, quarters_between
from etstats.errors import ConfigError, NotFoundError
from tests.stats.sessions.rows import add_round, add_session, line

LJUBLJANA = ZoneInfo("Europe/Ljubljana")
SPAN = (datetime(2024, 5, 1, tzinfo=UTC), datetime(2025, 10, 2, 20, tzinfo=UTC))


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return empty settings, on a machine in Tokyo."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    return load()


@pytest.fixture
def one_round(db: Connection) -> Connection:
    """Return a database with one round, of 2025-10-02 20:00 UTC on supply."""
    add_round(db, add_session(db), [line(1, 1)], match="supply")
    return db


@pytest.mark.parametrize(
    ("text", "rounds", "sessions"),
    [("20", 20, None), ("1 round", 1, None), ("7rounds", 7, None), ("3sessions", None, 3), ("1 session", None, 1),
     (" 5 ", 5, None), ("2s", None, 2)],
)  # fmt: skip
def test_last_counts_rounds_or_sessions(
    one_round: Connection, config: Config, text: str, rounds: int | None, sessions: int | None
) -> None:
    """A number without a unit means rounds."""
    assert options.RoundFilter(last=text).scope(one_round, config) == Scope(
        last_rounds=rounds, last_sessions=sessions
    )


@pytest.mark.parametrize("text", ["0", "-1", "many", "3 weeks", "", "٣", "9999999"])
def test_invalid_last_is_refused(one_round: Connection, config: Config, text: str) -> None:
    """The error shows the two valid forms."""
    with pytest.raises(ConfigError, match="3sessions"):
        options.RoundFilter(last=text).scope(one_round, config)


@pytest.mark.parametrize(
    ("season", "opened", "closed"),
    [
        ("2025-Q1", (2025, 1, 1), (2025, 4, 1)), ("2025q2", (2025, 4, 1), (2025, 7, 1)),
        ("2024-Q4", (2024, 10, 1), (2025, 1, 1)),
    ],
)  # fmt: skip
def test_season_runs_from_midnight_to_midnight(
    season: str, opened: tuple[int, int, int], closed: tuple[int, int, int]
) -> None:
    """Days are in the given zone, with daylight saving time."""
    assert quarter_span(season, SPAN, LJUBLJANA) == (
        datetime(*opened, tzinfo=LJUBLJANA),
        datetime(*closed, tzinfo=LJUBLJANA),
    )


@pytest.mark.parametrize("season", ["2024-Q1", "2026-Q1", "2025-Q5", "autumn", "2025"])
def test_empty_season_names_the_played_ones(season: str) -> None:
    """From the first to the last."""
    with pytest.raises(NotFoundError, match="2024-Q2 to 2025-Q4"):
        quarter_span(season, SPAN, UTC)


def test_seasons_are_listed_newest_first() -> None:
    """Across the turn of the year."""
    listed = quarters_between(*SPAN)
    assert listed == ["2025-Q4", "2025-Q3", "2025-Q2", "2025-Q1", "2024-Q4", "2024-Q3", "2024-Q2"]
    assert [quarter_of(moment) for moment in SPAN] == [listed[-1], listed[0]]


def test_season_and_day_are_intersected(one_round: Connection, config: Config) -> None:
    """The later start and the earlier end; days are in the machine's time."""
    scope = options.RoundFilter(season="2025-Q4", since="2025-10-02", until="2025-10-03").scope(one_round, config)
    assert scope.since == datetime(2025, 10, 1, 15, tzinfo=UTC)
    assert scope.until == datetime(2025, 10, 3, 15, tzinfo=UTC)
    wider = options.RoundFilter(season="2025-Q4", since="2020-01-01", until="2030-01-01").scope(one_round, config)
    assert wider.since == datetime(2025, 9, 30, 15, tzinfo=UTC)
    assert wider.until == datetime(2025, 12, 31, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (options.RoundFilter(), ""),
        (options.RoundFilter(map_name="SUPPLY", season="2025-q4"), " · supply · 2025-Q4"),
        (
            options.RoundFilter(since="2025-10-01", until="today", last="1"),
            " · since 2025-10-01 · until today · last round",
        ),
        (options.RoundFilter(last="20"), " · last 20 rounds"),
        (options.RoundFilter(last="3s"), " · last 3 sessions"),
        (options.RoundFilter(last="1 session"), " · last session"),
    ],
)
def test_title_names_the_selected_rounds(
    one_round: Connection, config: Config, about: options.RoundFilter, words: str
) -> None:
    """Names as stored, times as given."""
    assert about.in_words(about.scope(one_round, config)) == words


def test_map_name_ignores_case(one_round: Connection, config: Config) -> None:
    """SUPPLY is supply; suply is an error with a suggestion."""
    assert options.RoundFilter(map_name="SUPPLY").scope(one_round, config).map_name == "supply"
    with pytest.raises(NotFoundError, match="did you mean supply"):
        options.RoundFilter(map_name="suply").scope(one_round, config)
    with pytest.raises(NotFoundError, match="there are: supply"):
        options.RoundFilter(map_name="xyz").scope(one_round, config)


def test_database_without_rounds_accepts_any_map(db: Connection, config: Config) -> None:
    """Without rounds any map is accepted, and the result is empty."""
    scope = options.RoundFilter(map_name="supply", server="main", season="2025-Q4").scope(db, config)
    assert (scope.map_name, scope.server) == ("supply", "main")


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", ":Asia/Tokyo", "/etc/passwd"])
def test_invalid_tz_does_not_stop_a_query(home: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """An invalid TZ does not stop a query."""
    monkeypatch.setenv("TZ", zone)
    offset = options.zone_of(load()).utcoffset(datetime(2025, 10, 2))  # noqa: DTZ001  # any day will do
    assert offset is not None
    assert zone != ":Asia/Tokyo" or offset.total_seconds() == 9 * 3600


def test_linked_account_selects_its_player(one_round: Connection) -> None:
    """The id alone, or as a mention; an unlinked id is searched as a name."""
    one_round.execute(
        "INSERT INTO player_links (discord_user_id, player_guid) VALUES (123456789012345678, '00000001')"
    )
    assert options.player(one_round, "123456789012345678") == "00000001"
    assert options.player(one_round, "<@!123456789012345678>") == "00000001"
    assert options.player(one_round, "PLAYER1") == "00000001"
    with pytest.raises(NotFoundError):
        options.player(one_round, "99999999999999999")


def test_database_without_players_is_reported(db: Connection) -> None:
    """Not that the name is wrong."""
    with pytest.raises(NotFoundError, match="no players in the database"):
        options.player(db, "bob")


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_name_is_refused(one_round: Connection, name: str) -> None:
    """And the message says how to find one."""
    with pytest.raises(NotFoundError, match="no player name given"):
        options.player(one_round, name)
