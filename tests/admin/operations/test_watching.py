"""watch: real processes that are lied to, cut off and told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from etstats.demo.generator import GeneratedFile, generate, write_files
from etstats.errors import AccessError, ConfigError, DatabaseError, EtstatsError, LockedError, SourceError
from etstats.pipeline.watch_loop import Stop, stopped_by_signals, watch
from etstats.sync.inotify import folder_events
from tests.sync.server import TestServer

DEADLINE = 60


@pytest.fixture
def files() -> list[GeneratedFile]:
    """Some invented round files, in order."""
    return list(generate(11, start=datetime(2025, 10, 2, 18, tzinfo=UTC), files=4))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The game server's folder."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    return folder


@pytest.fixture
def start(home: Path, database_url: str) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start `etstats watch` with these settings; it is gone at the end."""
    running: list[subprocess.Popen[str]] = []

    def begin(settings: str) -> subprocess.Popen[str]:
        config = home / "config.toml"
        config.write_text(settings)
        config.chmod(0o600)
        command = [
            sys.executable,
            "-m",
            "etstats",
            "--config",
            str(config),
            "watch",
            "--every",
            "0.2s",
            "--no-post",
        ]
        environment = {**os.environ, "ETSTATS_DATABASE_URL": database_url}
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def until_stored(db: psycopg.Connection, count: int) -> None:
    """Wait until that many rounds are in the database."""
    deadline = time.monotonic() + DEADLINE
    while db.execute("SELECT count(*) FROM rounds").fetchone() != (count,):
        assert time.monotonic() < deadline, f"{count} rounds never came"
        db.rollback()
        time.sleep(0.05)
    db.rollback()


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Ask it to stop, and return what it had said; it must end well."""
    process.send_signal(number)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_folder_is_imported_as_files_come(
    start: Callable[[str], subprocess.Popen[str]],
    root: Path,
    files: list[GeneratedFile],
    db: psycopg.Connection,
    number: int,
) -> None:
    """What lies there, then what comes; a signal ends it with exit code 0 and a word."""
    write_files(root, files[:1])
    process = start(f'[[servers]]\nname = "main"\npath = "{root}"\n')
    until_stored(db, 1)
    write_files(root, files[1:])
    until_stored(db, 4)
    assert "nothing is left half-done" in stop(process, number)


def test_it_survives_a_cut_line_and_a_lost_base(
    start: Callable[[str], subprocess.Popen[str]],
    root: Path,
    files: list[GeneratedFile],
    db: psycopg.Connection,
    admin: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """Every connection cut, then its session at the database ended: it goes on by itself, and says so once."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    write_files(root, files[:1])
    with TestServer(root, keys) as server:
        process = start(
            f'[[servers]]\nname = "main"\nhost = "127.0.0.1"\nport = {server.port}\nuser = "et"\n'
            f'key_file = "{server.key_file}"\nremote_path = "/"\nknown_hosts = "{server.known_hosts}"\n'
        )
        until_stored(db, 1)
        server.drop_all()
        write_files(root, files[1:2])
        until_stored(db, 2)
        name = db.info.dbname
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND application_name = 'etstats' AND pid <> %s",
            (name, db.info.backend_pid),
        ).fetchall()
        assert ended
        write_files(root, files[2:])
        until_stored(db, 4)
        said = stop(process)
    assert said.count("trying again") == 1


def test_a_wrong_start_is_told_at_once(start: Callable[[str], subprocess.Popen[str]], tmp_path: Path) -> None:
    """No server in the settings: exit code 2, and nobody waits."""
    process = start("")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 2
    assert "etstats init" in said


class _Stops(Stop):
    """Waits for no time, counts the waits, and stops after some."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._after = after

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0)
        if len(self.waited) >= self._after:
            self.set()
        return self.is_set()


def test_the_pauses_grow_to_a_minute_and_start_small_again() -> None:
    """1, 2, 4 ... seconds, never more than 60; one good run and they are small again."""
    stop_ = _Stops(10)
    good_at = 8
    runs = iter(range(100))

    def run() -> EtstatsError | None:
        return None if next(runs) == good_at else SourceError("down")

    said: list[str] = []
    watch(run, stop_, tell=said.append)
    wishes = [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]
    assert all(0.8 * wish <= waited <= wish for wish, waited in zip(wishes, stop_.waited, strict=True))
    assert said == ["down; trying again", "it works again", "down; trying again"]


@pytest.mark.parametrize("error", [ConfigError("x"), AccessError("x"), EtstatsError("x")])
def test_what_only_a_person_can_mend_is_raised_at_the_start_and_waited_for_later(error: EtstatsError) -> None:
    """A wrong key at the start ends it; one that is refused after weeks of service is tried again."""
    with pytest.raises(type(error)):
        watch(lambda: error, _Stops(3), tell=lambda _: None)
    runs = iter([None, error, error, error])
    stop_ = _Stops(3)
    watch(lambda: next(runs), stop_, tell=lambda _: None)
    assert len(stop_.waited) == 3


def test_another_run_at_work_is_waited_for_in_silence() -> None:
    """The lock of another run, or a database that raises: no end, and only the database is told of."""
    said: list[str] = []
    watch(lambda: LockedError("busy"), _Stops(3), tell=said.append)
    assert said == []

    def lost() -> EtstatsError | None:
        raise DatabaseError("gone")

    watch(lost, _Stops(3), tell=said.append)
    assert said == ["gone; trying again"]


def test_a_signal_sets_the_event_of_the_run_too() -> None:
    """The run running ends with its own event, and the handlers are put back."""
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals() as stop_:
        of_run = stop_.for_run()
        os.kill(os.getpid(), signal.SIGTERM)
        assert of_run.wait(DEADLINE)
        assert stop_.is_set()
        assert stop_.for_run().is_set()
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_kernel_tells_of_a_finished_file(tmp_path: Path) -> None:
    """Written and closed, or moved in from elsewhere: the event is set."""
    outside = tmp_path / "outside"
    outside.write_text("x")
    folder = tmp_path / "watched"
    folder.mkdir()
    with folder_events(folder) as happened:
        (folder / "one").write_text("x")
        assert happened.wait(DEADLINE)
        happened.clear()
        outside.rename(folder / "two")
        assert happened.wait(DEADLINE)


def test_a_folder_that_cannot_be_watched_is_looked_at_all_the_same(tmp_path: Path) -> None:
    """No watch to be had: the event is never set, and nothing is raised."""
    with folder_events(tmp_path / "missing") as happened:
        assert not happened.is_set()
