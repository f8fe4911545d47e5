"""What can be set: one frozen class a section of the TOML file, with its defaults and bounds.

`secret` fields are never shown, and may stand in a file of their own (`webhook_url_file` for `webhook_url`).
The reader of all this is `config.py`.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.errors import ConfigError
from etstats.logs import LogConfig
from etstats.post.settings import DiscordConfig
from etstats.site.settings import SiteConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """Where the database is; without a `url` it is the embedded PostgreSQL in the data folder."""

    url: str | None = field(default=None, metadata={"secret": True})
    read_url: str | None = field(default=None, metadata={"secret": True})
    """A streaming replica that the reading commands ask instead."""
    schema: str = "public"
    """Where the tables are, in a database that is shared with another program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """One game server: reached by SFTP (`host`) or as a folder on this machine (`path`)."""

    name: str
    host: str | None = None
    path: str | None = None
    port: int | None = None
    user: str | None = None
    key_file: str | None = None
    known_hosts: str | None = None
    remote_path: str | None = None
    timezone: str = "UTC"
    query: str | None = None
    """`host:port` of the game's own UDP status query, asked whether anyone plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsConfig:
    """What a gaming session is."""

    gap_minutes: int = field(default=60, metadata={"min": 1, "max": 1440})

    @property
    def gap(self) -> timedelta:
        """The longest time between the ends of two rounds of one session."""
        return timedelta(minutes=self.gap_minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncConfig:
    """How files are fetched; times in seconds."""

    connect_timeout: float = field(default=10.0, metadata={"min": 0.1, "max": 600})
    read_timeout: float = field(default=30.0, metadata={"min": 0.1, "max": 600})
    run_limit: float = field(default=600.0, metadata={"min": 1, "max": 86400})
    idle_every: str | None = None
    idle_after_minutes: int = field(default=30, metadata={"min": 1, "max": 1440})
    lookback_hours: int = field(default=24, metadata={"min": 1, "max": 87600})
    """How far before the newest known file a poll without `--since` begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CronConfig:
    """When cron looks: `hours` is a range of the admin's clock and may pass midnight (`18-2`)."""

    hours: str = "0-23"
    poll: str = "5s"
    backup_at: str = "05:30"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupConfig:
    """Backups: where (default: `backups` in the data folder) and how many days they are kept."""

    path: str | None = None
    keep_days: int = field(default=7, metadata={"min": 1, "max": 36500})


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthConfig:
    """A dead-man ping (healthchecks.io and alike), and what counts as ill."""

    ping_url: str | None = field(default=None, metadata={"secret": True})
    metrics_file: str | None = None
    max_backup_age_hours: int = field(default=48, metadata={"min": 1, "max": 100000})
    max_file_age_days: int = field(default=14, metadata={"min": 1, "max": 100000})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings, read once; `path` is the TOML file they came from, None when there was none."""

    path: Path | None = None
    data_dir: Path
    state_dir: Path
    database: DatabaseConfig = DatabaseConfig()
    servers: tuple[ServerConfig, ...] = ()
    sessions: SessionsConfig = SessionsConfig()
    sync: SyncConfig = SyncConfig()
    discord: DiscordConfig = field(default_factory=DiscordConfig)
    site: SiteConfig = field(default_factory=SiteConfig)
    cron: CronConfig = CronConfig()
    backup: BackupConfig = BackupConfig()
    health: HealthConfig = HealthConfig()
    log: LogConfig = field(default_factory=LogConfig)

    def server(self, name: str | None) -> ServerConfig:
        """The server of that name, or the only one; raises ConfigError naming those there are."""
        if name is None and len(self.servers) == 1:
            return self.servers[0]
        for server in self.servers:
            if server.name == name:
                return server
        names = ", ".join(s.name for s in self.servers) or "none; run: etstats init"
        raise ConfigError(f"--server {name or 'NAME'}: no such server in the configuration (there are: {names})")

    def timezone(self, name: str) -> ZoneInfo:
        """The clock of the server of that name; UTC for one that is not in the configuration."""
        return ZoneInfo(next((s.timezone for s in self.servers if s.name == name), "UTC"))

    @property
    def copies_root(self) -> Path:
        """The folder with a folder of local copies for each server."""
        return self.data_dir / "gamestats"

    def copies_of(self, name: str) -> Path:
        """The folder with the local copies of a server's files."""
        return self.copies_root / name
