"""The schema: invalid rows are rejected, unknown values are NULL, uncounted rounds are excluded."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CliResult
from tests.stats.sessions.rows import add_round, add_session, guid, line

Cli = Callable[..., CliResult]

WRONG = [
    "UPDATE rounds SET file_id = NULL",
    "UPDATE rounds SET file_id = 4711",
    "UPDATE rounds SET held = 'limit' WHERE round_outcome = 'completed'",
    "UPDATE rounds SET held = 'half'",
    "UPDATE rounds SET duration_seconds = 0",
    "UPDATE rounds SET bots = -1",
    "UPDATE rounds SET anonymous = NULL",
    "UPDATE rounds SET is_voided = NULL",
    "UPDATE rounds SET series_id = 4711",
    "UPDATE servers SET timezone = ''",
    "UPDATE servers SET stopwatch = NULL",
    "INSERT INTO series (gaming_session_id, number, score1) SELECT id, 1, 2 FROM sessions",
    "INSERT INTO series (gaming_session_id, number) SELECT id, 0 FROM sessions",
    "INSERT INTO series (gaming_session_id, number) SELECT id, 1 FROM sessions, generate_series(1, 2)",
    "INSERT INTO series (gaming_session_id, number) VALUES (4711, 1)",
    "INSERT INTO player_identities VALUES ('0000aaaa', '0000AAAA')",
    "INSERT INTO player_identities VALUES ('0000AAAA', 'OMNIBOT0')",
    "INSERT INTO player_identities VALUES ('0000AAAA', '0000BBBB'), ('0000AAAA', '0000CCCC')",
    "INSERT INTO corrections (kind, subject) VALUES ('delete', 'x')",
    "INSERT INTO corrections (kind, subject) VALUES ('void', '')",
    "INSERT INTO corrections (kind, subject, undone_at) VALUES ('void', 'x', '2000-01-01')",
    "INSERT INTO player_ratings SELECT '0000AAAA', id, 'x', now(), 25, 0, 1, 1, 0, 1, 0, 1, 0.5, 1 FROM servers",
    "UPDATE player_comprehensive_stats SET gibs = -1",
    "UPDATE player_comprehensive_stats SET time_dead_minutes = -0.1",
    "UPDATE player_comprehensive_stats SET damage_given = NULL",
]


@pytest.fixture
def played(db: psycopg.Connection) -> psycopg.Connection:
    """Two matches of two players, one round each."""
    session_id = add_session(db)
    for minute, match in ((0, "supply"), (20, "goldrush")):
        players = [line(1, 1, kills=6, deaths=3, damage_given=900), line(2, 2, kills=3, deaths=6)]
        add_round(db, session_id, players, minute=minute, match=match)
    db.commit()
    return db


@pytest.mark.parametrize("statement", WRONG)
def test_invalid_rows_are_refused(played: psycopg.Connection, statement: str) -> None:
    """By a key or a CHECK, at the latest at the end of the transaction."""
    with pytest.raises(psycopg.IntegrityError):
        played.execute(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")


def test_file_of_a_round_cannot_be_deleted(played: psycopg.Connection) -> None:
    """A round's file cannot be deleted, so that a listing needs no check of the rounds."""
    played.execute("DELETE FROM processed_files")
    assert played.execute("SELECT count(*) FROM rounds").fetchone() == (0,)


def test_optional_values_can_be_null(played: psycopg.Connection) -> None:
    """All values but identity, weapon sums, damage and time; the ratio of an unknown value is NULL, not 0."""
    nullable = played.execute(
        """SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = 'player_comprehensive_stats'::regclass AND attnum > 0 AND NOT attnotnull
             AND attgenerated = '' AND NOT attisdropped"""
    ).fetchone()
    assert nullable is not None
    sets = ", ".join(f"{column} = NULL" for column in nullable[0])
    played.execute(f"UPDATE player_comprehensive_stats SET {sets}")
    rows = played.execute(
        "SELECT DISTINCT time_dead_ratio, kd_ratio, dpm FROM player_comprehensive_stats WHERE kills = 6"
    )
    assert rows.fetchall() == [(None, 2.0, 90.0)]
    rows = played.execute(
        "SELECT DISTINCT gibs, xp, time_dead_minutes, kills FROM match_summaries WHERE kills = 6"
    )
    assert rows.fetchall() == [(None, None, None, 6)]


def test_uncounted_rounds_are_excluded(cli: Cli, played: psycopg.Connection, tmp_path: Path) -> None:
    """Boards, match sums, careers and records exclude them; the rounds are stored."""
    kills = cli("leaderboard", "--top", "kills", "--csv").out
    assert "12" in kills
    played.execute("UPDATE rounds SET is_voided = true WHERE map_name = 'supply'")
    played.commit()
    counted = cli("leaderboard", "--top", "kills", "--csv").out
    assert counted != kills
    assert "12" not in counted
    assert played.execute("SELECT DISTINCT map_name FROM match_summaries").fetchall() == [("goldrush",)]
    assert played.execute("SELECT count(*) FROM rounds").fetchone() == (2,)
    played.commit()
    assert "supply" not in cli("maps", "--csv").out
    assert "supply" not in cli("records", "--csv").out
    assert guid(1) in cli("player", guid(1), "--json").out
    assert cli("site", "build", tmp_path / "site").code == 0
    pages = [path.read_text() for path in (tmp_path / "site").rglob("*.html") if guid(1) in path.parts]
    assert pages
    assert [page for page in pages if "supply" in page or "goldrush" not in page] == []
    played.execute("UPDATE rounds SET is_voided = true")
    played.commit()
    for command in (["leaderboard", "--top", "kills"], ["maps"], ["records"], ["sessions"], ["rounds"], ["awards"],
                    ["achievements"], ["player", guid(1)], ["season"], ["weapons"],
                    ["site", "build", tmp_path / "site"]):  # fmt: skip
        done = cli(*command)
        assert done.code in (0, 2), (command, done.err)
        assert "fault" not in done.err
