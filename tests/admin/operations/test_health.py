"""Health: each thing that can quietly go wrong is seen, told with a way out, and gives exit code 3."""

import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.db import embedded
from etstats.db.embedded import programs
from etstats.db.server_status import record_people
from etstats.demo.generator import generate, write_files
from etstats.pipeline.poll_schedule import note_look
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
QUIET = "[health]\nmax_file_age_days = 100000\n"


@pytest.fixture
def now() -> datetime:
    """The moment of the test."""
    return datetime.now(UTC)


@pytest.fixture
def well(cli: Cli, home: Path, tmp_path: Path, db: psycopg.Connection, now: datetime) -> Cli:
    """A database with a session that ended just now, a backup, and a server that is polled."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    write_files(folder, generate(3, start=now - timedelta(hours=2), files=6, zone="UTC"))
    config = home / ".config" / "etstats"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f'[[servers]]\nname = "main"\npath = "{folder}"\n{QUIET}')
    assert cli("import", folder).code == 0
    assert cli("backup").code == 0
    note_look(db, "main", now, arrived=6, missed=0)
    return cli


def signs(cli: Cli) -> dict[str, str]:
    """What is wrong, by name."""
    done = cli("health", "--json")
    found = json.loads(done.out)
    bad = {sign["name"]: sign["text"] for sign in found["signs"] if not sign["ok"]}
    assert found["ok"] is (not bad)
    assert done.code == (3 if bad else 0)
    return bad


def test_all_well_is_exit_code_0_and_silent_when_quiet(well: Cli) -> None:
    """One screen for a person, nothing for cron."""
    done = well("health")
    assert (done.code, done.err) == (0, ""), done
    assert len(done.out.splitlines()) <= 12
    assert all(line.startswith("ok ") for line in done.out.splitlines())
    quiet = well("-q", "health")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_an_empty_base_is_not_ill(cli: Cli) -> None:
    """Just set up: nothing is wrong yet."""
    assert signs(cli) == {}


def test_quiet_says_what_is_wrong_and_only_that(well: Cli, home: Path) -> None:
    """That is what cron mails."""
    for backup in (home / "data" / "backups").iterdir():
        backup.rename(backup.with_name("etstats-20200101T000000Z.zip"))
    done = well("-q", "health")
    assert done.code == 3
    assert len(done.out.splitlines()) == 1
    assert "cron show" in done.out


@pytest.mark.parametrize(
    ("statement", "name", "told"),
    [
        (
            "WITH unseen AS (UPDATE processed_files SET source_mtime = NULL)"
            " UPDATE rounds SET ended_at = ended_at - interval '400 years'",
            "last file",
            "etstats diagnose",
        ),
        (
            "INSERT INTO posts (server_id, kind, subject, channel, state, reason, created_at) SELECT server_id,"
            " 'round', id, repeat('a', 32), 'unknown', 'lost', now() FROM processed_files LIMIT 2",
            "posts",
            "2 with an unknown fate",
        ),
        (
            "INSERT INTO posts (server_id, kind, subject, channel, state, created_at)"
            " SELECT server_id, 'round', id, repeat('a', 32), 'pending', now() - interval '2 hours'"
            " FROM processed_files LIMIT 1",
            "posts",
            "waiting for over an hour",
        ),
        (
            "INSERT INTO post_channels (channel, gone_at, gone_reason) VALUES (repeat('a', 32), now(), '404')",
            "posts",
            "webhooks gone",
        ),
        ("DELETE FROM rounds WHERE round_number = 2", "counts", "rebuild --verify"),
        (
            "UPDATE server_status SET people = 8, queried_at = now(), people_since = now() - interval '2 hours',"
            " new_file_at = now() - interval '90 minutes'",
            "server main",
            "script writes nothing",
        ),
        (
            "UPDATE server_status SET polled_at = now() - interval '3 hours'",
            "server main",
            "Does cron run?",
        ),
        (
            "UPDATE server_status SET missed = 4, missed_since = now() - interval '2 hours'",
            "server main",
            "4 files cannot be had",
        ),
        (
            "UPDATE processed_files SET source_mtime = extract(epoch FROM processed_at)::bigint + 400",
            "clock main",
            "NTP",
        ),
        (
            "UPDATE processed_files SET source_mtime = source_mtime + 7200, processed_at = processed_at +"
            " interval '3 hours'",
            "clock main",
            "the zone is wrong",
        ),
    ],
)
def test_each_illness_is_seen(well: Cli, db: psycopg.Connection, statement: str, name: str, told: str) -> None:
    """One fault, one sign, with the way out."""
    db.execute(statement)
    db.commit()
    bad = signs(well)
    assert set(bad) == {name}
    assert told in bad[name]


def test_a_new_file_in_quarantine_is_told_and_an_old_one_is_not(
    well: Cli, db: psycopg.Connection, tmp_path: Path
) -> None:
    """What nobody looked at this week; later it is only counted."""
    half = tmp_path / "2025-10-02-232818-supply-round-1.txt"
    half.write_text("half a file")
    well("import", half)
    assert "etstats quarantine list" in signs(well)["quarantine"]
    db.execute("UPDATE processed_files SET processed_at = now() - interval '8 days' WHERE NOT success")
    db.commit()
    assert signs(well) == {}
    assert "1 file" in well("health").out


def test_a_base_that_is_down_is_75(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be said of anything: one line, and cron sees it."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    done = cli("-q", "health")
    assert done.code == 75
    assert "cannot be reached" in done.err


def test_metrics_are_written_whole(well: Cli, tmp_path: Path, db: psycopg.Connection, now: datetime) -> None:
    """A text file for Prometheus, readable by its collector, no half file next to it; a bad place is told."""
    place = tmp_path / "metrics"
    place.mkdir()
    file = place / "etstats.prom"
    assert well("health", "--metrics", file).code == 0
    lines = file.read_text().splitlines()
    assert "etstats_up 1" in lines
    assert "etstats_rounds 6" in lines
    assert 'etstats_sign_ok{sign="server main"} 1' in lines
    assert all(line.startswith(("#", "etstats_")) for line in lines)
    assert [path.name for path in place.iterdir()] == ["etstats.prom"]
    assert file.stat().st_mode & 0o777 == 0o644
    done = well("health", "--metrics", tmp_path / "none" / "x.prom")
    assert (done.code, "metrics_file" in done.err) == (2, True)


def test_people_playing_are_shown(well: Cli, db: psycopg.Connection, now: datetime) -> None:
    """While the game says so."""
    (server_id,) = db.execute("SELECT id FROM servers").fetchone() or (0,)
    record_people(db, server_id, now, 8, playing=True, gap=timedelta(minutes=20))
    db.commit()
    assert "8 playing" in well("health").out


@pytest.fixture
def own_server(cli: Cli, monkeypatch: pytest.MonkeyPatch, reachable_dir: Path) -> Iterator[Cli]:
    """The command line on an embedded server instead of a configured one."""
    folder = Path(tempfile.mkdtemp(dir=reachable_dir))
    folder.chmod(0o711)
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    monkeypatch.setenv("ETSTATS_DATA_DIR", str(folder))
    yield cli
    embedded.stop(folder)


def test_server_older_than_the_installed_programs(own_server: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`db status` names the release, running or not; it and `health` report an older server."""
    installed = embedded.installed_version()
    status = json.loads(own_server("db", "status", "--json").out)
    assert (status["running"], status["server_version"], status["installed_version"]) == (False, None, installed)
    assert f"PostgreSQL  {installed}\n" in own_server("db", "status").out
    assert "PostgreSQL" not in signs(own_server)
    assert f"PostgreSQL  {installed}\n" in own_server("db", "status").out
    newer = (99, embedded.bin_dir())
    monkeypatch.setattr(programs, "_newest", lambda _version: newer)
    assert f"PostgreSQL  {installed}; 18.99 is installed: etstats db stop\n" in own_server("db", "status").out
    assert signs(own_server)["PostgreSQL"] == (
        f"{installed} is running, 18.99 is installed. Restart it: etstats db stop"
    )
