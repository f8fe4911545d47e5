"""`--poll`: repeated polls over one connection, and reconnects."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from etstats import logs
from etstats.config.loader import load
from etstats.demo.generator import GeneratedFile
from etstats.pipeline import sync_run
from etstats.pipeline.report import Report
from etstats.sync.job import Timing
from tests.conftest import CliResult
from tests.pipeline.conftest import Database, Game, configure
from tests.support.files import cut
from tests.support.processes import HANG_SECONDS, until

Cli = Callable[..., CliResult]


class Run:
    """A polling run in a thread; `report` is set when it has ended."""

    def __init__(self) -> None:
        self.timing = Timing(poll=0.05, until=time.monotonic() + 10 * HANG_SECONDS)
        self.report: Report | None = None
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        config = load()
        logs.configure(config.log, config.state_dir, (), -1)
        self.report = sync_run.sync(config, now=datetime.now(UTC), timing=self.timing)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> Report:
        self.timing.stop.set()
        self._thread.join(HANG_SECONDS)
        assert self.report is not None
        return self.report


@contextmanager
def polling() -> Iterator[Run]:
    """A run that polls twenty times a second until the block ends."""
    run = Run()
    run.start()
    try:
        yield run
    finally:
        run.end()


def test_new_file_is_imported_over_the_same_connection(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A file that appears between two polls is imported during the run, with one login."""
    late = files[-1]
    (game.root / late.name).unlink()
    with polling() as run:
        until(lambda: database.rounds == len(files) - 1)
        game.write(late)
        until(lambda: database.rounds == len(files))
    assert run.end().exit_code == 0
    assert game.server.logins == 1
    assert game.server.opened.count(files[0].name) == 1


def test_lost_connection_is_reopened(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile], log: Callable[[], str]
) -> None:
    """After a reconnect, files that appeared meanwhile are imported once."""
    late = files[-1]
    (game.root / late.name).unlink()
    with polling() as run:
        until(lambda: database.rounds == len(files) - 1)
        game.server.drop_all()
        game.write(late)
        until(lambda: database.rounds == len(files))
    assert run.end().exit_code == 0
    assert game.server.logins == 2
    assert all(game.server.opened.count(file.name) == 1 for file in files)


def test_connection_lost_inside_a_file_is_reopened(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """An incomplete file is fetched again over the next connection."""
    game.server.faults.drop_in.add(files[3].name)
    with polling() as run:
        until(lambda: game.server.logins >= 2)
        game.server.faults.drop_in.clear()
        until(lambda: database.rounds == len(files))
    assert run.end().exit_code == 0


def test_poll_and_for_options_limit_the_run(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """`--poll --for` polls more than once and ends, silently with `-q`."""
    done = cli("-q", "sync", "--poll", "0.1s", "--for", "5s")
    assert done == CliResult(code=0, out="", err="")
    assert database.rounds == len(files)
    assert game.server.logins == 1
    assert game.server.listings + game.server.stats > 2


def test_invalid_poll_options_are_refused(cli: Cli, game: Game) -> None:
    """Invalid options are an error before the server is contacted."""
    assert cli("sync", "--for", "55s").code == 2
    assert cli("sync", "--poll", "often").code == 2
    assert cli("sync", "--poll", "0s").code == 2
    assert game.server.logins == 0


def test_partial_file_waits_for_the_next_poll(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile], log: Callable[[], str]
) -> None:
    """A file truncated in the first listing and complete in the second never goes to quarantine."""
    last = files[-1]
    game.put(last.name, cut(last), last.mtime)

    def finish(listing: int) -> None:
        if listing == 2:
            game.put(last.name, last.content, last.mtime + 1)

    game.server.faults.before_listing = finish
    assert cli("-q", "sync") == CliResult(code=0, out="", err="")
    assert database.rounds == len(files)
    assert f"not whole yet server=main file={last.name}" in log()
    assert f"quarantined server=main file={last.name}" not in log()


def test_empty_file_is_imported_when_it_is_complete(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """A file that is empty at first is stored only when it is complete."""
    last = files[-1]
    game.put(last.name, b"", last.mtime)
    with polling() as run:
        until(lambda: database.rounds == len(files) - 1 and last.name in game.server.opened)
        game.put(last.name, last.content, last.mtime + 1)
        until(lambda: database.rounds == len(files))
    assert run.end().exit_code == 0
    assert database.names("NOT success") == []


def test_rewritten_file_is_fetched_again(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """Recent files are checked one by one, because a rewrite does not change the folder's mtime."""
    last = files[-1]
    with polling() as run:
        until(lambda: database.rounds == len(files))
        game.put(last.name, last.content, last.mtime + 7)
        until(lambda: database.value(f"SELECT source_mtime FROM processed_files WHERE filename = '{last.name}'") ==
              last.mtime + 7)  # fmt: skip
    assert run.end().exit_code == 0
    assert database.rounds == len(files)


def test_unreachable_server_is_retried(
    cli: Cli,
    start_server: Callable[..., Game],
    home: Path,
    database: Database,
    files: list[GeneratedFile],
    log: Callable[[], str],
) -> None:
    """A server that refuses connections at first is retried during the run."""
    game = start_server(at_once=False)
    game.write(*files)
    configure(home, game)
    with polling() as run:
        until(lambda: "connection lost" in log())
        game.begin()
        until(lambda: database.rounds == len(files))
    assert run.end().exit_code == 0
