"""Tests of sync under cron: idle polling, silence during another run, and the dead man's switch."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.db.server_status import statuses
from etstats.demo.generator import generate, write_files
from tests.conftest import CliResult
from tests.support.game import Game

Cli = Callable[..., CliResult]


@pytest.fixture
def folder(home: Path, tmp_path: Path) -> Path:
    """Return the game server's folder, with settings that use it."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    config = home / ".config" / "etstats"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f'[[servers]]\nname = "main"\npath = "{folder}"\n')
    return folder


def test_polling_slows_when_idle_and_resumes_with_a_file(cli: Cli, folder: Path, db: psycopg.Connection) -> None:
    """Without a new file for the grace time, no poll for ten minutes; after a new file, polls every minute."""
    files = list(generate(2, start=datetime.now(UTC) - timedelta(hours=2), files=2, zone="UTC"))
    write_files(folder, files[:1])
    assert "1 imported" in cli("sync", "--idle-every", "10m").err
    db.execute("UPDATE server_status SET new_file_at = now() - interval '1 hour'")
    db.commit()
    write_files(folder, files[1:])
    resting = cli("sync", "--idle-every", "10m")
    assert (resting.code, "server idle; the next poll is in 10 min" in resting.err) == (0, True)
    assert cli("-q", "sync", "--idle-every", "10m").err == ""
    db.execute("UPDATE server_status SET polled_at = now() - interval '10 minutes'")
    db.commit()
    assert "1 imported" in cli("sync", "--idle-every", "10m").err
    db.rollback()
    new_file_at = statuses(db)["main"].new_file_at
    assert new_file_at is not None
    assert "nothing new" in cli("sync", "--idle-every", "10m").err


def test_reported_players_keep_polling_active(
    cli: Cli, folder: Path, home: Path, game: Callable[..., Game]
) -> None:
    """Players reported by the game keep polling active, and health shows them."""
    running = game(people=6)
    config = home / ".config" / "etstats" / "config.toml"
    config.write_text(config.read_text() + f'query = "{running.address}"\n[sync]\nidle_every = "10m"\n')
    assert cli("sync").code == 0
    assert "nobody plays" not in cli("sync").err
    assert "6 playing" in cli("health").out


def test_since_polls_at_once(cli: Cli, folder: Path) -> None:
    """With `--since` the poll is immediate."""
    cli("sync", "--idle-every", "10m")
    assert "nobody plays" not in cli("sync", "--idle-every", "10m", "--since", "all").err


def test_invalid_duration_is_refused(cli: Cli, folder: Path) -> None:
    """`often` is not a valid duration."""
    done = cli("sync", "--idle-every", "often")
    assert (done.code, "--idle-every" in done.err) == (2, True)


def test_run_ends_at_its_time_limit_and_the_next_continues(
    cli: Cli, folder: Path, home: Path, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the time limit fetched files are kept, and the next run fetches the rest."""
    write_files(folder, generate(2, start=datetime.now(UTC) - timedelta(hours=6), files=8, zone="UTC"))
    moments = iter(range(10_000))
    with monkeypatch.context() as patch:
        # Every read of the clock takes a second of the run's ten.
        patch.setenv("ETSTATS_SYNC_RUN_LIMIT", "10")
        patch.setattr("etstats.sync.job.time.monotonic", lambda: float(next(moments)))
        assert cli("sync").code == 0
    (stored,) = db.execute("SELECT count(*) FROM rounds").fetchone() or (0,)
    assert 0 < stored < 8
    assert cli("sync").code == 0
    db.rollback()
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (8,)
