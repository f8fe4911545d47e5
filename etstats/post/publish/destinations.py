"""Which webhook and thread each kind of post of each server goes to."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etstats.post.settings import CALENDAR_KINDS, ROUND_KINDS, SERVER_KINDS, ChannelConfig, DiscordConfig
from etstats.post.webhook.address import Address, parse_address

NO_SERVER = 0
"""The server id of messages about all servers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A webhook with its thread; `channel` is a name for it without the secret."""

    channel: str
    url: str
    thread_id: str | None
    forum: bool

    def __repr__(self) -> str:
        return f"Route({self.channel})"


def destination(settings: DiscordConfig, kind: str, server: str) -> Destination | None:
    """Return the destination of a kind of post of a server; a server's channel overrides that of the kind.

    `server` is empty for messages about all servers. None if the kind is disabled, or has no webhook. ConfigError:
    the webhook's URL is not valid.
    """
    if not settings.posts(kind):
        return None
    default = ChannelConfig(webhook_url=settings.webhook_url, thread_id=settings.thread_id)
    by_kind = {
        "round": settings.round,
        "map": settings.map,
        "session": settings.session,
        "admin": ChannelConfig(webhook_url=settings.admin_webhook_url),
    }.get(kind, settings.channels.get(kind, ChannelConfig()))
    url = thread = None
    for level in (default, by_kind, settings.servers.get(server, ChannelConfig())):
        if level.webhook_url:
            # Another webhook is another channel, with other threads.
            url, thread = level.webhook_url, level.thread_id
        else:
            thread = level.thread_id or thread
    if not url:
        return None
    address = parse_address(url, thread)
    # A configured thread overrides forum mode.
    forum = settings.forum and address.thread_id is None
    return Destination(
        channel=_channel(address, forum=forum),
        url=url,
        thread_id=address.thread_id,
        forum=forum,
    )


def destinations(settings: DiscordConfig, servers: Mapping[int, str]) -> dict[tuple[int, str], Destination]:
    """Return the destinations of all servers (id -> name), by server id and kind.

    Digests go where rounds go, else maps. Messages about all servers have the server id `NO_SERVER`.
    """
    pairs = [(server_id, name, kind) for server_id, name in servers.items() for kind in ROUND_KINDS + SERVER_KINDS]
    pairs += [(NO_SERVER, "", kind) for kind in (*CALENDAR_KINDS, "admin")]
    found = {
        (server_id, kind): target
        for server_id, name, kind in pairs
        if (target := destination(settings, kind, name)) is not None
    }
    for server_id in servers:
        target = _first(found.get((server_id, kind)) for kind in ROUND_KINDS)
        if target is not None:
            found[server_id, "digest"] = target
    return found


def channels_of(url: str, thread_id: str | None) -> tuple[str, ...]:
    """Return the names of the channels that a webhook and its thread lead to; ConfigError: not a webhook."""
    address = parse_address(url, thread_id)
    return tuple(_channel(address, forum=forum) for forum in (False, True))


def has_webhook(settings: DiscordConfig) -> bool:
    """Return whether any webhook is configured."""
    by_kind = (settings.round, settings.map, settings.session, *settings.channels.values())
    others = (*by_kind, *settings.servers.values())
    return bool(settings.webhook_url) or any(other.webhook_url for other in others)


def _channel(address: Address, *, forum: bool) -> str:
    name = f"{address.url()}|{address.thread_id or ''}|{forum}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _first(targets: Iterable[Destination | None]) -> Destination | None:
    return next((target for target in targets if target is not None), None)
