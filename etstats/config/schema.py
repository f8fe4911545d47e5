"""The settings: one frozen dataclass per section of the TOML file, with defaults and bounds.

`secret` fields are never shown, and may be read from a separate file (`webhook_url_file` for `webhook_url`).
`loader.py` reads them.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.domain.durations import seconds
from etstats.domain.rounds import BotRounds
from etstats.domain.rules.hours import hours_of, time_of_day
from etstats.domain.value_formats import (
    check_database_url,
    check_schema_name,
    check_server_name,
    check_time_zone,
    check_web_url,
)
from etstats.errors import ConfigError
from etstats.logs import LogConfig
from etstats.post.settings import DiscordConfig
from etstats.site.settings import SiteConfig
from etstats.sync.game_query import game_address


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """Location of the database; without a `url`, the embedded PostgreSQL in the data folder."""

    url: str | None = field(default=None, metadata={"secret": True, "format": check_database_url})
    read_url: str | None = field(default=None, metadata={"secret": True, "format": check_database_url})
    """A streaming replica for the query commands."""
    schema: str = field(default="public", metadata={"format": check_schema_name})
    """Schema of the tables, for a database that another program uses too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """One game server: reached by SFTP (`host`) or as a folder on this machine (`path`)."""

    name: str = field(metadata={"format": check_server_name})
    host: str | None = None
    path: str | None = None
    port: int | None = field(default=None, metadata={"min": 1, "max": 65535})
    user: str | None = None
    key_file: str | None = None
    known_hosts: str | None = None
    remote_path: str | None = None
    timezone: str = field(default="UTC", metadata={"format": check_time_zone})
    stopwatch: bool | None = None
    """False: every file is a separate match. None: stopwatch, and files that contradict it are reported."""
    query: str | None = field(default=None, metadata={"format": game_address})
    """`host:port` of the game's UDP status query, to ask whether anyone plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsConfig:
    """Definition of a gaming session."""

    gap_minutes: int = field(default=60, metadata={"min": 1, "max": 1440})

    @property
    def gap(self) -> timedelta:
        """Return the maximum time between the ends of two rounds of one session."""
        return timedelta(minutes=self.gap_minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotsConfig:
    """Rounds with bots: whether they set records, ratings and achievements, and which of them count.

    `rounds`: `humans` (bots do not outnumber humans), `all`, `none`.
    """

    records: bool = False
    rounds: str = field(default="humans", metadata={"choices": tuple(BotRounds)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncConfig:
    """Fetching of files; times in seconds."""

    connect_timeout: float = field(default=10.0, metadata={"min": 0.1, "max": 600})
    read_timeout: float = field(default=30.0, metadata={"min": 0.1, "max": 600})
    run_limit: float = field(default=600.0, metadata={"min": 1, "max": 86400})
    idle_every: str | None = field(default=None, metadata={"format": seconds})
    idle_after_minutes: int = field(default=30, metadata={"min": 1, "max": 1440})
    lookback_hours: int = field(default=24, metadata={"min": 1, "max": 87600})
    """A poll without `--since` starts this long before the newest known file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronConfig:
    """Polling by cron: `hours` is a range in this machine's time and may pass midnight (`18-2`)."""

    hours: str = field(default="0-23", metadata={"format": hours_of})
    poll: str = field(default="5s", metadata={"format": seconds})
    backup_at: str = field(default="05:30", metadata={"format": time_of_day})


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupConfig:
    """Backups: folder (default: `backups` in the data folder) and days to keep them."""

    path: str | None = None
    keep_days: int = field(default=7, metadata={"min": 1, "max": 36500})


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthConfig:
    """Dead man's switch (such as healthchecks.io), and limits of the health check."""

    ping_url: str | None = field(default=None, metadata={"secret": True, "format": check_web_url})
    metrics_file: str | None = None
    max_backup_age_hours: int = field(default=48, metadata={"min": 1, "max": 100000})
    max_file_age_days: int = field(default=14, metadata={"min": 1, "max": 100000})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings; `path` is the TOML file, None if there was none."""

    path: Path | None = None
    data_dir: Path
    state_dir: Path
    database: DatabaseConfig = DatabaseConfig()
    servers: tuple[ServerConfig, ...] = ()
    sessions: SessionsConfig = SessionsConfig()
    bots: BotsConfig = BotsConfig()
    sync: SyncConfig = SyncConfig()
    discord: DiscordConfig = field(default_factory=DiscordConfig)
    site: SiteConfig = field(default_factory=SiteConfig)
    cron: CronConfig = CronConfig()
    backup: BackupConfig = BackupConfig()
    health: HealthConfig = HealthConfig()
    log: LogConfig = field(default_factory=LogConfig)

    def server(self, name: str | None) -> ServerConfig:
        """Return the server of that name, or the only one; ConfigError lists the configured servers."""
        if name is None and len(self.servers) == 1:
            return self.servers[0]
        for server in self.servers:
            if server.name == name:
                return server
        names = ", ".join(server.name for server in self.servers) or "none; run: etstats init"
        raise ConfigError(f"--server {name or 'NAME'}: no such server in the configuration (there are: {names})")

    def timezone(self, name: str) -> ZoneInfo:
        """Return the time zone of the server of that name; UTC if it is not in the configuration."""
        return ZoneInfo(next((server.timezone for server in self.servers if server.name == name), "UTC"))

    @property
    def copies_root(self) -> Path:
        """Return the folder that contains the local copies of all servers, one folder per server."""
        return self.data_dir / "gamestats"

    def copies_of(self, name: str) -> Path:
        """Return the folder with the local copies of a server's files."""
        return self.copies_root / name
