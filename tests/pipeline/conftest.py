"""A game server on loopback with a session of generated rounds, and the settings for it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from etstats.demo.generator import GeneratedFile, Quirks, generate_session
from tests.support.sftp_server import TestServer, free_port

START = datetime.fromisoformat("2025-10-02T20:00")
ZONE = "Europe/Ljubljana"


@dataclass(kw_only=True)
class Game:
    """A game server: its folder, and its section of the settings."""

    name: str
    server: TestServer
    options: dict[str, Any] = field(default_factory=dict)
    begin: Callable[[], object] = lambda: None
    """Starts a server that was not started at once."""

    @property
    def root(self) -> Path:
        return self.server.root

    def write(self, *files: GeneratedFile) -> None:
        """Write these files."""
        for file in files:
            self.put(file.name, file.content, file.mtime)

    def put(self, name: str, content: bytes, mtime: int) -> None:
        """Write one file atomically."""
        hidden = self.root.parent / f"{name}.new"
        hidden.write_bytes(content)
        os.utime(hidden, (mtime, mtime))
        hidden.replace(self.root / name)

    @property
    def section(self) -> str:
        values = {
            "name": self.name,
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": "et",
            "key_file": str(self.server.key_file),
            "known_hosts": str(self.server.known_hosts),
            "remote_path": "/",
            "timezone": ZONE,
        } | self.options
        lines = (f"{key} = {json.dumps(value)}" for key, value in values.items())
        return "\n".join(["[[servers]]", *lines, ""])


def configure(home: Path, *games: Game, more: str = "") -> Path:
    """Write the settings with these servers."""
    path = home / ".config" / "etstats" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(game.section for game in games) + more)
    return path


@pytest.fixture(scope="session")
def files() -> list[GeneratedFile]:
    """Four maps of one session, two rounds each, in the order played."""
    return generate_session(11, start=START, zone=ZONE, players=6, maps=(4, 4), quirks=Quirks()).files


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Game]]:
    """Start a game server with its own folder and keys."""
    with ExitStack() as running:

        def start(name: str = "main", *, at_once: bool = True, **options: Any) -> Game:
            root, keys = tmp_path / f"{name}-gamestats", tmp_path / f"{name}-keys"
            root.mkdir()
            keys.mkdir(mode=0o700)
            server = TestServer(root, keys)
            if at_once:
                running.enter_context(server)
            else:
                server.port = free_port()
            return Game(name=name, server=server, options=options, begin=lambda: running.enter_context(server))

        yield start


@pytest.fixture
def game(start_server: Callable[..., Game], home: Path, files: list[GeneratedFile]) -> Game:
    """The only configured server, with the session's files."""
    game = start_server()
    game.write(*files)
    configure(home, game)
    return game


@dataclass(frozen=True, kw_only=True)
class Database:
    """Queries of the test's database."""

    conn: psycopg.Connection

    def names(self, where: str = "true") -> list[str]:
        """Return the names of the processed files."""
        with self.conn.transaction():
            found = self.conn.execute(f"SELECT filename FROM processed_files WHERE {where} ORDER BY 1")
            return [name for (name,) in found]

    def value(self, sql: str) -> Any:
        """Return the first column of the first row."""
        with self.conn.transaction():
            row = self.conn.execute(sql).fetchone()
        return row[0] if row else None

    @property
    def rounds(self) -> int:
        return int(self.value("SELECT count(*) FROM rounds"))


@pytest.fixture
def database(db: psycopg.Connection) -> Database:
    """The database of this test."""
    return Database(conn=db)


@pytest.fixture
def local(home: Path) -> Path:
    """The folder of the local copies of `main`."""
    return home / "data" / "gamestats" / "main"


@pytest.fixture
def log(home: Path) -> Callable[[], str]:
    """Return the log so far."""
    path = home / ".local" / "state" / "etstats" / "etstats.log"
    return lambda: path.read_text() if path.exists() else ""
