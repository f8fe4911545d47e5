"""A folder that is as the last run left it is not listed again; whatever may have changed is seen all the same."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.demo.generator import GeneratedFile, Quirks, generate_evening
from tests.conftest import CliResult
from tests.pipeline.conftest import START, ZONE, Base, Game, configure

Cli = Callable[..., CliResult]


@pytest.fixture
def settled(cli: Cli, game: Game, base: Base, db: psycopg.Connection, files: list[GeneratedFile]) -> Game:
    """A server that was synced, and whose folder had stood still for a while when it was listed."""
    long_ago = files[-1].mtime + 3600
    os.utime(game.root, (long_ago, long_ago))
    assert cli("sync").code == 0
    with db.transaction():
        db.execute("UPDATE listing_states SET first_seen = first_seen - 10")
    game.server.listings = 0
    game.server.opened.clear()
    return game


def test_unchanged_folder_is_not_listed(cli: Cli, settled: Game) -> None:
    """The next run asks for the folder's time, and for nothing else."""
    done = cli("sync")
    assert (done.code, settled.server.listings) == (0, 0)
    assert "nothing new" in done.err
    assert cli("-q", "sync", "--post") == CliResult(code=0, out="", err="")
    assert settled.server.listings == 0


def test_new_file_is_seen(cli: Cli, settled: Game, base: Base) -> None:
    """A file that came moves the folder's time."""
    late = generate_evening(
        61, start=START + timedelta(hours=2), zone=ZONE, players=4, maps=(1, 1), quirks=Quirks()
    )
    settled.write(*late.files)
    assert cli("sync").code == 0
    assert {f.name for f in late.files} == set(settled.server.opened)


def test_changed_content_is_seen(
    cli: Cli, settled: Game, base: Base, db: psycopg.Connection, files: list[GeneratedFile]
) -> None:
    """A young file that is written to again moves its own time only: it is polled by itself."""
    last = files[-1]
    with db.transaction():
        recent = f'[["{last.name}", {len(last.content)}, {last.mtime}]]'
        db.execute("UPDATE listing_states SET recent = %s::jsonb", [recent])
    os.utime(settled.root / last.name, (last.mtime + 30, last.mtime + 30))
    assert cli("sync").code == 0
    assert settled.server.opened == [last.name]
    assert (
        base.value(f"SELECT source_mtime FROM processed_files WHERE filename = '{last.name}'") == last.mtime + 30
    )


@pytest.mark.parametrize("arguments", [("sync", "--since", "all"), ("-v", "sync")])
def test_who_asks_for_more_gets_a_listing(cli: Cli, settled: Game, arguments: tuple[str, ...]) -> None:
    """A window of one's own, and the reasons file by file, need the whole list."""
    assert cli(*arguments).code == 0
    assert settled.server.listings == 1


def test_another_folder_is_listed(cli: Cli, settled: Game, home: Path) -> None:
    """The mark is of one folder: a setting that leads elsewhere makes it worthless."""
    (settled.root / "moved").mkdir()
    settled.options["remote_path"] = "/moved"
    configure(home, settled)
    assert cli("sync").code == 0
    assert settled.server.listings == 1


def test_listing_in_full_every_ten_minutes(cli: Cli, settled: Game, db: psycopg.Connection) -> None:
    """However still the folder stands, it is listed now and then."""
    with db.transaction():
        db.execute("UPDATE listing_states SET first_seen = first_seen - 700, listed = listed - 700")
    assert cli("sync").code == 0
    assert settled.server.listings == 1


def test_missed_file_leaves_no_mark(cli: Cli, game: Game, base: Base, files: list[GeneratedFile]) -> None:
    """While a file could not be had every run lists the folder, until it can."""
    game.server.faults.deny.add(files[0].name)
    assert cli("sync").code == 75
    assert base.value("SELECT count(*) FROM listing_states") == 0
    game.server.faults.deny.clear()
    assert cli("sync").code == 0
    assert base.rounds == len(files)
    assert base.value("SELECT count(*) FROM listing_states") == 1


def test_run_with_a_window_leaves_no_mark(cli: Cli, game: Game, base: Base) -> None:
    """What a narrow window passed over was not dealt with."""
    assert cli("sync", "--since", "24h").code == 0
    assert base.value("SELECT count(*) FROM listing_states") == 0
