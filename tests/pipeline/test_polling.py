"""`--poll`: looking again and again over one connection, and over a new one when it broke."""

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
from tests.pipeline.conftest import Base, Game, configure, until
from tests.pipeline.test_sync import cut

Cli = Callable[..., CliResult]


class Run:
    """A polling run in a thread of its own; `report` is there when it has ended."""

    def __init__(self) -> None:
        self.timing = Timing(poll=0.05, until=time.monotonic() + 100)
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
        self._thread.join(60)
        assert self.report is not None
        return self.report


@contextmanager
def polling() -> Iterator[Run]:
    """A run that looks twenty times a second until the block is left."""
    run = Run()
    run.start()
    try:
        yield run
    finally:
        run.end()


def test_file_that_appears_meanwhile_is_imported_over_the_same_connection(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile]
) -> None:
    """A round that ends between two looks is in the database before the run is over; the login was made once."""
    late = files[-1]
    (game.root / late.name).unlink()
    with polling() as run:
        until(lambda: base.rounds == len(files) - 1)
        game.write(late)
        until(lambda: base.rounds == len(files))
    assert run.end().exit_code == 0
    assert game.server.logins == 1
    assert game.server.opened.count(files[0].name) == 1


def test_dropped_connection_is_made_anew_within_the_run(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile], log: Callable[[], str]
) -> None:
    """A reboot in between costs nothing but the time: what came meanwhile is taken, nothing twice."""
    late = files[-1]
    (game.root / late.name).unlink()
    with polling() as run:
        until(lambda: base.rounds == len(files) - 1)
        game.server.drop_all()
        game.write(late)
        until(lambda: base.rounds == len(files))
    assert run.end().exit_code == 0
    assert game.server.logins == 2
    assert all(game.server.opened.count(file.name) == 1 for file in files)


def test_connection_that_breaks_inside_a_file_is_made_anew(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile]
) -> None:
    """The file in which the line broke is read again over the next connection."""
    game.server.faults.drop_in.add(files[3].name)
    with polling() as run:
        until(lambda: game.server.logins >= 2)
        game.server.faults.drop_in.clear()
        until(lambda: base.rounds == len(files))
    assert run.end().exit_code == 0


def test_poll_and_for_on_the_command_line(cli: Cli, game: Game, base: Base, files: list[GeneratedFile]) -> None:
    """`--poll --for` looks more than once and ends by itself, silently with `-q`."""
    done = cli("-q", "sync", "--poll", "0.1s", "--for", "5s")
    assert done == CliResult(code=0, out="", err="")
    assert base.rounds == len(files)
    assert game.server.logins == 1
    assert game.server.listings + game.server.stats > 2


def test_for_without_poll_and_words_that_are_no_time_are_refused(cli: Cli, game: Game) -> None:
    """What cannot be meant is a usage error, before anything is asked of the server."""
    assert cli("sync", "--for", "55s").code == 2
    assert cli("sync", "--poll", "often").code == 2
    assert cli("sync", "--poll", "0s").code == 2
    assert game.server.logins == 0


def test_half_written_file_is_left_for_the_next_look(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile], log: Callable[[], str]
) -> None:
    """A file that is cut at the first listing and whole at the second is a round, and never was in quarantine."""
    last = files[-1]
    game.put(last.name, cut(last), last.mtime)

    def finish() -> None:
        until(lambda: f"not whole yet server=main file={last.name}" in log())
        game.put(last.name, last.content, last.mtime + 1)

    writer = threading.Thread(target=finish)
    writer.start()
    done = cli("-q", "sync")
    writer.join(60)
    assert done == CliResult(code=0, out="", err="")
    assert base.rounds == len(files)
    assert f"quarantined server=main file={last.name}" not in log()


def test_empty_file_that_fills_while_polling_is_taken_when_it_is_whole(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile]
) -> None:
    """The game opens a file, and writes it a moment later: nothing is stored of the moment between."""
    last = files[-1]
    game.put(last.name, b"", last.mtime)
    with polling() as run:
        until(lambda: base.rounds == len(files) - 1 and last.name in game.server.opened)
        game.put(last.name, last.content, last.mtime + 1)
        until(lambda: base.rounds == len(files))
    assert run.end().exit_code == 0
    assert base.names("NOT success") == []


def test_file_rewritten_while_polling_is_taken_again(
    cli: Cli, game: Game, base: Base, files: list[GeneratedFile]
) -> None:
    """A change of content moves no folder's mtime: recent files are looked at one by one."""
    last = files[-1]
    with polling() as run:
        until(lambda: base.rounds == len(files))
        game.put(last.name, last.content, last.mtime + 7)
        until(lambda: base.value(f"SELECT source_mtime FROM processed_files WHERE filename = '{last.name}'") ==
              last.mtime + 7)  # fmt: skip
    assert run.end().exit_code == 0
    assert base.rounds == len(files)


def test_server_that_is_down_at_first_is_reached_later_in_the_run(
    cli: Cli,
    start_server: Callable[..., Game],
    home: Path,
    base: Base,
    files: list[GeneratedFile],
    log: Callable[[], str],
) -> None:
    """A server that refuses at the start of the minute is asked again before the minute is over."""
    game = start_server(at_once=False)
    game.write(*files)
    configure(home, game)
    with polling() as run:
        until(lambda: "connection lost" in log())
        game.begin()
        until(lambda: base.rounds == len(files))
    assert run.end().exit_code == 0
