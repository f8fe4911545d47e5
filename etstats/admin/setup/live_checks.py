"""Trying settings for real: the game server, the database, the webhook, the game's own status."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.admin.setup.timezones import Proposal, propose
from etstats.config.locations import location_of
from etstats.config.schema import Config, ServerConfig
from etstats.db.connection import connect
from etstats.db.maintenance import base_facts
from etstats.db.migrations import migrate
from etstats.errors import (
    AccessError,
    ConfigError,
    DiscordError,
    EtstatsError,
    HostKeyError,
    PermanentDiscordError,
    SourceError,
)
from etstats.parser.filename import parse_filename
from etstats.pipeline.database import database_url
from etstats.sync import open_source
from etstats.sync.game_query import query_status
from etstats.sync.source import SftpSettings

_ENOUGH_FILES = 2000  # to tell a clock by


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContents:
    """What a listing of a game server's folder showed; `newest` and `oldest` are stamps of its clock."""

    round_files: int
    other_files: int
    oldest: datetime | None
    newest: datetime | None
    clock: Proposal

    def __str__(self) -> str:
        if not self.round_files:
            others = f" ({self.other_files:,} other files)" if self.other_files else ""
            return f"connected; no round file there yet{others}: is it the right folder?"
        span = f"{self.oldest:%Y-%m-%d} to {self.newest:%Y-%m-%d %H:%M}"
        return f"connected; {self.round_files:,} round files, {span}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownKey:
    """A host key that is in no known_hosts file yet, to be shown to the admin."""

    settings: SftpSettings
    kind: str
    fingerprint: str
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One live test: what was tried, and what came of it; `exit_code` 0 when all is well."""

    subject: str
    text: str
    exit_code: int = 0


def unknown_key(server: ServerConfig, config: Config) -> UnknownKey | None:
    """Ask a server for its host key and return it when no known_hosts file says anything of this server.

    SourceError when it does not answer. A key that changed is not unknown: connecting will refuse it.
    """
    place = location_of(server, config)
    if isinstance(place, Path):
        return None
    from etstats.sync.sftp import known_hosts, ssh_config
    from etstats.sync.sftp import source as sftp_source

    endpoint = ssh_config.resolve(place)
    if known_hosts.known_keys(endpoint.known_hosts, *endpoint.known_as):
        return None
    key = sftp_source.probe_host_key(place)
    return UnknownKey(settings=place, kind=key.kind, fingerprint=key.fingerprint, blob=key.blob)


def trust(key: UnknownKey) -> Path:
    """Write the key that the admin has confirmed to known_hosts; returns the file."""
    from etstats.sync.sftp import source as sftp_source
    from etstats.sync.sftp.known_hosts import HostKey

    return sftp_source.trust(key.settings, HostKey(kind=key.kind, blob=key.blob))


def list_folder(server: ServerConfig, config: Config, *, prefer: tuple[str, ...] = ()) -> FolderContents:
    """Connect and list the folder of the round files; SourceError, AccessError, HostKeyError or ConfigError."""
    with open_source(location_of(server, config)) as source:
        listing = source.look()
    files = listing.files if listing is not None else ()
    rounds = sorted((name.stamp, file.mtime) for file in files if (name := parse_filename(file.name)))
    return FolderContents(
        round_files=len(rounds),
        other_files=len(files) - len(rounds),
        oldest=rounds[0][0] if rounds else None,
        newest=rounds[-1][0] if rounds else None,
        clock=propose(rounds[-_ENOUGH_FILES:], prefer=prefer),
    )


def machine_zone() -> str | None:
    """The zone of this machine, None when it cannot be told."""
    target = str(Path("/etc/localtime").resolve())
    name = target.partition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name).key if name else None
    except (KeyError, ValueError, OSError):
        return None


def try_database(config: Config) -> str:
    """Connect to the database, starting the embedded one, and bring its schema up to date; says what it is."""
    with connect(database_url(config)) as conn:
        applied = migrate(conn)
        facts = base_facts(conn)
    place = "embedded in " + str(config.data_dir) if config.database.url is None else f"base {facts.name}"
    made = f"; schema made ({len(applied)} steps)" if applied else ""
    return f"PostgreSQL {facts.server_version}, {place}, {facts.size_bytes / 1e6:,.0f} MB{made}"


def try_webhook(url: str, thread_id: str | None = None) -> str:
    """Ask Discord what this webhook is, posting nothing; says its name and channel.

    ConfigError: it is none. PermanentDiscordError: it is gone. DiscordError: no answer now.
    """
    from etstats.post.webhook.client import Webhook
    from etstats.post.webhook.responses import Gone, WebhookInfo

    answer = Webhook(url, thread_id).info()
    if isinstance(answer, WebhookInfo):
        return f"webhook {answer.name!r}, channel {answer.channel_id}"
    reason = getattr(answer, "reason", "Discord asks for patience")
    if isinstance(answer, Gone):
        raise PermanentDiscordError(f"the webhook is gone: {reason}. Make a new one in Discord and paste its URL")
    raise DiscordError(f"the webhook cannot be tried now: {reason}")


def post_hello(url: str, thread_id: str | None = None) -> str:
    """Post one line, because the admin asked for it; says what became of it."""
    from etstats.post.render.message import Embed, Message
    from etstats.post.webhook.client import Webhook
    from etstats.post.webhook.responses import Sent

    embed = Embed(title="etstats is set up", colour=0x5B8C5A, description="Rounds will be posted here.")
    outcome = Webhook(url, thread_id).send(Message(embeds=(embed,)), budget=20)
    return (
        "posted" if isinstance(outcome, Sent) else f"not posted: {getattr(outcome, 'reason', 'Discord is busy')}"
    )


def check_all(config: Config, *, trust_keys: bool) -> Iterator[CheckResult]:
    """Try everything the settings name, one after the other; with `trust_keys` unknown host keys are trusted."""
    if not config.servers:
        yield CheckResult(
            subject="servers", text="none is configured; run: etstats init", exit_code=ConfigError.exit_code
        )
    for server in config.servers:
        yield from _server_checks(server, config, trust_keys=trust_keys)
    yield _tried("base", lambda: try_database(config))
    if config.database.read_url is not None:
        replica = replace(config, database=replace(config.database, url=config.database.read_url))
        yield _tried("replica", lambda: _replica(replica))
    webhooks = _webhooks(config)
    for subject, (url, thread) in webhooks.items():
        yield _tried(subject, lambda url=url, thread=thread: try_webhook(url, thread))  # type: ignore[misc]
    if not webhooks:
        yield CheckResult(subject="discord", text="no webhook is set; nothing will be posted")


def worst(checks: Iterable[CheckResult]) -> int:
    """The exit code for all of them: a fault of the settings first, what a later run would repair last."""
    codes = {check.exit_code for check in checks}
    return next((code for code in (1, 4, 2, 3, 75) if code in codes), 0)


def _server_checks(server: ServerConfig, config: Config, *, trust_keys: bool) -> Iterator[CheckResult]:
    subject = f"server {server.name}"
    try:
        key = unknown_key(server, config)
        if key is not None and trust_keys:
            yield CheckResult(
                subject=subject, text=f"host key {key.kind} {key.fingerprint} is trusted now, in {trust(key)}"
            )
        seen = list_folder(server, config, prefer=(server.timezone,))
    except (SourceError, AccessError, HostKeyError, ConfigError) as error:
        yield CheckResult(subject=subject, text=str(error), exit_code=error.exit_code)
        return
    yield CheckResult(subject=subject, text=str(seen))
    if seen.clock.zones and server.timezone not in seen.clock.zones:
        yield CheckResult(
            subject=subject,
            text=f"timezone {server.timezone} does not fit its file names: {_zone_words(seen.clock)}",
            exit_code=ConfigError.exit_code,
        )
    if server.query is not None:
        yield _tried(f"{subject}, game", lambda: str(query_status(server.query or "")))


def _zone_words(clock: Proposal) -> str:
    return f"{', '.join(clock.zones[:3])} would ({clock.agreeing:,} of {clock.judged:,} files)"


def _tried(subject: str, attempt: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(subject=subject, text=attempt())
    except EtstatsError as error:
        return CheckResult(subject=subject, text=str(error), exit_code=error.exit_code)


def _replica(config: Config) -> str:
    with connect(config.database.url or "", read_only=True) as conn:
        return f"PostgreSQL {base_facts(conn).server_version}, read only"


def _webhooks(config: Config) -> dict[str, tuple[str, str | None]]:
    """Each webhook that is set, under the name of its section, once."""
    discord = config.discord
    channels = {
        "discord": (discord.webhook_url, discord.thread_id),
        **{
            f"discord.{kind}": (channel.webhook_url, channel.thread_id)
            for kind, channel in (("round", discord.round), ("map", discord.map), ("session", discord.session))
        },
        **{f"discord.servers.{name}": (c.webhook_url, c.thread_id) for name, c in discord.servers.items()},
    }
    found: dict[str, tuple[str, str | None]] = {}
    for subject, (url, thread) in channels.items():
        if url is not None and (url, thread) not in found.values():
            found[subject] = (url, thread)
    return found
