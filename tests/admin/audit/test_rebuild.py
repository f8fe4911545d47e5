"""Rebuild and its proof, through the command line: one transaction, the same result, every difference named."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from etstats.demo.generator import EVERYDAY, generate, write_files
from tests.conftest import CliResult
from tests.importer.world import column, snapshot
from tests.support.files import round_file

Cli = Callable[..., CliResult]


@pytest.fixture
def evenings(tmp_path: Path, cli: Cli) -> Path:
    """Two invented sessions, imported."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    write_files(folder, generate(3, start=start, evenings=2, players=6, maps=(2, 2), quirks=EVERYDAY))
    assert cli("import", folder).code == 0
    return folder


def damage(conn: psycopg.Connection, sql: str) -> None:
    """Change something behind the program's back."""
    with conn.transaction():
        conn.execute(sql)


def test_a_sound_base_agrees_with_its_archive(cli: Cli, evenings: Path) -> None:
    """verify says how many rows agree and exits 0; as JSON it is an empty list."""
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
        ("UPDATE player_aliases SET times_seen = times_seen + 1", "player_aliases", None),
        ("DELETE FROM player_aliases", "player_aliases", None),
        (
            "UPDATE processed_files SET success = false, error_message = 'no', error_line = 0",
            "processed_files",
            "success",
        ),
    ],
)
def test_each_damage_is_named_and_mended(
    cli: Cli, evenings: Path, db: psycopg.Connection, sql: str, table: str, field: str | None
) -> None:
    """verify names table and field of what was changed and changes nothing; rebuild makes it good."""
    before = snapshot(db)
    damage(db, sql)
    damaged = snapshot(db)
    found = cli("rebuild", "--verify", "--json")
    assert found.code == 3
    assert table in {d["table"] for d in json.loads(found.out)}
    assert field is None or field in {d["field"] for d in json.loads(found.out)}
    assert snapshot(db) == damaged
    assert cli("rebuild", "--yes").code == 0
    assert snapshot(db) == before
    assert cli("rebuild", "--verify").code == 0


def test_a_base_emptied_of_everything_derived_is_filled_again(
    cli: Cli, evenings: Path, db: psycopg.Connection
) -> None:
    """The archive alone is enough: without folder and server, all rows come back."""
    before = snapshot(db)
    damage(db, "TRUNCATE rounds, sessions, player_aliases CASCADE")
    assert cli("rebuild").code == 0
    assert snapshot(db) == before


def test_a_range_takes_whole_evenings_and_leaves_the_others(
    cli: Cli, evenings: Path, db: psycopg.Connection
) -> None:
    """--from and --to name days; a session that has a round on one of them is derived whole, no other is."""
    damage(db, "UPDATE player_comprehensive_stats SET gibs = gibs + 1000")
    days = column(db, "SELECT min(round_date)::text FROM rounds GROUP BY gaming_session_id ORDER BY 1")
    assert cli("rebuild", "--from", days[0], "--to", days[0]).code == 0
    sql = "SELECT min(p.gibs) >= 1000 FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id"
    assert column(db, f"{sql} GROUP BY gaming_session_id ORDER BY min(ended_at)") == [False, True]
    assert cli("rebuild", "--verify", "--to", days[0]).code == 0
    assert cli("rebuild", "--verify", "--from", days[1]).code == 3


def test_a_removed_server_keeps_its_time_zone(
    cli: Cli, db: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The zone is stored with the server whenever the settings have it; a corrected one replaces it."""
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


def test_a_wrong_date_is_a_matter_of_usage(cli: Cli) -> None:
    """A day that is none exits 2 before anything is opened."""
    assert cli("rebuild", "--from", "yesterdayish").code == 2


def test_a_file_that_no_longer_reads_goes_to_quarantine(cli: Cli, evenings: Path, db: psycopg.Connection) -> None:
    """What the archive holds is judged again: exit 3, the reason on stderr, its round gone, the rest right."""
    damage(db, "UPDATE processed_files SET content = 'x' WHERE id = (SELECT min(id) FROM processed_files)")
    done = cli("rebuild")
    assert done.code == 3
    assert "truncated: no newline at the end" in done.err
    assert column(db, "SELECT count(*) FROM processed_files WHERE NOT success") == [1]
    assert cli("rebuild", "--verify").code == 0


def test_copies_are_decided_again(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """If a later name came to count by mistake, rebuild lets the earliest count; nothing is counted twice."""
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


def test_readers_see_the_old_numbers_until_the_end(
    cli: Cli, evenings: Path, db: psycopg.Connection, database_url: str
) -> None:
    """While a rebuild is under way a reader sees what was there, whole; after it the new numbers."""
    from etstats.admin.audit.rebuild import RebuildPlan, rebuild
    from tests.importer.world import HOUR, ZONE

    damage(db, "UPDATE player_comprehensive_stats SET gibs = 777")
    seen_by_others: list[tuple[int, int]] = []
    with psycopg.connect(database_url, autocommit=True) as reader:

        def look(_done: int, _total: int) -> None:
            row = reader.execute("SELECT count(*), min(gibs) FROM player_comprehensive_stats").fetchone()
            assert row is not None
            seen_by_others.append(row)

        rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE), look)
        rows = column(db, "SELECT count(*) FROM player_comprehensive_stats")[0]
        assert set(seen_by_others) == {(rows, 777)}
        look(0, 0)
    assert seen_by_others[-1][1] < 777


@pytest.mark.parametrize("evening", [0, 1])
def test_a_killed_rebuild_leaves_the_old_numbers(
    cli: Cli, evenings: Path, db: psycopg.Connection, database_url: str, evening: int
) -> None:
    """SIGKILL in the middle: everything is as it was, and the next rebuild does it."""
    good = snapshot(db)
    damage(db, "UPDATE player_comprehensive_stats SET gibs = gibs + 1")
    before = snapshot(db)
    program = f"""
import os, signal
from datetime import timedelta
from zoneinfo import ZoneInfo
from etstats.db.connection import connect
from etstats.admin.audit.rebuild import RebuildPlan, rebuild
def seen(done, total, calls=[]):
    calls.append(done)
    if len(calls) > {evening}:
        os.kill(os.getpid(), signal.SIGKILL)
plan = RebuildPlan(gap=timedelta(minutes=60), zone_of=lambda _: ZoneInfo("UTC"))
rebuild(connect({database_url!r}), plan, seen)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    _wait_until_alone(db)
    assert snapshot(db) == before
    assert cli("rebuild").code == 0
    assert snapshot(db) == good


def _wait_until_alone(conn: psycopg.Connection) -> None:
    """Until the server has noticed that the killed one is gone."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    deadline = time.monotonic() + 30
    while column(conn, sql + "AND state <> 'idle'")[0]:
        assert time.monotonic() < deadline
        os.sched_yield()
