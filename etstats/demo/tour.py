"""The complete pipeline on one machine: a generated session, served over SFTP, imported, ranked and posted.

PostgreSQL, the SFTP server and the commands are real; each command is a separate process. Only Discord is a
stand-in, on loopback.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.db import embedded
from etstats.demo import generator
from etstats.demo.discord import StandIn
from etstats.demo.game import GameServer
from etstats.demo.sftp_server import SftpServer, serve

ZONE = "Europe/Ljubljana"
_NAMES = ("^1Bram^7ble", "^2Tundra_", "Rivet", "^5lamp", "Sorrel", "^3Heron")  # who is on the server now
_SIDES = "121212"
_FIRST = 3  # of them come first
_MAPS = 3
_EARLIER = 8  # sessions before the posted one, for its comparisons
_JUST_ENDED = 45 * 60  # seconds before now: a session ends half an hour after its last round
_LONG_TOUR = replace(generator.EVERYDAY, bots=0.1)
_NOON = 12
_PAUSE_DAYS = (1, 5)  # between the sessions of a longer tour

_CONFIG = """\
data_dir = "{data}"
state_dir = "{state}"

[[servers]]
name = "demo"
host = "{host}"
port = {port}
user = "{user}"
key_file = "{key}"
known_hosts = "{known_hosts}"
remote_path = "{remote}"
timezone = "{zone}"
query = "{game}"

[discord]
webhook_url = "{webhook}"
status = true
kinds = ["round", "map", "session", "session_start", "game_on", "morning", "on_this_day"]
admin_webhook_url = "{admin_webhook}"

[site]
title = "The Old Barn"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The environment of the tour: the settings of its commands, and the Discord stand-in."""

    config: Path
    discord: StandIn
    game: GameServer
    files: int

    def add_players(self) -> None:
        """Let all players join the game server."""
        self.game.names, self.game.sides = _NAMES, _SIDES


@contextmanager
def stage(seed: int, now: datetime, *, sessions: int | None = None) -> Iterator[Stage]:
    """Create the environment in a temporary folder, and remove it at the end; `sessions`: number of sessions.

    None: some, of which the last one has just ended.
    """
    with tempfile.TemporaryDirectory(prefix="etstats-demo-") as name:
        root = Path(name)
        root.chmod(0o711)  # as root, PostgreSQL runs as another user, who needs access
        rounds, keys = root / "gamestats", root / "keys"
        rounds.mkdir()
        keys.mkdir(mode=0o700)
        played = _recent_files(seed, now) if sessions is None else _files(seed, now, sessions)
        files = generator.write_files(rounds, played)
        data = root / "data"
        embedded.ensure_running(data, durable=False)
        try:
            with (
                serve(rounds, keys) as server,
                StandIn() as discord,
                GameServer(names=_NAMES[:_FIRST], sides=_SIDES[:_FIRST]) as game,
            ):
                config = _write_config(root, data, server, discord, game.address)
                yield Stage(config=config, discord=discord, game=game, files=files)
        finally:
            embedded.stop(data)


def _recent_files(seed: int, now: datetime) -> list[generator.GeneratedFile]:
    """Return the files of a few sessions: the first one of a year ago tomorrow, the last one has just ended."""
    start = now - timedelta(days=_PAUSE_DAYS[1] * (_EARLIER + 2))
    maps = (_MAPS, _MAPS)
    found = generator.generate(
        seed, start=start, zone=ZONE, sessions=_EARLIER + 1, maps=maps, pause_days=_PAUSE_DAYS
    )
    files = list(found)
    first, earlier, last = files[: 2 * _MAPS], files[2 * _MAPS : -2 * _MAPS], files[-2 * _MAPS :]
    late = int(now.timestamp()) - _JUST_ENDED - last[-1].mtime
    a_year_ago = next_morning(now) - timedelta(days=365)
    played = datetime.fromtimestamp(first[0].mtime, ZoneInfo(ZONE)).date()
    back = int((a_year_ago.date() - played).total_seconds())
    return [*(_moved(file, back) for file in first), *earlier, *(_moved(file, late) for file in last)]


def _moved(file: generator.GeneratedFile, seconds: int) -> generator.GeneratedFile:
    mtime = file.mtime + seconds
    stamp = datetime.fromtimestamp(mtime, ZoneInfo(ZONE))
    return generator.GeneratedFile(f"{stamp:%Y-%m-%d-%H%M%S}{file.name[17:]}", file.content, mtime)


def _files(seed: int, now: datetime, sessions: int) -> list[generator.GeneratedFile]:
    """Return the files of the finished ones of `sessions` sessions."""
    first = now - timedelta(days=(_PAUSE_DAYS[0] + _PAUSE_DAYS[1]) // 2 * sessions)
    found = generator.generate(
        seed, start=first, zone=ZONE, sessions=sessions, pause_days=_PAUSE_DAYS, quirks=_LONG_TOUR
    )
    return [file for file in found if file.mtime <= now.timestamp()]


def command(place: Stage, *words: str, environment: Mapping[str, str]) -> int:
    """Run one etstats command in this environment, with output to the terminal; return its exit code."""
    inherited = {key: value for key, value in environment.items() if not key.startswith("ETSTATS_")}
    line = [sys.executable, "-m", "etstats", "--config", str(place.config), *words]
    return subprocess.run(line, env=inherited, check=False).returncode


def add_truncated_file(place: Stage, now: datetime) -> None:
    """Add a truncated round file, as after a crash of the game server."""
    folder = place.config.parent / "gamestats"
    whole = max(folder.iterdir())
    stamp = now.astimezone(ZoneInfo(ZONE)) - timedelta(minutes=10)
    content = whole.read_bytes()
    file = generator.GeneratedFile(
        f"{stamp:%Y-%m-%d-%H%M%S}{whole.name[17:]}", content[: len(content) // 2], int(stamp.timestamp())
    )
    generator.write_files(folder, [file])


def next_morning(now: datetime) -> datetime:
    """Return the time at which the scheduled posts about today are due."""
    local = now.astimezone(ZoneInfo(ZONE))
    is_over = local.hour < _NOON  # sessions belong to the day before until noon
    return local.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=0 if is_over else 1)


def save_posts(place: Stage, folder: Path) -> int:
    """Write each message of the channel to a separate folder: `message.json` and its pictures."""
    for number, post in enumerate(place.discord.posts, 1):
        own = folder / f"{number:02}"
        own.mkdir(parents=True, exist_ok=True)
        (own / "message.json").write_text(json.dumps(post.payload, indent=2, ensure_ascii=False), encoding="utf-8")
        for name, content in post.files.items():
            (own / name).write_bytes(content)
    return len(place.discord.posts)


def _write_config(root: Path, data: Path, server: SftpServer, discord: StandIn, game: str) -> Path:
    known_hosts, config = root / "keys" / "known_hosts", root / "config.toml"
    known_hosts.write_text(server.known_hosts_line + "\n", encoding="utf-8")
    config.touch(mode=0o600)
    config.write_text(
        _CONFIG.format(
            data=data,
            state=root / "state",
            host=server.host,
            port=server.port,
            user=server.user,
            key=server.key_file,
            known_hosts=known_hosts,
            remote=server.remote_path,
            zone=ZONE,
            webhook=discord.add_webhook().url,
            admin_webhook=discord.add_webhook().url,
            game=game,
        ),
        encoding="utf-8",
    )
    return config
