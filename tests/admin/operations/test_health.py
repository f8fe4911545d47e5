"""Tests of health: each problem is found, reported with a solution, and exits with 3."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.admin import crontab
from etstats.db import embedded
from etstats.db.embedded import programs
from etstats.db.server_status import record_people, record_poll
from etstats.demo.discord import StandIn
from etstats.demo.generator import generate, write_files
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
QUIET = "[health]\nmax_file_age_days = 10000\n"


@pytest.fixture
def now() -> datetime:
    """Return the current time of the test."""
    return datetime.now(UTC)


@pytest.fixture
def healthy_database(cli: Cli, home: Path, tmp_path: Path, db: psycopg.Connection, now: datetime) -> Cli:
    """Return a healthy database: a session that ended now, a backup, and a polled server."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    write_files(folder, generate(3, start=now - timedelta(hours=2), files=6, zone="UTC"))
    config = home / ".config" / "etstats"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f'[[servers]]\nname = "main"\npath = "{folder}"\n{QUIET}')
    assert cli("import", folder).code == 0
    assert cli("backup").code == 0
    record_poll(db, "main", now, arrived=6, missed=0)
    return cli


def problems_by_name(cli: Cli) -> dict[str, str]:
    """Return the problems by name."""
    done = cli("health", "--json")
    found = json.loads(done.out)
    bad = {sign["name"]: sign["text"] for sign in found["signs"] if not sign["ok"]}
    assert found["ok"] is (not bad)
    assert done.code == (3 if bad else 0)
    return bad


def test_healthy_installation_exits_with_0(healthy_database: Cli) -> None:
    """Without problems: one screen for people, nothing for cron."""
    done = healthy_database("health")
    assert (done.code, done.err) == (0, ""), done
    assert len(done.out.splitlines()) <= 13
    assert all(line.startswith("ok ") for line in done.out.splitlines())
    quiet = healthy_database("-q", "health")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_missing_settings_are_a_finding(cli: Cli) -> None:
    """Without settings it is a finding, as in `config check`; with a server, an empty database is not."""
    assert problems_by_name(cli) == {"servers": "none is configured; run: etstats init"}
    assert "servers: none is configured; run: etstats init" in cli("config", "check").out


def test_new_server_has_no_findings(cli: Cli, home: Path, tmp_path: Path) -> None:
    """A new installation has no findings before the first poll, file and backup."""
    config = home / ".config" / "etstats"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f'[[servers]]\nname = "main"\npath = "{tmp_path}"\n')
    assert problems_by_name(cli) == {}


def test_unreadable_source_is_a_finding_until_the_next_poll(
    healthy_database: Cli, home: Path, tmp_path: Path, db: psycopg.Connection
) -> None:
    """An unreadable or missing folder is a finding after ten minutes; the next successful poll ends it."""
    config = home / ".config" / "etstats" / "config.toml"
    text = config.read_text()
    config.write_text(text.replace(str(tmp_path / "gamestats"), str(tmp_path / "gone")))
    assert healthy_database("sync").code == 75
    assert problems_by_name(healthy_database) == {}
    assert "no answer for" in healthy_database("health").out
    db.execute("UPDATE server_status SET failed_since = now() - interval '11 minutes'")
    db.commit()
    assert "does not exist" in problems_by_name(healthy_database)["server main"]
    db.execute("UPDATE server_status SET failed_since = now(), is_refused = true")
    db.commit()
    assert "does not exist" in problems_by_name(healthy_database)["server main"]
    config.write_text(text)
    assert healthy_database("sync").code == 0
    assert problems_by_name(healthy_database) == {}


def test_entries_without_a_cron_daemon_are_a_finding(
    healthy_database: Cli, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed entries without a running cron are a finding; otherwise the last scheduled run is shown."""
    assert healthy_database("cron", "install").code == 0
    monkeypatch.setattr(crontab, "is_daemon_running", lambda: False)
    assert "no cron daemon is running" in problems_by_name(healthy_database)["cron"]
    monkeypatch.setattr(crontab, "is_daemon_running", lambda: True)
    assert "installed; no run yet" in healthy_database("health").out
    assert healthy_database("-q", "--remind", "24h", "sync").code == 0
    assert "installed; last run" in healthy_database("health").out


def test_scheduled_run_repeats_a_problem_after_a_day(
    healthy_database: Cli, home: Path, db: psycopg.Connection
) -> None:
    """The same problem is mailed once a day, even with other numbers; another problem is mailed separately."""
    scheduled = ("-q", "--remind", "24h", "health")
    db.execute("UPDATE server_status SET polled_at = now() - interval '3 hours'")
    db.commit()
    first = healthy_database(*scheduled)
    assert (first.code, first.out.count("BAD")) == (3, 1)
    db.execute("UPDATE server_status SET polled_at = now() - interval '4 hours'")
    db.commit()
    assert (healthy_database(*scheduled).code, healthy_database(*scheduled).out) == (3, "")
    assert "BAD" in healthy_database("-q", "health").out
    config = home / ".config" / "etstats" / "config.toml"
    text = config.read_text()
    config.write_text("[nonsense]\n")
    for is_listed in (True, False):
        done = healthy_database("-q", "--remind", "24h", "sync")
        assert (done.code, "nonsense" in done.err) == (2, is_listed)
    config.write_text(text)
    (home / ".local" / "state" / "etstats" / "reminders.json").write_text("{broken")
    assert "BAD" in healthy_database(*scheduled).out


def test_database_newer_than_its_backup_is_reported(healthy_database: Cli, db: psycopg.Connection) -> None:
    """A new database and an older backup are a finding with the command to restore; `init` names it too."""
    assert problems_by_name(healthy_database) == {}
    db.execute("UPDATE processed_files SET processed_at = processed_at + interval '1 hour' WHERE id > 1")
    db.commit()
    assert "database" not in problems_by_name(healthy_database)
    db.execute("UPDATE processed_files SET processed_at = now() + interval '1 hour'")
    db.commit()
    backup = Path(re.findall(r"/\S+\.zip", problems_by_name(healthy_database)["database"])[0])
    assert f"run: etstats restore {backup}" in problems_by_name(healthy_database)["database"]
    assert "with 6 rounds" in problems_by_name(healthy_database)["database"]
    db.execute("TRUNCATE processed_files CASCADE")
    db.commit()
    assert "0 rounds, newer than the backup of" in problems_by_name(healthy_database)["database"]
    again = healthy_database("init", "--yes")
    assert (again.code, "Next: etstats restore latest" in again.err) == (0, True)
    backup.write_bytes(b"not a backup")
    assert "database" not in problems_by_name(healthy_database)


def test_server_failure_is_mailed_once_per_reason(
    healthy_database: Cli, home: Path, tmp_path: Path, db: psycopg.Connection
) -> None:
    """`health` does not repeat what `sync` has said, but another reason for the same server is said at once."""
    config = home / ".config" / "etstats" / "config.toml"
    text = config.read_text()
    for folder in ("gone", "lost"):
        config.write_text(text.replace(str(tmp_path / "gamestats"), str(tmp_path / folder)))
        asked = healthy_database("-q", "--remind", "24h", "sync")
        assert (asked.code, asked.err.count(folder)) == (75, 1)
        db.execute("UPDATE server_status SET failed_since = now() - interval '11 minutes'")
        db.commit()
        assert healthy_database("-q", "--remind", "24h", "sync").err == ""
        assert set(problems_by_name(healthy_database)) == {"server main"}
        checked = healthy_database("-q", "--remind", "24h", "health")
        assert (checked.code, checked.out, checked.err) == (3, "", "")
    db.execute("UPDATE server_status SET failure = 'another reason'")
    db.commit()
    assert "another reason" in healthy_database("-q", "--remind", "24h", "health").out


def test_old_bad_file_imported_now_is_not_mailed(healthy_database: Cli, tmp_path: Path) -> None:
    """A bad file of an archive imported now is shown, but not mailed for a week."""
    (tmp_path / "2020-01-01-200000-supply-round-1.txt").write_text("half")
    assert healthy_database("import", tmp_path / "2020-01-01-200000-supply-round-1.txt").code == 3
    assert problems_by_name(healthy_database) == {}
    assert "1 file" in healthy_database("health").out


def test_site_that_is_not_updated_is_a_finding(healthy_database: Cli, home: Path, tmp_path: Path) -> None:
    """A scheduled sync and `health` report a site that cannot be written once, and the next build ends it."""
    root = tmp_path / "a file"
    root.touch()
    config = home / ".config" / "etstats" / "config.toml"
    config.write_text(config.read_text() + f'[site]\npath = "{root}"\n')
    note = home / ".local" / "state" / "etstats" / "site-outdated"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()
    assert "the site was not updated" in healthy_database("-q", "--remind", "24h", "sync").err
    assert problems_by_name(healthy_database) == {}
    os.utime(note, (0, 0))
    assert "etstats site build" in problems_by_name(healthy_database)["site"]
    assert healthy_database("-q", "--remind", "24h", "health").out == ""
    root.unlink()
    assert healthy_database("sync").code == 0
    assert problems_by_name(healthy_database) == {}


def test_quiet_prints_only_findings(healthy_database: Cli, home: Path) -> None:
    """Cron mails the findings."""
    for backup in (home / "data" / "backups").iterdir():
        backup.rename(backup.with_name("etstats-20200101T000000Z.zip"))
    done = healthy_database("-q", "health")
    assert done.code == 3
    assert len(done.out.splitlines()) == 1
    assert "cron show" in done.out


@pytest.mark.parametrize(
    ("statement", "name", "expected"),
    [
        (
            "WITH unseen AS (UPDATE processed_files SET source_mtime = NULL)"
            " UPDATE rounds SET ended_at = ended_at - interval '40 years'",
            "last file",
            "etstats diagnose",
        ),
        (
            "INSERT INTO posts (server_id, kind, subject, channel, state, reason, created_at) SELECT server_id,"
            " 'round', id, repeat('a', 32), 'unknown', 'lost', now() FROM processed_files LIMIT 2",
            "posts",
            "etstats post --resolve all --as sent",
        ),
        (
            "INSERT INTO posts (server_id, kind, subject, channel, state, created_at)"
            " SELECT server_id, 'round', id, repeat('a', 32), 'pending', now() - interval '2 hours'"
            " FROM processed_files LIMIT 1",
            "posts",
            "1 waiting for over an hour: etstats post",
        ),
        (
            "INSERT INTO channel_states (channel, purpose, gone_at, reason)"
            " VALUES (repeat('a', 32), 'post', now(), '404')",
            "posts",
            "1 webhook gone: set a new one with etstats init",
        ),
        ("DELETE FROM rounds WHERE round_number = 2", "counts", "rebuild --verify"),
        (
            "UPDATE server_status SET people = 8, queried_at = now(), people_since = now() - interval '2 hours',"
            " new_file_at = now() - interval '90 minutes'",
            "server main",
            "script does not write files",
        ),
        (
            "UPDATE server_status SET polled_at = now() - interval '3 hours'",
            "server main",
            "Does cron run?",
        ),
        (
            "UPDATE server_status SET missed = 4, missed_since = now() - interval '2 hours'",
            "server main",
            "4 files cannot be fetched",
        ),
        (
            "UPDATE processed_files SET source_mtime = extract(epoch FROM processed_at)::bigint + 400",
            "clock main",
            "NTP",
        ),
        (
            "UPDATE rounds SET ended_at = ended_at - interval '2 hours'",
            "clock main",
            "wrong time zone",
        ),
        (
            "UPDATE server_status SET polled_at = now() + interval '10 years'",
            "clock",
            "the last poll of a server",
        ),
        (
            "INSERT INTO channel_states (channel, purpose, held_until)"
            " VALUES (repeat('a', 32), 'edit', now() + interval '2 days')",
            "clock",
            "a pause of posting",
        ),
        (
            "INSERT INTO post_watermarks SELECT id, 'round', now() + interval '2 days' FROM servers",
            "clock",
            "the start of posting",
        ),
    ],
)
def test_each_problem_is_found(
    healthy_database: Cli, db: psycopg.Connection, statement: str, name: str, expected: str
) -> None:
    """Each fault gives one sign with a solution."""
    db.execute(statement)
    db.commit()
    bad = problems_by_name(healthy_database)
    assert set(bad) == {name}
    assert expected in bad[name]


def test_quarantined_file_is_a_finding_for_a_week(
    healthy_database: Cli, db: psycopg.Connection, tmp_path: Path
) -> None:
    """Unhandled quarantined files are a finding for a week; later they are only counted."""
    half = tmp_path / f"{datetime.now(UTC):%Y-%m-%d}-232818-supply-round-1.txt"
    half.write_text("half a file")
    healthy_database("import", half)
    assert "etstats quarantine list" in problems_by_name(healthy_database)["quarantine"]
    db.execute("UPDATE processed_files SET processed_at = now() - interval '8 days' WHERE NOT success")
    db.commit()
    assert problems_by_name(healthy_database) == {}
    assert "1 file" in healthy_database("health").out


def test_unreachable_database_exits_with_75(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the database is down: one line, and cron reports it."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    done = cli("-q", "health")
    assert done.code == 75
    assert "cannot be reached" in done.err


def test_future_backup_does_not_hide_an_old_one(
    healthy_database: Cli, db: psycopg.Connection, tmp_path: Path
) -> None:
    """A backup dated in the future is reported and ignored."""
    (newest,) = tmp_path.rglob("etstats-*.zip")
    newest.rename(newest.with_name("etstats-20360101T000000Z.zip"))
    db.execute("UPDATE processed_files SET processed_at = processed_at - interval '90 days'")
    db.commit()
    bad = problems_by_name(healthy_database)
    assert "etstats-20360101T000000Z.zip" in bad["clock"]
    assert "none in" in bad["backup"]


def test_findings_are_posted_to_the_admin_channel(
    healthy_database: Cli, home: Path, db: psycopg.Connection, now: datetime
) -> None:
    """`health` posts its findings, and edits the message when they are resolved."""
    with StandIn() as discord:
        path = home / ".config" / "etstats" / "config.toml"
        path.chmod(0o600)
        path.write_text(path.read_text() + f'[discord]\nadmin_webhook_url = "{discord.add_webhook().url}"\n')
        assert healthy_database("-q", "health").code == 0
        assert discord.requests == []
        db.execute("UPDATE server_status SET polled_at = now() - interval '3 hours'")
        db.commit()
        assert healthy_database("health").code == 3
        assert healthy_database("health").code == 3
        (message,) = discord.posts
        assert "server main" in message.payload["embeds"][0]["fields"][0]["name"]
        record_poll(db, "main", now, arrived=0, missed=0)
        assert healthy_database("health").code == 0
        assert (message.payload["embeds"][0]["title"], message.edits) == ("Resolved", 1)
        assert not discord.violations


def test_metrics_are_written_atomically(
    healthy_database: Cli, tmp_path: Path, db: psycopg.Connection, now: datetime
) -> None:
    """The metrics file is readable by its collector and written atomically; a bad path is reported."""
    place = tmp_path / "metrics"
    place.mkdir()
    file = place / "etstats.prom"
    assert healthy_database("health", "--metrics", file).code == 0
    lines = file.read_text().splitlines()
    assert "etstats_up 1" in lines
    assert "etstats_rounds 6" in lines
    assert 'etstats_sign_ok{sign="server main"} 1' in lines
    assert all(line.startswith(("#", "etstats_")) for line in lines)
    assert [path.name for path in place.iterdir()] == ["etstats.prom"]
    assert file.stat().st_mode & 0o777 == 0o644
    done = healthy_database("health", "--metrics", tmp_path / "none" / "x.prom")
    assert (done.code, "metrics_file" in done.err) == (2, True)


def test_online_players_are_shown(healthy_database: Cli, db: psycopg.Connection, now: datetime) -> None:
    """Players on the server are shown while the game reports them."""
    record_people(db, "main", now, 8, playing=True, gap=timedelta(minutes=20))
    db.commit()
    assert "8 playing" in healthy_database("health").out


@pytest.fixture
def own_server(cli: Cli, monkeypatch: pytest.MonkeyPatch, reachable_dir: Path) -> Iterator[Cli]:
    """Run the command line on an embedded server instead of a configured one."""
    folder = Path(tempfile.mkdtemp(dir=reachable_dir))
    folder.chmod(0o711)
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    monkeypatch.setenv("ETSTATS_DATA_DIR", str(folder))
    yield cli
    embedded.stop(folder)


def test_server_older_than_the_installed_programs(own_server: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`db status` shows the version, running or not; it and `health` report an older running server."""
    installed = embedded.installed_version()
    status = json.loads(own_server("db", "status", "--json").out)
    assert (status["running"], status["server_version"], status["installed_version"]) == (False, None, installed)
    assert f"PostgreSQL  {installed}\n" in own_server("db", "status").out
    assert "PostgreSQL" not in problems_by_name(own_server)
    assert f"PostgreSQL  {installed}\n" in own_server("db", "status").out
    newer = (99, embedded.bin_dir())
    monkeypatch.setattr(programs, "_newest", lambda _version: newer)
    assert f"PostgreSQL  {installed}; 18.99 is installed: etstats db stop\n" in own_server("db", "status").out
    assert problems_by_name(own_server)["PostgreSQL"] == (
        f"{installed} is running, 18.99 is installed. Restart it: etstats db stop"
    )
