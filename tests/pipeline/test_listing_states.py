"""A folder unchanged since the last run is not listed again; changes are always found."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from etstats.demo.generator import GeneratedFile, Quirks, generate_session
from tests.conftest import CliResult
from tests.pipeline.conftest import START, ZONE, Database, Game, configure

Cli = Callable[..., CliResult]


@pytest.fixture
def synced_server(
    cli: Cli, game: Game, database: Database, db: psycopg.Connection, files: list[GeneratedFile]
) -> Game:
    """A synced server whose folder had been unchanged for a while when it was listed."""
    long_ago = files[-1].mtime + 3600
    os.utime(game.root, (long_ago, long_ago))
    assert cli("sync").code == 0
    with db.transaction():
        db.execute("UPDATE listing_states SET first_seen = first_seen - 10")
    game.server.listings = 0
    game.server.opened.clear()
    return game


def test_unchanged_folder_is_not_listed(cli: Cli, synced_server: Game) -> None:
    """The next run requests only the folder's mtime."""
    done = cli("sync")
    assert (done.code, synced_server.server.listings) == (0, 0)
    assert "nothing new" in done.err
    assert cli("-q", "sync", "--post") == CliResult(code=0, out="", err="")
    assert synced_server.server.listings == 0


def test_new_file_is_found(cli: Cli, synced_server: Game, database: Database) -> None:
    """A new file changes the folder's mtime."""
    late = generate_session(
        61, start=START + timedelta(hours=2), zone=ZONE, players=4, maps=(1, 1), quirks=Quirks()
    )
    synced_server.write(*late.files)
    assert cli("sync").code == 0
    assert {file.name for file in late.files} == set(synced_server.server.opened)


def test_changed_content_is_found(
    cli: Cli, synced_server: Game, database: Database, db: psycopg.Connection, files: list[GeneratedFile]
) -> None:
    """A recent file is checked separately, because rewriting it does not change the folder's mtime."""
    last = files[-1]
    with db.transaction():
        recent = f'[["{last.name}", {len(last.content)}, {last.mtime}]]'
        db.execute("UPDATE listing_states SET recent = %s::jsonb", [recent])
    os.utime(synced_server.root / last.name, (last.mtime + 30, last.mtime + 30))
    assert cli("sync").code == 0
    assert synced_server.server.opened == [last.name]
    assert (
        database.value(f"SELECT source_mtime FROM processed_files WHERE filename = '{last.name}'")
        == last.mtime + 30
    )


@pytest.mark.parametrize("arguments", [("sync", "--since", "all"), ("-v", "sync")])
def test_since_and_verbose_list_the_folder(cli: Cli, synced_server: Game, arguments: tuple[str, ...]) -> None:
    """`--since` and `-v` need a full listing."""
    assert cli(*arguments).code == 0
    assert synced_server.server.listings == 1


def test_changed_folder_is_listed(cli: Cli, synced_server: Game, home: Path) -> None:
    """A listing state is valid only for its folder."""
    (synced_server.root / "moved").mkdir()
    synced_server.options["remote_path"] = "/moved"
    configure(home, synced_server)
    assert cli("sync").code == 0
    assert synced_server.server.listings == 1


def test_unchanged_folder_is_listed_after_ten_minutes(
    cli: Cli, synced_server: Game, db: psycopg.Connection
) -> None:
    """An unchanged folder is listed after ten minutes."""
    with db.transaction():
        db.execute("UPDATE listing_states SET first_seen = first_seen - 700, listed = listed - 700")
    assert cli("sync").code == 0
    assert synced_server.server.listings == 1


def test_failed_fetch_stores_no_listing_state(
    cli: Cli, game: Game, database: Database, files: list[GeneratedFile]
) -> None:
    """While a file cannot be fetched, every run lists the folder."""
    game.server.faults.deny.add(files[0].name)
    assert cli("sync").code == 75
    assert database.value("SELECT count(*) FROM listing_states") == 0
    game.server.faults.deny.clear()
    assert cli("sync").code == 0
    assert database.rounds == len(files)
    assert database.value("SELECT count(*) FROM listing_states") == 1


def test_run_with_since_stores_no_listing_state(cli: Cli, game: Game, database: Database) -> None:
    """A run with `--since` stores no listing state."""
    assert cli("sync", "--since", "24h").code == 0
    assert database.value("SELECT count(*) FROM listing_states") == 0


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "5",
        "null",
        "[1]",
        "[null]",
        "[[1]]",
        "[[1, 2, 3]]",
        '[["a", 1, 2, 3]]',
        '[["a", "b", "c"]]',
        "[" * 5_000 + "]" * 5_000,
        f"[{'9' * 5_000}]",
    ],
    ids=lambda text: text[:20],
)
def test_invalid_stored_state_is_replaced(
    cli: Cli, synced_server: Game, db: psycopg.Connection, document: str
) -> None:
    """A backup may contain any value: the folder is listed, and a valid state is stored."""
    with db.transaction():
        db.execute("UPDATE listing_states SET recent = %s::jsonb", [document])
    done = cli("sync")
    assert (done.code, synced_server.server.listings) == (0, 1), done.err
    assert db.execute("SELECT recent FROM listing_states").fetchone() == ([],)
