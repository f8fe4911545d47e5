"""The complete pipeline on one machine: a generated session, served over SFTP, imported, ranked and posted.

Nothing is acted: the PostgreSQL, the SFTP server and the commands are the real ones, each command in a process of
its own. Only Discord is a stand-in, on loopback.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from etstats.db import embedded
from etstats.demo import generator
from etstats.demo.discord import StandIn
from etstats.demo.sftp_server import SftpServer, serve
from etstats.post.render.message import Embed, EmbedField, Message
from etstats.post.render.terminal import draw

_ZONE = "Europe/Ljubljana"
_MAPS = 3
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

[discord]
webhook_url = "{webhook}"

[site]
title = "The Old Barn"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the tour plays: the settings for its commands, and Discord's stand-in."""

    config: Path
    discord: StandIn
    files: int


@contextmanager
def stage(seed: int, now: datetime, *, sessions: int = 1) -> Iterator[Stage]:
    """Build it all in a folder of its own, and leave nothing behind; `sessions`: how many were played."""
    with tempfile.TemporaryDirectory(prefix="etstats-demo-") as name:
        root = Path(name)
        root.chmod(0o711)  # root's PostgreSQL runs as another user, who has to pass
        rounds, keys = root / "gamestats", root / "keys"
        rounds.mkdir()
        keys.mkdir(mode=0o700)
        files = generator.write_files(rounds, _files(seed, now, sessions))
        data = root / "data"
        embedded.ensure_running(data, durable=False)
        try:
            with serve(rounds, keys) as server, StandIn() as discord:
                config = _write_config(root, data, server, discord.add_webhook().url)
                yield Stage(config=config, discord=discord, files=files)
        finally:
            embedded.stop(data)


def _files(seed: int, now: datetime, sessions: int) -> list[generator.GeneratedFile]:
    """Return the files of `sessions` sessions; the last one has just ended."""
    if sessions == 1:
        start = now - timedelta(hours=3)
        return generator.generate_evening(seed, start=start, zone=_ZONE, maps=(_MAPS, _MAPS)).files
    first = now - timedelta(days=(_PAUSE_DAYS[0] + _PAUSE_DAYS[1]) // 2 * sessions)
    found = generator.generate(seed, start=first, zone=_ZONE, evenings=sessions, pause_days=_PAUSE_DAYS)
    return [file for file in found if file.mtime <= now.timestamp()]


def command(place: Stage, *words: str, environment: Mapping[str, str]) -> int:
    """Run one etstats command on the stage, its output straight to the terminal; returns its exit code."""
    inherited = {key: value for key, value in environment.items() if not key.startswith("ETSTATS_")}
    line = [sys.executable, "-m", "etstats", "--config", str(place.config), *words]
    return subprocess.run(line, env=inherited, check=False).returncode


def draw_posts(place: Stage, between: Callable[[], None]) -> int:
    """Draw what stands in the channel as a reader sees it; returns how many messages there are."""
    for post in place.discord.posts:
        between()
        draw(_message(post.payload))
    return len(place.discord.posts)


def _write_config(root: Path, data: Path, server: SftpServer, webhook: str) -> Path:
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
            zone=_ZONE,
            webhook=webhook,
        ),
        encoding="utf-8",
    )
    return config


def _message(payload: Mapping[str, Any]) -> Message:
    """A message as it was received, back in our own terms."""
    embeds = tuple(
        Embed(
            title=embed["title"],
            colour=embed["color"],
            description=embed.get("description", ""),
            fields=tuple(EmbedField(name=f["name"], value=f["value"]) for f in embed.get("fields", ())),
            author=embed.get("author", {}).get("name", ""),
            footer=embed.get("footer", {}).get("text", ""),
            image=embed["image"]["url"].removeprefix("attachment://") if "image" in embed else None,
        )
        for embed in payload["embeds"]
    )
    return Message(embeds=embeds, content=payload.get("content", ""))
