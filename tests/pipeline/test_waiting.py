"""Commands that need the whole database next to runs that look again and again: they wait, and get their turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from etstats.db.connection import BACKUP_LOCK_KEY, collecting_lock, connect, is_awaited, run_lock
from etstats.demo.generator import GeneratedFile
from etstats.errors import LockedError
from tests.conftest import CliResult
from tests.pipeline.conftest import Base, Game, until
from tests.pipeline.test_faults import etstats

Cli = Callable[..., CliResult]
ENDED = 60  # seconds in which what has to end ends, far less than it was told to go on for


@contextmanager
def collecting(*arguments: str) -> Iterator[Callable[[], tuple[int, str]]]:
    """A run in a process of its own; calling what is given waits for its end: exit code and stderr."""
    process = etstats(*arguments)

    def end() -> tuple[int, str]:
        said = process.communicate(timeout=ENDED)[1]
        return process.returncode, said

    try:
        yield end
    finally:
        process.kill()
        process.communicate()


def test_a_polling_sync_makes_room(cli: Cli, game: Game, base: Base, files: list[GeneratedFile]) -> None:
    """A rebuild that comes meanwhile says that it waits, and has the database long before the minutes are over."""
    with collecting("sync", "--poll", "5s", "--for", "10m") as sync_end:
        until(lambda: base.rounds == len(files))
        done = cli("rebuild", "--yes", "--wait", f"{ENDED}s")
        assert done.code == 0, done.err
        assert done.err.count("waiting up to 60 s for another etstats run to end (") == 1
        assert sync_end()[0] == 0
    assert cli("rebuild", "--verify").code == 0


def test_a_watch_makes_room_and_goes_on(cli: Cli, game: Game, base: Base, files: list[GeneratedFile]) -> None:
    """It lets the database go for as long as the rebuild takes, and is there for the next round."""
    late = files[-1]
    (game.root / late.name).unlink()
    with collecting("watch", "--every", "5s", "--no-post"):
        until(lambda: base.rounds == len(files) - 1)
        done = cli("rebuild", "--yes", "--wait", f"{ENDED}s")
        assert done.code == 0, done.err
        game.write(late)
        until(lambda: base.rounds == len(files))


def test_who_waits_is_not_overtaken(cli: Cli, db: psycopg.Connection, database_url: str) -> None:
    """While a rebuild waits no new collector comes in, so it need not wait for more than those that were there."""
    with connect(database_url) as other:
        with collecting_lock(db, ["east"]):
            assert not is_awaited(db)
            with collecting("rebuild", "--yes") as rebuild_end:
                until(lambda: is_awaited(db))
                with pytest.raises(LockedError, match="on this database"), collecting_lock(other, ["west"]):
                    pytest.fail("a collector overtook the rebuild that waits")
                db.execute("SELECT pg_advisory_unlock_all()")
                db.commit()
                code, said = rebuild_end()
        assert (code, "waiting up to 30 s" in said) == (0, True), said
        with collecting_lock(other, ["west"]):
            assert not is_awaited(db)


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
def test_patience_ends(
    cli: Cli, game: Game, base: Base, db: psycopg.Connection, command: tuple[str, ...], tmp_path: Path
) -> None:
    """A run that goes on and on is waited for no longer than asked for: exit code 75, and nothing was done."""
    assert cli("sync").code == 0
    assert cli("backup").code == 0
    before = base.value("SELECT md5(string_agg(alias || guid, ',' ORDER BY guid, alias)) FROM player_aliases")
    guid = base.value("SELECT min(guid) FROM player_aliases")
    arguments = [word.format(player=guid) for word in command]
    with run_lock(db):
        waited = cli(*arguments, "--wait", "0.1s")
        at_once = cli(*arguments, "--wait", "0")
    assert (waited.code, at_once.code) == (75, 75)
    assert "waiting up to" in waited.err
    assert "waiting up to" not in at_once.err
    assert "nother etstats run is active" in waited.err
    assert before == base.value(
        "SELECT md5(string_agg(alias || guid, ',' ORDER BY guid, alias)) FROM player_aliases"
    )


def test_a_restore_waits_for_a_backup_as_well(cli: Cli, game: Game, db: psycopg.Connection) -> None:
    """Neither of the two locks is taken without waiting, and a time that is none is refused."""
    assert cli("sync").code == 0
    assert cli("backup").code == 0
    with run_lock(db, BACKUP_LOCK_KEY):
        done = cli("restore", "latest", "--yes", "--wait", "0.1s")
    assert (done.code, done.err.count("waiting up to")) == (75, 1)
    assert cli("restore", "latest", "--yes", "--wait", "soon").code == 2
