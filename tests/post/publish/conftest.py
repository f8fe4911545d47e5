"""Fixtures: a database with sessions, and a Discord stand-in."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.config.schema import Config
from etstats.db import identity, pending_posts
from etstats.demo.discord import Hook
from etstats.demo.generator import GeneratedFile, GeneratedRound, GeneratedSession, Quirks, generate_session
from etstats.importer.importer import Importer
from etstats.post.publish import PostReport, post_due
from etstats.post.settings import DiscordConfig
from tests.post.render.faults import Faulty

ZONE = "Europe/Ljubljana"
START = datetime(2025, 10, 2, 18, 0, tzinfo=UTC)
BEFORE = START - timedelta(hours=1)
PLAIN = Quirks()


def ended(file: GeneratedFile) -> datetime:
    """Return the time at which a file was written."""
    return datetime.fromtimestamp(file.mtime, UTC)


@dataclass(kw_only=True)
class Stage:
    """A session's files, their database, and the channel of the posts."""

    conn: psycopg.Connection
    url: str
    discord: Faulty
    hook: Hook
    folder: Path
    settings: DiscordConfig
    clock: "Clock"
    began: float = 1000.0
    importers: dict[str, Importer] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        return Config(data_dir=self.folder, state_dir=self.folder, discord=self.settings)

    def set(self, **changes: object) -> None:
        self.settings = replace(self.settings, **changes)

    def load(self, *files: GeneratedFile, server: str = "main") -> None:
        if server not in self.importers:
            self.importers[server] = Importer(self.conn, server, ZoneInfo(ZONE), timedelta(minutes=60))
        for file in files:
            self.importers[server].add(file.name, file.content, file.mtime)

    def post(self, now: datetime, *, limit: float = 30.0, since: datetime | None = None) -> PostReport:
        now += timedelta(seconds=self.clock.now - self.began + 0.001)
        return post_due(
            self.conn,
            self.config.discord,
            self.config.timezone,
            now,
            limit_seconds=limit,
            since=since,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def write_config(self) -> Path:
        """Write these settings to a file, for a sender in another process."""
        path, secret = self.folder / "config.toml", self.folder / "webhook"
        path.touch(mode=0o600)
        secret.touch(mode=0o600)
        secret.write_text(self.settings.webhook_url or "")
        path.write_text(
            f'data_dir = "{self.folder}/data"\nstate_dir = "{self.folder}/state"\n'
            f'[[servers]]\nname = "main"\npath = "{self.folder}"\ntimezone = "{ZONE}"\n'
            f'[database]\nurl = "{self.url}"\n'
            f'[discord]\nwebhook_url_file = "{secret}"\ncharts = false\n'
            f'digest_after = {self.settings.digest_after}\nstyle = "{self.settings.style}"\n'
        )
        return path

    def switch_on(self, *, server: str = "main", now: datetime = BEFORE) -> None:
        self.load(server=server)
        assert str(self.post(now)) == "nothing to post"

    @property
    def titles(self) -> list[str]:
        return [post.payload["embeds"][0]["title"].replace("\\", "") for post in self.discord.posts]

    def count(self, table: str) -> int:
        with self.conn.transaction():
            row = self.conn.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0

    def hide(self, played: GeneratedRound) -> str:
        """Hide the first player of a round; return the GUID."""
        guid = played.tallies[0].person.guid
        with self.conn.transaction():
            identity.hide(self.conn, guid)
        return guid

    def players(self, post: int) -> int:
        """Return the number of players in a round's message."""
        fields = self.discord.posts[post].payload["embeds"][0]["fields"]
        tables = [field["value"] for field in fields if field["name"].startswith(("Axis", "Allies", "Team"))]
        return sum(len(table.splitlines()) - 3 for table in tables)

    def show(self, guid: str) -> None:
        with self.conn.transaction():
            identity.unhide(self.conn, guid)

    def change_all(self) -> None:
        pending_posts.change_all_posted(self.conn)

    def states(self) -> list[tuple[str, str]]:
        with self.conn.transaction():
            return self.conn.execute("SELECT kind, state FROM posts ORDER BY id").fetchall()


class Clock:
    """A clock that only advances by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def discord(clock: Clock) -> Iterator[Faulty]:
    with Faulty(clock=clock) as stand_in:
        yield stand_in
        assert not stand_in.violations
        assert not stand_in.early
        assert not stand_in.duplicates


@pytest.fixture
def stage(
    db: psycopg.Connection, database_url: str, discord: Faulty, clock: Clock, tmp_path: Path, home: Path
) -> Stage:
    hook = discord.add_webhook()
    settings = DiscordConfig(webhook_url=hook.url, charts=False, style="full")
    return Stage(
        conn=db, url=database_url, discord=discord, hook=hook, folder=tmp_path, clock=clock, settings=settings
    )


@pytest.fixture(scope="session")
def session() -> GeneratedSession:
    """Return three maps, both rounds of each."""
    return generate_session(3, start=START, zone=ZONE, maps=(3, 3), quirks=PLAIN)
