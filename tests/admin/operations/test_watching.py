"""Tests of watch with real processes: wrong replies, lost connections and signals."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from etstats.db.locks import collecting_lock
from etstats.demo.generator import GeneratedFile, generate, write_files
from etstats.errors import AccessError, ConfigError, DatabaseError, EtstatsError, LockedError, SourceError
from etstats.pipeline.watch_loop import Stop, stopped_by_signals, watch
from etstats.sync.inotify import folder_events
from tests.support.processes import HANG_SECONDS, Process, etstats, until
from tests.support.sftp_server import TestServer


@pytest.fixture
def files() -> list[GeneratedFile]:
    """Return generated round files, in order."""
    return list(generate(11, start=datetime(2025, 10, 2, 18, tzinfo=UTC), files=4))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the game server's folder."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    return folder


@pytest.fixture
def start(home: Path, database_url: str) -> Iterator[Callable[[str], Process]]:
    """Start `etstats watch` with these settings; it is stopped at the end."""
    environment = {**os.environ, "ETSTATS_DATABASE_URL": database_url}
    with ExitStack() as running:

        def start_watch(settings: str) -> Process:
            config = home / "config.toml"
            config.write_text(settings)
            config.chmod(0o600)
            words = ("--config", config, "watch", "--every", "0.2s", "--no-post")
            return running.enter_context(etstats(*words, env=environment))

        yield start_watch


def until_stored(db: psycopg.Connection, count: int) -> None:
    """Wait until this many rounds are in the database."""

    def are_stored() -> bool:
        with db.transaction():
            return db.execute("SELECT count(*) FROM rounds").fetchone() == (count,)

    until(are_stored)


def stop(process: Process, number: int = signal.SIGTERM) -> str:
    """Stop the process and return its output; it must exit with 0."""
    process.send_signal(number)
    ended = process.finish()
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_files_are_imported_as_they_appear(
    start: Callable[[str], Process],
    root: Path,
    files: list[GeneratedFile],
    db: psycopg.Connection,
    number: int,
) -> None:
    """Existing files are imported, then new ones; a signal ends it with exit code 0 and a message."""
    write_files(root, files[:1])
    process = start(f'[[servers]]\nname = "main"\npath = "{root}"\n')
    until_stored(db, 1)
    write_files(root, files[1:])
    until_stored(db, 4)
    assert "stopped" in stop(process, number)


def test_watch_survives_lost_connections(
    start: Callable[[str], Process],
    root: Path,
    files: list[GeneratedFile],
    db: psycopg.Connection,
    admin: psycopg.Connection,
    tmp_path: Path,
) -> None:
    """After lost server and database connections it continues, and reports each once."""
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
        until(lambda: f"main: imported {files[1].name}" in process.err)  # it says so after it has stored it
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
    assert said.count("main: connected") == 2
    assert said.count("trying again") == 2, "the connection and the database, once each"
    assert said.count("watching, polling") == 2
    assert [line for line in said.splitlines() if line.startswith("main: imported ")] == [
        f"main: imported {file.name}" for file in files
    ]


def test_watch_reports_that_it_waits_for_another_run(
    start: Callable[[str], Process], root: Path, files: list[GeneratedFile], db: psycopg.Connection
) -> None:
    """It waits for another run and starts as soon as that ends."""
    write_files(root, files)
    waiting = "etstats: waiting for another etstats run on this database to end"
    with collecting_lock(db, ["main"]):
        process = start(f'[[servers]]\nname = "main"\npath = "{root}"\n')
        until(lambda: process.err == f"{waiting}\n")
    until_stored(db, 4)
    watching, connected = "watching, polling every 0.2s; stop with Ctrl-C", "main: connected; 4 round files, 4 new"
    assert stop(process).splitlines()[:3] == [waiting, watching, connected]


def test_missing_server_is_reported_at_once(start: Callable[[str], Process], tmp_path: Path) -> None:
    """Without a server in the settings: exit code 2, without waiting."""
    process = start("")
    ended = process.finish()
    assert ended.returncode == 2
    assert "etstats init" in ended.stderr


class _Stops(Stop):
    """A clock that does not wait, counts the waits, and stops after some."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._after = after

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0)
        if len(self.waited) >= self._after:
            self.set()
        return self.is_set()


class Notices:
    """A watcher that records the reasons of interruptions."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bool]] = []

    def __call__(self, reason: str, *, is_wrong: bool = True) -> None:
        self.received.append((reason, is_wrong))


def test_retry_delay_grows_to_a_minute_and_resets() -> None:
    """Retries after 1, 2, 4 ... at most 60 seconds; a successful run resets the delay."""
    stop_ = _Stops(10)
    good_at = 8
    runs = iter(range(100))

    def run() -> EtstatsError | None:
        return None if next(runs) == good_at else SourceError("down")

    assert watch(run, stop_, notice=Notices()) is None
    wishes = [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]
    assert all(0.8 * wish <= waited <= wish for wish, waited in zip(wishes, stop_.waited, strict=True))


@pytest.mark.parametrize("error", [ConfigError("x"), AccessError("x"), EtstatsError("x")])
def test_refused_key_ends_a_start_and_is_retried_later(error: EtstatsError) -> None:
    """A refused key ends it at the start; a key refused later is retried."""

    def refused() -> EtstatsError | None:
        raise error

    with pytest.raises(type(error)):
        watch(refused, _Stops(3), notice=Notices())
    assert watch(lambda: error, _Stops(3), notice=Notices()) is error
    runs = iter([None, error, error, error])
    stop_ = _Stops(3)
    assert watch(lambda: next(runs), stop_, notice=Notices()) is None
    assert len(stop_.waited) == 3


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LockedError("busy"), ("waiting for another etstats run on this database to end", False)),
        (DatabaseError("gone"), ("gone; trying again", True)),
        (DatabaseError("It failed. Undone; run the command again."), ("It failed. Undone; trying again", True)),
    ],
)
def test_errors_of_a_run_are_reported_and_retried(error: EtstatsError, expected: tuple[str, bool]) -> None:
    """A lock held by another run is not reported as an error, a lost database is; both are retried."""

    def ends() -> EtstatsError | None:
        raise error

    notices = Notices()
    assert watch(ends, _Stops(3), notice=notices) is None
    assert notices.received == [expected] * 3


def test_signal_ends_the_current_run() -> None:
    """The event ends the current run, and the signal handlers are restored."""
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals() as stop_:
        of_run = stop_.for_run()
        os.kill(os.getpid(), signal.SIGTERM)
        assert of_run.wait(HANG_SECONDS)
        assert stop_.is_set()
        assert stop_.for_run().is_set()
    assert signal.getsignal(signal.SIGTERM) == before


def test_inotify_reports_a_finished_file(tmp_path: Path) -> None:
    """The event is set for a file that is closed after writing, or moved into the folder."""
    outside = tmp_path / "outside"
    outside.write_text("x")
    folder = tmp_path / "watched"
    folder.mkdir()
    with folder_events(folder) as happened:
        (folder / "one").write_text("x")
        assert happened.wait(HANG_SECONDS)
        happened.clear()
        outside.rename(folder / "two")
        assert happened.wait(HANG_SECONDS)


def test_folder_is_polled_without_inotify(tmp_path: Path) -> None:
    """If inotify is unavailable, the event is never set, and nothing is raised."""
    with folder_events(tmp_path / "missing") as happened:
        assert not happened.is_set()
