"""`sync --post` publishes the players on the servers."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from etstats.demo.discord import StandIn
from etstats.demo.game import HEAD
from tests.conftest import CliResult
from tests.support.game import Game
from tests.support.processes import run

Cli = Callable[..., CliResult]


@pytest.fixture
def game() -> Iterator[Callable[..., Game]]:
    """Start UDP games (elsewhere in this package, `game` is a file server)."""
    with ExitStack() as stack:
        yield lambda **says: stack.enter_context(Game(**says))


@pytest.fixture
def etstats(cli: Cli, home: Path, tmp_path: Path, discord: StandIn, db: psycopg.Connection) -> Callable[..., Cli]:
    """`etstats` with one server whose game has this address."""

    def configure(address: str) -> Cli:
        folder = tmp_path / "gamestats"
        folder.mkdir(exist_ok=True)
        path = home / "config.toml"
        path.touch(mode=0o600)
        path.write_text(
            f'[[servers]]\nname = "main"\npath = "{folder}"\nquery = "{address}"\n'
            f'[discord]\nwebhook_url = "{discord.add_webhook().url}"\nstatus = true\nkinds = ["game_on"]\n'
        )
        return lambda *words: cli("--config", path, *words)

    return configure


def test_each_server_has_one_message(
    etstats: Callable[..., Cli], game: Callable[..., Game], discord: StandIn, db: psycopg.Connection
) -> None:
    """The first run posts, a second within a minute does nothing, a later one edits the message."""
    running = game(names=["Alpha", "Beta"])
    call = etstats(running.address)
    assert call("-q", "sync", "--post") == CliResult(code=0, out="", err="")
    running.names = [f"player {index}" for index in range(7)]
    assert call("-q", "sync", "--post").code == 0
    assert [post.edits for post in discord.posts] == [0, 0]
    db.execute("UPDATE notices SET sent_at = sent_at - interval '2 minutes'")
    db.commit()
    assert call("-q", "sync", "--post").code == 0
    status, game_on = discord.posts
    assert (status.edits, game_on.edits) == (1, 0)
    assert "player 6" in status.payload["embeds"][0]["description"]
    assert game_on.payload["embeds"][0]["title"] == "7 players on supply"


@pytest.mark.parametrize(
    "says",
    [
        {"silent_for": 99},
        {"answer": b"junk"},
        {"flood": 500},
        {"elsewhere": True},
        {"answer": HEAD + b"\\mapname\\su"},
    ],
    ids=["silent", "junk", "flood", "another port", "truncated"],
)
def test_invalid_reply_is_shown_as_none(
    etstats: Callable[..., Cli], game: Callable[..., Game], discord: StandIn, says: dict[str, object]
) -> None:
    """An invalid answer is shown as no answer; the import succeeds with exit code 0."""
    call = etstats(game(**says).address)
    assert call("-q", "sync", "--post").code == 0
    (status,) = discord.posts
    assert "does not answer" in status.payload["embeds"][0]["description"]


_STUCK = """
import socket, threading
asked = threading.Event()

def resolve(*_args, **_options):
    asked.set()
    threading.Event().wait()

socket.getaddrinfo = resolve
from etstats.sync import game_query
threading.Thread(target=game_query.ask, args=({"main": "game.example:27960"},), daemon=True).start()
asked.wait()
"""


def test_silent_name_server_keeps_no_process_alive() -> None:
    """A finished run ends even if a query is still waiting."""
    assert run([sys.executable, "-c", _STUCK]).returncode == 0
