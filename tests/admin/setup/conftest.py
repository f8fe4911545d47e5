"""Fixtures of the setup tests: a game server with real SSH, and a Discord stand-in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etstats.demo.discord import StandIn
from etstats.demo.generator import generate, write_files
from etstats.demo.sftp_server import SftpServer, serve
from tests.admin.operations.conftest import spool

__all__ = ["spool"]


@pytest.fixture
def gamestats(tmp_path: Path) -> Path:
    """Return a folder of generated round files of a server in Slovenia, and other files."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    start = datetime(2025, 10, 2, 18, tzinfo=UTC)
    write_files(folder, generate(5, start=start, files=10, zone="Europe/Ljubljana"))
    (folder / "notes.txt").write_text("x")
    return folder


@pytest.fixture
def server(gamestats: Path, tmp_path: Path) -> Iterator[SftpServer]:
    """Return the game server."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    with serve(gamestats, keys) as running:
        yield running


@pytest.fixture
def discord() -> Iterator[StandIn]:
    """Return the Discord stand-in on loopback."""
    with StandIn() as running:
        yield running
