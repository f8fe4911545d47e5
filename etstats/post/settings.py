"""The `[discord]` settings: what to post, and where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal

from etstats.domain.rules.hours import hours_of
from etstats.domain.value_formats import check_thread_id, check_username
from etstats.post.render.dates import LANGUAGES
from etstats.post.webhook.address import parse_address

ROUND_KINDS = ("round", "map", "session")
"""The kinds of posts that are about stored rounds."""
SERVER_KINDS = ("status", "game_on", "session_start")
"""The kinds of messages about a game server now."""
CALENDAR_KINDS = ("recap_week", "recap_month", "season", "morning", "on_this_day")
"""The kinds of messages that are sent once in a time span, about all servers."""
KINDS = (*ROUND_KINDS, *SERVER_KINDS, *CALENDAR_KINDS)

Style = Literal["compact", "full"]
TimezoneOf = Callable[[str], tzinfo]
"""The time zone of a server, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """A Discord destination: the address of a webhook and optionally a thread of its channel."""

    webhook_url: str | None = field(default=None, metadata={"secret": True, "format": parse_address})
    thread_id: str | None = field(default=None, metadata={"format": check_thread_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordConfig:
    """What to post, and where.

    `[discord.round]`, `[discord.map]`, `[discord.session]`, `[discord.channels.KIND]` and `[discord.servers.NAME]`
    send one kind, or one server, to another channel.
    """

    webhook_url: str | None = field(default=None, metadata={"secret": True, "format": parse_address})
    thread_id: str | None = field(default=None, metadata={"format": check_thread_id})
    forum: bool = False
    """The channel is a forum: each gaming session gets a thread of its own."""
    username: str | None = field(default=None, metadata={"format": check_username})
    kinds: tuple[str, ...] = field(default=ROUND_KINDS, metadata={"choices": KINDS})
    status: bool = False
    """One message per server about who is on it now; as the kind `status`."""
    game_on_players: int = field(default=6, metadata={"min": 1, "max": 64})
    """How many players a server needs for the kind `game_on`."""
    quiet_hours: str = field(default="", metadata={"format": hours_of})
    """Hours such as 1-9, by the clock of the server: posts are sent without a notification."""
    admin_webhook_url: str | None = field(default=None, metadata={"secret": True, "format": parse_address})
    """Where findings of `health` are shown, in one message."""
    style: Style = field(default="compact", metadata={"choices": ("compact", "full")})
    """Compact posts fit a phone's screen; full ones carry every table in text."""
    date_language: str = field(default="en", metadata={"choices": tuple(LANGUAGES)})
    """The language of months in titles; other dates are Discord's own, in the language of each reader."""
    charts: bool = True
    silent: bool = False
    session_end_minutes: int = field(default=30, metadata={"min": 1, "max": 1440})
    digest_after: int = field(default=12, metadata={"min": 1, "max": 10000})
    run_limit: float = field(default=40.0, metadata={"min": 1, "max": 3600})
    round: ChannelConfig = ChannelConfig()
    map: ChannelConfig = ChannelConfig()
    session: ChannelConfig = ChannelConfig()
    channels: Mapping[str, ChannelConfig] = field(default_factory=dict)
    """Channels of the other kinds."""
    servers: Mapping[str, ChannelConfig] = field(default_factory=dict)

    def is_quiet(self, now: datetime, zone: tzinfo) -> bool:
        """Return whether messages cause no notification at this time in this zone."""
        return self.silent or (bool(self.quiet_hours) and now.astimezone(zone).hour in hours_of(self.quiet_hours))

    def posts(self, kind: str) -> bool:
        """Return whether messages of a kind are posted."""
        if kind == "admin":
            return self.admin_webhook_url is not None
        return kind in self.kinds or (kind == "status" and self.status)
