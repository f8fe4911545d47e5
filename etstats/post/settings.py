"""The `[discord]` settings: what is posted, and where to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

TimezoneOf = Callable[[str], tzinfo]
"""The time zone of a server, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """A Discord destination: the address of a webhook and optionally a thread of its channel."""

    webhook_url: str | None = field(default=None, metadata={"secret": True})
    thread_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordConfig:
    """What is posted and where; `[discord.round]`, `[discord.map]`, `[discord.session]`, `[discord.servers.NAME]`
    send one kind, or one server, elsewhere."""

    webhook_url: str | None = field(default=None, metadata={"secret": True})
    thread_id: str | None = None
    forum: bool = False
    """The channel is a forum: each gaming session gets a thread of its own."""
    username: str | None = None
    kinds: tuple[str, ...] = field(
        default=("round", "map", "session"), metadata={"choices": ("round", "map", "session")}
    )
    charts: bool = True
    silent: bool = False
    session_end_minutes: int = field(default=30, metadata={"min": 1, "max": 1440})
    digest_after: int = field(default=12, metadata={"min": 1, "max": 10000})
    run_limit: float = field(default=40.0, metadata={"min": 1, "max": 3600})
    round: ChannelConfig = ChannelConfig()
    map: ChannelConfig = ChannelConfig()
    session: ChannelConfig = ChannelConfig()
    servers: Mapping[str, ChannelConfig] = field(default_factory=dict)
