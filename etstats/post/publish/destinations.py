"""Which webhook and thread each kind of post of each server goes to."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etstats.post.settings import ChannelConfig, DiscordConfig
from etstats.post.webhook.address import parse_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A way into Discord; `channel` names it without giving it away."""

    channel: str
    url: str
    thread_id: str | None
    forum: bool

    def __repr__(self) -> str:
        return f"Route({self.channel})"


def destination(settings: DiscordConfig, kind: str, server: str) -> Destination | None:
    """Where a kind (`round`, `map`, `session`) of a server goes: the server's own way before the kind's own.

    None when the kind is switched off, or no webhook is set for it. ConfigError: the webhook is none.
    """
    if kind not in settings.kinds:
        return None
    default = ChannelConfig(webhook_url=settings.webhook_url, thread_id=settings.thread_id)
    by_kind = {"round": settings.round, "map": settings.map, "session": settings.session}[kind]
    url = thread = None
    for level in (default, by_kind, settings.servers.get(server, ChannelConfig())):
        if level.webhook_url:
            # Another webhook is another channel, which has threads of its own.
            url, thread = level.webhook_url, level.thread_id
        else:
            thread = level.thread_id or thread
    if not url:
        return None
    address = parse_address(url, thread)
    # Who names a thread wants that one thread.
    forum = settings.forum and address.thread_id is None
    name = f"{address.url()}|{address.thread_id or ''}|{forum}"
    return Destination(
        channel=hashlib.sha256(name.encode()).hexdigest()[:32],
        url=url,
        thread_id=address.thread_id,
        forum=forum,
    )


def destinations(settings: DiscordConfig, servers: Mapping[int, str]) -> dict[tuple[int, str], Destination]:
    """The routes of all servers (id -> name), by server id and kind; digests go where rounds go, else maps."""
    found = {
        (server_id, kind): way
        for server_id, name in servers.items()
        for kind in ("round", "map", "session")
        if (way := destination(settings, kind, name)) is not None
    }
    for server_id in servers:
        way = _first(found.get((server_id, kind)) for kind in ("round", "map", "session"))
        if way is not None:
            found[server_id, "digest"] = way
    return found


def has_webhook(settings: DiscordConfig) -> bool:
    """Whether posting is switched on at all."""
    others = (settings.round, settings.map, settings.session, *settings.servers.values())
    return bool(settings.webhook_url) or any(other.webhook_url for other in others)


def _first(ways: Iterable[Destination | None]) -> Destination | None:
    return next((way for way in ways if way is not None), None)
