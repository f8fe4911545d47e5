"""Commands that need the whole database while polling runs are active: they wait and get the lock."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from etstats.db.connection import connect
from etstats.db.locks import BACKUP_LOCK_KEY, collecting_lock, has_waiters, run_lock
from etstats.demo.generator import GeneratedFile
from etstats.errors import LockedError
from tests.conftest import CliResult
from tests.pipeline.conftest import Database, Game
from tests.support.processes import HANG_SECONDS, etstats, until

Cli = Callable[..., CliResult]
PATIENCE = int(HANG_SECONDS)  # what has to end ends in this time, far less than its --for


def test_polling_sync_releases_the_lock_for_a_rebuild(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A rebuild reports that it waits, and gets the lock long before the run's end."""
    with etstats("sync", "--poll", "5s", "--for", "1h") as polling:
        until(lambda: database.rounds == len(files))
        done = cli("rebuild", "--yes", "--wait", f"{PATIENCE}s")
        assert done.code == 0, done.err
        assert done.err.count(f"waiting up to {PATIENCE} s for another etstats run to end (") == 1
        assert polling.wait() == 0
    assert cli("rebuild", "--verify").code == 0


@pytest.mark.parametrize("command", ["sync", "import"])
def test_polling_sync_releases_the_lock_for_a_manual_run(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile], command: str
) -> None:
    """A manual run for the same server waits for its turn; without --wait and a terminal it exits at once."""
    paths = [game.root] if command == "import" else []
    with etstats("sync", "--poll", "5s", "--for", "1h") as polling:
        until(lambda: database.rounds == len(files))
        assert cli(command, *paths).code == 75
        done = cli(command, *paths, "--wait", f"{PATIENCE}s")
        assert done.code == 0, done.err
        assert done.err.startswith(f"waiting up to {PATIENCE} s for another etstats run to end (")
        ended = polling.finish()
    assert ended.returncode == 0
    connected = f"main: connected; {len(files)} round files, {len(files)} new"
    assert ended.stderr.splitlines()[:2] == ["polling every 5s", connected]


def test_watch_releases_the_lock_and_continues(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """`watch` releases the lock during the rebuild and continues afterwards."""
    late = files[-1]
    (game.root / late.name).unlink()
    with etstats("watch", "--every", "5s", "--no-post"):
        until(lambda: database.rounds == len(files) - 1)
        done = cli("rebuild", "--yes", "--wait", f"{PATIENCE}s")
        assert done.code == 0, done.err
        game.write(late)
        until(lambda: database.rounds == len(files))


def test_new_sync_does_not_overtake_a_waiting_rebuild(cli: Cli, db: psycopg.Connection, database_url: str) -> None:
    """While a rebuild waits, no new sync gets the lock before it."""
    with connect(database_url) as other:
        with collecting_lock(db, ["east"]):
            assert not has_waiters(db)
            with etstats("rebuild", "--yes", "--wait", f"{PATIENCE}s") as rebuild:
                until(lambda: has_waiters(db))
                with pytest.raises(LockedError, match="on this database"), collecting_lock(other, ["west"]):
                    pytest.fail("a collector overtook the rebuild that waits")
                db.execute("SELECT pg_advisory_unlock_all()")
                db.commit()
                ended = rebuild.finish()
        assert (ended.returncode, f"waiting up to {PATIENCE} s" in ended.stderr) == (0, True), ended.stderr
        with collecting_lock(other, ["west"]):
            assert not has_waiters(db)


@pytest.mark.parametrize(
    "command",
    [
        ("rebuild", "--yes"),
        ("quarantine", "retry"),
        ("quarantine", "discard", "1"),
        ("forget", "{player}", "--yes"),
        ("restore", "latest", "--yes"),
    ],
)
def test_wait_ends_after_the_given_time(
    cli: Cli, game: Game, database: Database, db: psycopg.Connection, command: tuple[str, ...], tmp_path: Path
) -> None:
    """A wait ends after the requested time: exit code 75, nothing done."""
    assert cli("sync").code == 0
    assert cli("backup").code == 0
    before = database.value("SELECT md5(string_agg(alias || guid, ',' ORDER BY guid, alias)) FROM player_aliases")
    guid = database.value("SELECT min(guid) FROM player_aliases")
    arguments = [word.format(player=guid) for word in command]
    with run_lock(db):
        waited = cli(*arguments, "--wait", "0.1s")
        at_once = cli(*arguments, "--wait", "0")
    assert (waited.code, at_once.code) == (75, 75)
    assert "waiting up to" in waited.err
    assert "waiting up to" not in at_once.err
    assert "nother etstats run is active" in waited.err
    assert before == database.value(
        "SELECT md5(string_agg(alias || guid, ',' ORDER BY guid, alias)) FROM player_aliases"
    )


def test_restore_waits_for_a_backup(cli: Cli, game: Game, db: psycopg.Connection) -> None:
    """A restore waits for both locks; an invalid time is refused."""
    assert cli("sync").code == 0
    assert cli("backup").code == 0
    with run_lock(db, BACKUP_LOCK_KEY):
        done = cli("restore", "latest", "--yes", "--wait", "0.1s")
    assert (done.code, done.err.count("waiting up to")) == (75, 1)
    assert cli("restore", "latest", "--yes", "--wait", "soon").code == 2
