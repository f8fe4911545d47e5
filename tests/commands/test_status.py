"""Tests of `etstats status`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.db import identity
from etstats.demo.generator import generate
from etstats.domain.live import HIDDEN
from etstats.importer.importer import Importer
from tests.conftest import CliResult
from tests.support.game import Game

Cli = Callable[..., CliResult]
pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def configured(cli: Cli, home: Path) -> Callable[..., Cli]:
    """Return `etstats` with these game servers: name -> address."""

    def configure(**addresses: str) -> Cli:
        path = home / "config.toml"
        path.write_text(
            "".join(
                f'[[servers]]\nname = "{key}"\npath = "/x"\nquery = "{address}"\n'
                for key, address in addresses.items()
            )
        )
        return lambda *words: cli("--config", path, *words)

    return configure


def test_document_has_all_keys(configured: Callable[..., Cli], game: Callable[..., Game]) -> None:
    """A server that replies and one that does not: exit 0, all keys of the contract."""
    running = game(names=["^1Al^7pha", "Beta"], bots=1, sides="12-3")
    silent = game(silent_for=99)
    etstats = configured(main=running.address, other=silent.address)
    done = etstats("status", "--json")
    assert done.code == 0
    main, other = json.loads(done.out)
    players = [{"name": "Beta", "score": 1, "side": "allies"}, {"name": "Alpha", "score": 0, "side": "axis"}]
    values = (main["server"], main["address"], main["online"], main["map"], main["players"], main["bots"])
    assert values == ("main", running.address, True, "supply", players, 1)
    assert other.items() >= {"server": "other", "online": False, "map": None, "players": [], "bots": None}.items()


def test_output_for_people(configured: Callable[..., Cli], game: Callable[..., Game]) -> None:
    """A table per server, one line for a silent one; rows in CSV."""
    etstats = configured(main=game(names=["Alpha"]).address, other=game(silent_for=99).address)
    done = etstats("status")
    assert (done.code, "main · supply · 1 of 20 players" in done.out, "Alpha" in done.out) == (0, True, True)
    assert "other: the game at" in done.err
    assert etstats("status", "--csv").out.splitlines() == ["server,map,player,score,side", "main,supply,Alpha,0,"]


def test_empty_server_is_reported(
    configured: Callable[..., Cli], game: Callable[..., Game], db: psycopg.Connection
) -> None:
    """An empty server is reported."""
    done = configured(main=game().address)("status")
    assert (done.code, "No players." in done.out + done.err) == (0, True)


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"\xff\xff\xff\xffstatusResponse\n", b"\xff" * 16000])
def test_invalid_replies_exit_with_0(
    configured: Callable[..., Cli], game: Callable[..., Game], answer: bytes
) -> None:
    """Any reply: exit 0."""
    assert configured(main=game(answer=answer).address)("status", "--json").code == 0


def test_missing_query_settings_are_refused(cli: Cli, home: Path) -> None:
    """Without `query` settings: exit 2, and the message says what to add."""
    path = home / "config.toml"
    path.write_text('[[servers]]\nname = "main"\npath = "/x"\n')
    done = cli("--config", path, "status")
    assert done.code == 2
    assert "query = " in done.err


def test_hidden_and_forgotten_players_are_not_named(
    configured: Callable[..., Cli], game: Callable[..., Game], db: psycopg.Connection
) -> None:
    """Names of hidden players are not shown; after a forget, unknown names are not shown."""
    importer = Importer(db, "main", ZoneInfo("UTC"), timedelta(minutes=60))
    for file in generate(3, start=datetime(2025, 10, 6, 20, 5, tzinfo=UTC), players=6, maps=(1, 1)):
        importer.add(file.name, file.content, file.mtime)
    known = db.execute("SELECT guid, alias FROM player_aliases ORDER BY guid LIMIT 3").fetchall()
    (hidden, name), (_, shown), (gone, gone_name) = known
    etstats = configured(main=game(names=[name.upper(), shown, gone_name, "Newcomer"]).address)
    identity.hide(db, hidden)
    db.commit()
    assert _names(etstats) == {HIDDEN, shown, gone_name, "Newcomer"}
    assert etstats("forget", gone, "--yes").code == 0
    assert _names(etstats) == {HIDDEN, shown}


def _names(etstats: Cli) -> set[str]:
    (server,) = json.loads(etstats("status", "--json").out)
    return {player["name"] for player in server["players"]}
