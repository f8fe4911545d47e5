"""The primary fails in the midst of the work, and its replica is promoted: two real servers that stream."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from etstats.demo.discord import StandIn
from etstats.demo.generator import Quirks, generate, write_files
from tests.acceptance.scale.streaming import Pair, streaming_pair
from tests.conftest import CliResult
from tests.support.processes import Process, etstats, until
from tests.support.scene import START

Cli = Callable[..., CliResult]
FILES = 240
TEMPORARY = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Two servers, and a folder of round files that the settings use as a game server."""

    pair: Pair
    root: Path

    def settings(self, webhook: str = "") -> str:
        """Return the settings, with both hosts as the database."""
        discord = f'[discord]\nwebhook_url = "{webhook}"\n' if webhook else ""
        return (
            f'[database]\nurl = "{self.pair.both}"\n{discord}'
            f'[[servers]]\nname = "main"\npath = "{self.root}"\ntimezone = "UTC"\n'
        )

    def rounds(self, url: str) -> int:
        """Return the number of rounds on a server."""
        with psycopg.connect(url) as conn:
            row = conn.execute("SELECT count(*) FROM rounds").fetchone()
        return row[0] if row else 0


@pytest.fixture
def scene(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    root = tmp_path / "gamestats"
    root.mkdir()
    write_files(root, generate(1, start=START, files=FILES, zone="UTC", quirks=Quirks()))
    with streaming_pair(durable=True) as pair:
        monkeypatch.delenv("ETSTATS_DATABASE_URL")  # of the `cli` fixture: the settings have the address
        yield Scene(pair=pair, root=root)


def write_settings(home: Path, text: str) -> None:
    path = home / ".config" / "etstats" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def assert_one_temporary_line(run: Process) -> None:
    """Assert that the failure is temporary, in one line without a traceback."""
    ended = run.finish()
    assert ended.returncode == TEMPORARY, ended.stderr
    assert ended.stderr.strip()
    assert "Traceback" not in ended.stderr


def test_import_continues_after_a_failover(cli: Cli, home: Path, scene: Scene) -> None:
    """With synchronous commits the promoted server has all reported rounds, and the next run continues."""
    pair = scene.pair
    write_settings(home, scene.settings())
    assert cli("db", "migrate").code == 0
    pair.make_synchronous()
    with etstats("sync") as run:
        until(lambda: scene.rounds(pair.primary) > 0)
        pair.kill_primary()
        assert_one_temporary_line(run)
    before = cli("sync")
    assert before.code == TEMPORARY, before.err  # the replica does not accept writes yet
    assert "read-only" in before.err
    pair.promote()
    assert cli("sync").code == 0
    assert scene.rounds(pair.replica) >= FILES - 20  # the generator's oddities are in quarantine or duplicates
    assert cli("rebuild", "--verify").code == 0
    status = cli("db", "status")
    assert status.code == 0, status.err


def test_posts_are_not_repeated_after_a_failover(cli: Cli, home: Path, scene: Scene) -> None:
    """The primary dies between posts: the promoted server knows each message that was sent."""
    pair = scene.pair
    with StandIn() as discord:
        write_settings(home, scene.settings(discord.add_webhook().url))
        assert cli("db", "migrate").code == 0
        pair.make_synchronous()
        assert cli("sync").code == 0
        with etstats("post", "--since", "2000-01-01") as run:
            until(lambda: len(discord.posts) > 0)
            pair.kill_primary()
            assert_one_temporary_line(run)
        pair.promote()
        until(lambda: cli("post", "--since", "2000-01-01").code == 0)
        assert discord.violations == []
        assert discord.duplicates == []


def test_rounds_lost_in_a_failover_are_fetched_again(cli: Cli, home: Path, scene: Scene) -> None:
    """With asynchronous commits the last rounds may be lost: known files are compared, and fetched again."""
    pair = scene.pair
    write_settings(home, scene.settings())
    assert cli("db", "migrate").code == 0
    moved = sorted(scene.root.iterdir())[FILES // 2 :]
    for file in moved:
        file.rename(scene.root.parent / file.name)
    assert cli("sync").code == 0
    first = scene.rounds(pair.primary)
    until(lambda: scene.rounds(pair.replica) == first)
    os.kill(pair.replica_pid, signal.SIGSTOP)  # and with it the process that receives
    stop_receiver(pair)
    for file in moved:
        (scene.root.parent / file.name).rename(scene.root / file.name)
    assert cli("sync").code == 0
    everything = scene.rounds(pair.primary)
    assert everything > first
    pair.kill_primary()
    os.kill(pair.replica_pid, signal.SIGCONT)
    pair.promote()
    assert scene.rounds(pair.replica) < everything
    assert cli("sync").code == 0
    assert scene.rounds(pair.replica) == everything
    assert cli("rebuild", "--verify").code == 0


def stop_receiver(pair: Pair) -> None:
    """End the replication at the primary, while the stopped replica cannot reconnect."""
    with psycopg.connect(pair.primary, autocommit=True) as conn:
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        until(lambda: conn.execute("SELECT count(*) FROM pg_stat_replication").fetchone() == (0,))


def test_read_only_host_is_a_temporary_error(cli: Cli, home: Path, scene: Scene) -> None:
    """Without a primary, each command that writes exits with one line; queries through read_url work."""
    pair = scene.pair
    write_settings(home, scene.settings())
    assert cli("sync").code == 0
    count = scene.rounds(pair.primary)
    until(lambda: scene.rounds(pair.replica) == count)
    pair.kill_primary()
    refused = cli("import", str(scene.root))
    assert refused.code == TEMPORARY
    assert len(refused.err.strip().splitlines()) <= 2
    assert cli("--read-url", pair.replica, "sessions").code == 0
    assert pair.primary not in refused.err
