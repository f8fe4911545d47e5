"""Several at once on one database: collectors of different servers, machines that want the same one, odd
clocks."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.config.loader import load
from etstats.db.connection import connect
from etstats.db.locks import collecting_lock, run_lock
from etstats.demo.generator import GeneratedFile, Quirks, generate, write_files
from etstats.errors import LockedError
from etstats.pipeline.sync_run import sync
from tests.conftest import CliResult
from tests.support.processes import Process, etstats
from tests.support.scene import START

Cli = Callable[..., CliResult]
TEMPORARY = 75


def _files(count: int, seed: int = 1) -> list[GeneratedFile]:
    return list(generate(seed, start=START, files=count, zone="UTC", quirks=Quirks()))


def _import(folder: Path, server: str) -> Process:
    return etstats("import", folder, "--server", server)


def test_imports_of_two_servers_run_at_the_same_time(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """The same players on two servers, files in any order: both processes finish, and all counts are right."""
    dice, folders = random.Random(3), {}
    for server in ("east", "west"):
        files = _files(120)
        dice.shuffle(files)
        folders[server] = [tmp_path / f"{server}-{part}" for part in range(2)]
        for part, folder in enumerate(folders[server]):
            folder.mkdir()
            write_files(folder, files[part::2])
    for part in range(2):
        with _import(folders["east"][part], "east") as east, _import(folders["west"][part], "west") as west:
            for ended in (east.finish(), west.finish()):
                assert ended.returncode == 0, ended.stderr
    counted = db.execute(
        "SELECT s.name, count(*) FROM rounds r JOIN servers s ON s.id = server_id GROUP BY 1 ORDER BY 1"
    )
    assert counted.fetchall() == [("east", 120), ("west", 120)]
    assert cli("rebuild", "--verify").code == 0


def test_two_machines_with_the_same_server_import_each_file_once(
    cli: Cli, db: psycopg.Connection, tmp_path: Path
) -> None:
    """One imports; the other exits with 75 or finds nothing to do."""
    write_files(tmp_path, _files(60))
    with _import(tmp_path, "main") as one, _import(tmp_path, "main") as other:
        codes = [one.wait(), other.wait()]
    assert 0 in codes
    assert set(codes) <= {0, TEMPORARY}
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (60,)
    assert cli("rebuild", "--verify").code == 0


def test_server_locks_are_shared_and_the_database_lock_is_exclusive(
    database_url: str, db: psycopg.Connection
) -> None:
    """Locks of two servers can be held together; the same server twice, or the database, cannot."""
    with connect(database_url) as other:
        with collecting_lock(db, ["east"]), collecting_lock(other, ["west", "north"]):
            pass
        with collecting_lock(db, ["east", "west"]):
            with pytest.raises(LockedError, match="Another etstats run is active for west"):
                with collecting_lock(other, ["north", "west"]):
                    pytest.fail("both collect west")
            with pytest.raises(LockedError, match="on this database"), run_lock(other):
                pytest.fail("a rebuild next to a collector")
        with run_lock(db), pytest.raises(LockedError, match="on this database"), collecting_lock(other, ["east"]):
            pytest.fail("a collector next to a rebuild")
        with run_lock(other):
            assert db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("jump", [timedelta(days=4000), timedelta(days=-4000)])
def test_clock_jump_loses_no_file(
    cli: Cli, db: psycopg.Connection, home: Path, tmp_path: Path, jump: timedelta
) -> None:
    """Our clock is far ahead or behind for one run: later files are imported once."""
    folder, files = tmp_path / "gamestats", _files(20)
    folder.mkdir()
    settings = home / "jump.toml"
    settings.write_text(f'[[servers]]\nname = "main"\npath = "{folder}"\n')
    config, now = load(settings), datetime(2025, 10, 3, tzinfo=UTC)
    for upto, moment in (
        (5, now),
        (10, now + jump),
        (15, now + timedelta(hours=1)),
        (20, now + timedelta(hours=2)),
    ):
        write_files(folder, files[:upto])
        sync(config, now=moment)
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (20,)
    assert cli("rebuild", "--verify").code == 0
