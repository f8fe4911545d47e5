"""Tests that the board of MVPs counts those of the posts of maps and sessions."""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
import pytest

from etstats.db.connection import connect
from etstats.stats.sessions import match_view, session_view
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Return the URL of the database with the generated sessions."""
    return filled_url


@pytest.fixture
def conn(filled_url: str) -> Iterator[psycopg.Connection]:
    """Return a connection to it."""
    with connect(filled_url) as opened:
        yield opened


def test_board_counts_mvps_of_maps_and_sessions(cli: Cli, conn: psycopg.Connection) -> None:
    """The MVPs of all complete maps and sessions are those of their pages and posts."""
    matches = conn.execute(
        "SELECT server_id, match_id FROM rounds WHERE is_counted GROUP BY 1, 2 HAVING bool_or(round_number = 2)"
    ).fetchall()
    sessions = conn.execute("SELECT DISTINCT gaming_session_id FROM rounds WHERE is_counted").fetchall()
    maps = Counter(view.mvp.player_guid for key in matches if (view := match_view(conn, *key)).mvp)
    of_sessions = Counter(
        session.mvp.player_guid for (key,) in sessions if (session := session_view(conn, key)).mvp
    )
    rows = json.loads(cli("leaderboard", "mvp", "--limit", "999", "--json").out)
    assert {row["player_guid"]: row["value"] for row in rows if row["value"]} == maps
    assert {row["player_guid"]: row["sessions"] for row in rows if row["sessions"]} == of_sessions
    assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    assert all(row["value"] <= row["maps"] <= row["rounds"] for row in rows)


def test_hidden_player_is_not_mvp(cli: Cli) -> None:
    """The next best player of each map is MVP instead; the number of maps does not change."""
    words = ("leaderboard", "mvp", "--limit", "999", "--json")
    before = json.loads(cli(*words).out)
    hidden = before[0]["player_guid"]
    assert cli("hide", hidden).code == 0
    try:
        after = json.loads(cli(*words).out)
    finally:
        assert cli("hide", hidden, "--undo").code == 0
    assert hidden not in {row["player_guid"] for row in after}
    assert sum(row["value"] for row in after) == sum(row["value"] for row in before)
    assert json.loads(cli(*words).out) == before


@pytest.mark.parametrize("option", [("--per", "round"), ("--weapon", "MP40")])
def test_unsupported_option_is_refused(cli: Cli, option: tuple[str, str]) -> None:
    """The error names the option to omit."""
    refused = cli("leaderboard", "mvp", *option)
    assert (refused.code, refused.out) == (2, "")
    assert "leave out --weapon and --per" in refused.err
