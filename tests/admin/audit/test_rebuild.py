"""Tests of rebuild and its --verify: one transaction, equal results, all differences listed."""

import json
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from etstats.demo.generator import EVERYDAY, generate, write_files
from etstats.stats import ratings
from tests.conftest import CliResult
from tests.importer.world import column, snapshot
from tests.support.files import round_file
from tests.support.processes import run, until

Cli = Callable[..., CliResult]


@pytest.fixture
def sessions(tmp_path: Path, cli: Cli) -> Path:
    """Import two generated sessions."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    write_files(folder, generate(3, start=start, sessions=2, players=6, maps=(2, 2), quirks=EVERYDAY))
    assert cli("import", folder).code == 0
    return folder


def damage(conn: psycopg.Connection, sql: str) -> None:
    """Change a stored row directly."""
    with conn.transaction():
        conn.execute(sql)


def test_verify_accepts_a_correct_database(cli: Cli, sessions: Path) -> None:
    """verify reports the number of equal rows and exits with 0; the JSON document is an empty list."""
    done = cli("rebuild", "--verify")
    assert done.code == 0
    assert "rows agree with the archive" in done.err
    assert json.loads(cli("rebuild", "--verify", "--json").out) == []


@pytest.mark.parametrize(
    ("sql", "table", "field"),
    [
        ("UPDATE player_comprehensive_stats SET gibs = gibs + 1", "player_comprehensive_stats", "gibs"),
        ("DELETE FROM player_comprehensive_stats", "player_comprehensive_stats", "player"),
        (
            "DELETE FROM weapon_comprehensive_stats WHERE weapon_name = 'MP40'",
            "weapon_comprehensive_stats",
            "MP40",
        ),
        ("UPDATE weapon_comprehensive_stats SET shots = shots + 1", "weapon_comprehensive_stats", None),
        ("UPDATE rounds SET winner_team = 0, round_outcome = 'unknown', held = NULL", "rounds", "winner_team"),
        ("UPDATE rounds SET round1_id = NULL", "rounds", "round1_id"),
        ("UPDATE rounds SET ended_at = ended_at + interval '1 second'", "rounds", "ended_at"),
        ("DELETE FROM rounds WHERE round_number = 2", "rounds", "file_id"),
        ("UPDATE rounds SET gaming_session_id = (SELECT min(id) FROM sessions)", "rounds", "gaming_session_id"),
        ("UPDATE session_teams SET team = 3 - team", "session_teams", None),
        ("DELETE FROM session_teams", "session_teams", None),
        ("UPDATE series SET score1 = 99", "series", None),
        ("DELETE FROM series", "series", None),
        ("INSERT INTO series (gaming_session_id, number) SELECT id, 9 FROM sessions", "series", None),
        ("UPDATE series_teams SET name = 'other'", "series", None),
        ("DELETE FROM series_teams WHERE team = 1", "series", None),
        ("UPDATE rounds SET series_id = NULL", "rounds", "series_id"),
        ("UPDATE rounds SET axis_team = 3 - axis_team", "rounds", "axis_team"),
        ("UPDATE player_aliases SET times_seen = times_seen + 1", "player_aliases", None),
        ("DELETE FROM player_aliases", "player_aliases", None),
        (
            "UPDATE processed_files SET success = false, error_message = 'no', error_line = 0",
            "processed_files",
            "success",
        ),
    ],
)
def test_verify_reports_and_rebuild_repairs_each_damage(
    cli: Cli, sessions: Path, db: psycopg.Connection, sql: str, table: str, field: str | None
) -> None:
    """verify reports table and field of a change without repairing it; rebuild repairs it."""
    before = snapshot(db)
    damage(db, sql)
    damaged = snapshot(db)
    found = cli("rebuild", "--verify", "--json")
    assert found.code == 3
    assert table in {difference["table"] for difference in json.loads(found.out)}
    assert field is None or field in {difference["field"] for difference in json.loads(found.out)}
    assert snapshot(db) == damaged
    assert cli("rebuild", "--yes").code == 0
    assert snapshot(db) == before
    assert cli("rebuild", "--verify").code == 0


@pytest.mark.parametrize(
    "sql", ["UPDATE player_ratings SET mu = mu + 0.1 WHERE position = 2", "DELETE FROM player_ratings"]
)
def test_verify_reports_and_rebuild_repairs_ratings(
    cli: Cli, sessions: Path, db: psycopg.Connection, sql: str
) -> None:
    """verify compares ratings as far as they are up to date; rebuild computes them again."""
    assert cli("rebuild", "--verify").code == 0
    assert ratings.update(db) > 0
    assert cli("rebuild", "--verify").code == 0
    damage(db, sql)
    found = cli("rebuild", "--verify", "--json")
    assert found.code == 3
    assert {difference["table"] for difference in json.loads(found.out)} == {"player_ratings"}
    assert cli("rebuild", "--yes").code == 0
    assert cli("rebuild", "--verify").code == 0


def test_rebuild_restores_all_derived_rows(cli: Cli, sessions: Path, db: psycopg.Connection) -> None:
    """A rebuild needs only the archive, no folder and no server."""
    before = snapshot(db)
    damage(db, "TRUNCATE rounds, sessions, player_aliases CASCADE")
    assert cli("rebuild").code == 0
    assert snapshot(db) == before


def test_range_selects_complete_sessions(cli: Cli, sessions: Path, db: psycopg.Connection) -> None:
    """--from and --to select days; a session with a round on one of them is derived completely, others are not."""
    damage(db, "UPDATE player_comprehensive_stats SET gibs = gibs + 1000")
    days = column(db, "SELECT min(round_date)::text FROM rounds GROUP BY gaming_session_id ORDER BY 1")
    assert cli("rebuild", "--from", days[0], "--to", days[0]).code == 0
    sql = "SELECT min(p.gibs) >= 1000 FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id"
    assert column(db, f"{sql} GROUP BY gaming_session_id ORDER BY min(ended_at)") == [False, True]
    assert cli("rebuild", "--verify", "--to", days[0]).code == 0
    assert cli("rebuild", "--verify", "--from", days[1]).code == 3


def test_removed_server_keeps_its_time_zone(
    cli: Cli, db: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time zone of a server in the settings is stored; a changed one replaces it."""
    settings = tmp_path / "config.toml"
    monkeypatch.setenv("ETSTATS_CONFIG", str(settings))
    folder = tmp_path / "gamestats"
    folder.mkdir()
    write_files(folder, generate(7, start=datetime(2025, 10, 2, 18, 0, tzinfo=UTC), files=4))

    def configure(zone: str | None) -> None:
        server = f'[[servers]]\nname = "main"\npath = "{folder}"\ntimezone = "{zone}"\n'
        settings.write_text(server if zone else "")

    for zone in ("America/New_York", "Asia/Tokyo"):
        configure(zone)
        assert cli("import", folder, "--server", "main").code == 0
        assert cli("rebuild", "--yes").code == 0
        db.rollback()
        assert db.execute("SELECT timezone FROM servers").fetchone() == (zone,)
    before = snapshot(db)
    db.rollback()
    configure(None)
    assert cli("rebuild", "--verify").code == 0
    assert cli("import", folder, "--server", "main").code == 0
    assert cli("rebuild", "--yes").code == 0
    assert snapshot(db) == before
    assert db.execute("SELECT timezone FROM servers").fetchone() == ("Asia/Tokyo",)


def test_invalid_date_is_a_usage_error(cli: Cli) -> None:
    """An invalid day exits with 2 before the database is opened; `today` and `yesterday` are accepted."""
    assert cli("rebuild", "--from", "yesterdayish").code == 2
    assert cli("rebuild", "--from", "yesterday", "--to", "today").code == 0


def test_unreadable_archived_file_goes_to_quarantine(cli: Cli, sessions: Path, db: psycopg.Connection) -> None:
    """Archived files are checked again: exit 3, the reason on stderr, the round removed, others correct."""
    damage(db, "UPDATE processed_files SET content = 'x' WHERE id = (SELECT min(id) FROM processed_files)")
    done = cli("rebuild")
    assert done.code == 3
    assert "truncated: no newline at the end" in done.err
    assert column(db, "SELECT count(*) FROM processed_files WHERE NOT success") == [1]
    assert cli("rebuild", "--verify").code == 0


def test_rebuild_makes_the_earliest_name_count(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """If a later name counts by mistake, rebuild makes the earliest name count; nothing counts twice."""
    one = round_file("2025-10-02-213000")
    for name in (one.name, "2025-10-02-220000-supply-round-1.txt"):
        (tmp_path / name).write_bytes(one.content)
    assert cli("import", tmp_path).code == 0
    before = snapshot(db)
    copy = "(SELECT max(id) FROM processed_files)"
    damage(db, f"UPDATE processed_files SET duplicate_of = CASE WHEN id < {copy} THEN {copy} END")
    damage(db, f"UPDATE rounds SET file_id = {copy}")
    assert cli("rebuild", "--verify").code == 3
    assert cli("rebuild").code == 0
    assert snapshot(db) == before


def test_readers_see_old_rows_until_the_commit(
    cli: Cli, sessions: Path, db: psycopg.Connection, database_url: str
) -> None:
    """During a rebuild a reader sees the old rows; after it the new ones."""
    from etstats.admin.audit.archived_sessions import RebuildPlan
    from etstats.admin.audit.rebuild import rebuild
    from tests.importer.world import HOUR, ZONE

    damage(db, "UPDATE player_comprehensive_stats SET gibs = 777")
    seen_by_others: list[tuple[int, int]] = []
    with psycopg.connect(database_url, autocommit=True) as reader:

        def read_during_rebuild(_done: int, _total: int) -> None:
            row = reader.execute("SELECT count(*), min(gibs) FROM player_comprehensive_stats").fetchone()
            assert row is not None
            seen_by_others.append(row)

        rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE), read_during_rebuild)
        rows = column(db, "SELECT count(*) FROM player_comprehensive_stats")[0]
        assert set(seen_by_others) == {(rows, 777)}
        read_during_rebuild(0, 0)
    assert seen_by_others[-1][1] < 777


@pytest.mark.parametrize("session", [0, 1])
def test_killed_rebuild_changes_nothing(
    cli: Cli, sessions: Path, db: psycopg.Connection, database_url: str, session: int
) -> None:
    """SIGKILL during a rebuild changes nothing, and the next rebuild succeeds."""
    good = snapshot(db)
    damage(db, "UPDATE player_comprehensive_stats SET gibs = gibs + 1")
    before = snapshot(db)
    program = f"""
import os, signal
from datetime import timedelta
from zoneinfo import ZoneInfo
from etstats.db.connection import connect
from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
def seen(done, total, calls=[]):
    calls.append(done)
    if len(calls) > {session}:
        os.kill(os.getpid(), signal.SIGKILL)
plan = RebuildPlan(gap=timedelta(minutes=60), zone_of=lambda _: ZoneInfo("UTC"))
rebuild(connect({database_url!r}), plan, seen)
"""
    killed = run([sys.executable, "-c", program])
    assert killed.returncode == -signal.SIGKILL
    _wait_until_alone(db)
    assert snapshot(db) == before
    assert cli("rebuild").code == 0
    assert snapshot(db) == good


def _wait_until_alone(conn: psycopg.Connection) -> None:
    """Wait until the server has noticed the end of the killed process."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    until(lambda: not column(conn, sql + "AND state <> 'idle'")[0])
