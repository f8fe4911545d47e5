"""Test settings: connect to the game server, the database, the webhook and the game's status port."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.admin.setup.timezones import Proposal, propose
from etstats.config.locations import location_of
from etstats.config.schema import Config, ServerConfig
from etstats.db import channel_states, embedded, server_status
from etstats.db.connection import connect, database_errors
from etstats.db.maintenance import database_facts
from etstats.db.migrations import migrate
from etstats.domain.text import bytes_in_words
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
from etstats.pipeline.database import connect_to_replica, database_url, replica_url
from etstats.post.publish.destinations import channels_of
from etstats.post.render.message import Embed, Message
from etstats.post.webhook.client import Webhook
from etstats.post.webhook.responses import Gone, Sent, WebhookInfo
from etstats.sync.game_query import query_status
from etstats.sync.opening import open_source
from etstats.sync.sftp import known_hosts, ssh_config
from etstats.sync.sftp import source as sftp_source
from etstats.sync.sftp.known_hosts import HostKey
from etstats.sync.source import FOLDER, Listing, SftpSettings, shown_name

_ENOUGH_FILES = 2000  # enough to detect the time zone
_MANY_FOLDERS = 20
_MANY_NAMES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContents:
    """Result of a listing of a game server's folder; `newest` and `oldest` are in the server's time."""

    round_files: int
    oldest: datetime | None
    newest: datetime | None
    clock: Proposal
    names: tuple[str, ...] = ()
    """Some of the other names in the folder; folders end with a slash."""

    def __str__(self) -> str:
        if not self.round_files:
            if not self.names:
                return "connected; no round file there yet: the folder is empty"
            return f"connected; no round file there yet, but {', '.join(self.names)}"
        span = f"{self.oldest:%Y-%m-%d} to {self.newest:%Y-%m-%d %H:%M}"
        return f"connected; {self.round_files:,} round files, {span}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownKey:
    """A host key that is in no known_hosts file, to show to the admin."""

    settings: SftpSettings
    kind: str
    fingerprint: str
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Result of a test: subject, text, and exit code, 0 for success."""

    subject: str
    text: str
    exit_code: int = 0


class WebhookGoneError(PermanentDiscordError):
    """Discord answered that the webhook does not exist."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the webhook is gone: {reason}. Create a new one in Discord, and give its URL to: etstats init"
        )
        self.reason = reason


def unknown_key(server: ServerConfig, config: Config) -> UnknownKey | None:
    """Return the host key of a server that is in no known_hosts file, else None.

    SourceError if the server does not respond. A changed key is not unknown: connecting refuses it.
    """
    place = location_of(server, config)
    if isinstance(place, Path):
        return None

    endpoint = ssh_config.resolve(place)
    if known_hosts.known_keys(endpoint.known_hosts, *endpoint.known_as):
        return None
    key = sftp_source.probe_host_key(place)
    return UnknownKey(settings=place, kind=key.kind, fingerprint=key.fingerprint, blob=key.blob)


def trust(key: UnknownKey) -> Path:
    """Write a confirmed key to known_hosts; return the path of the file."""

    return sftp_source.trust(key.settings, HostKey(kind=key.kind, blob=key.blob))


def list_folder(server: ServerConfig, config: Config, *, prefer: tuple[str, ...] = ()) -> FolderContents:
    """Connect and list the folder of the round files; SourceError, AccessError, HostKeyError or ConfigError."""
    with open_source(location_of(server, config)) as source:
        listing = source.list_files()
    files = listing.files if listing is not None else ()
    rounds = sorted((name.stamp, file.mtime) for file in files if (name := parse_filename(file.name)))
    return FolderContents(
        round_files=len(rounds),
        oldest=rounds[0][0] if rounds else None,
        newest=rounds[-1][0] if rounds else None,
        clock=propose(rounds[-_ENOUGH_FILES:], prefer=prefer),
        names=() if rounds or listing is None else _some_names(listing),
    )


def folders_with_rounds(server: ServerConfig, config: Config) -> dict[str, int]:
    """Return the subfolders with round files and their number of files, highest first."""
    with open_source(location_of(server, config)) as source:
        listing = source.list_files()
    found: dict[str, int] = {}
    for name in _folders(listing)[:_MANY_FOLDERS] if listing is not None else ():
        path = f"{(server.path or server.remote_path or '').rstrip('/')}/{name}"
        inner = replace(server, path=path) if server.path is not None else replace(server, remote_path=path)
        with suppress(SourceError, AccessError):
            if count := list_folder(inner, config).round_files:
                found[path] = count
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _folders(listing: Listing) -> list[str]:
    return sorted(one.name for one in listing.refused if one.reason == FOLDER)


def _some_names(listing: Listing) -> tuple[str, ...]:
    files = sorted(shown_name(file.name, 40) for file in listing.files)
    names = [f"{name}/" for name in _folders(listing)] + files
    more = len(names) - _MANY_NAMES
    return (*names[:_MANY_NAMES], f"{more:,} more") if more > 0 else tuple(names)


def machine_zone() -> str | None:
    """Return the time zone of this machine, None if it is unknown."""
    target = str(Path("/etc/localtime").resolve())
    name = target.partition("/zoneinfo/")[2]
    try:
        return ZoneInfo(name).key if name else None
    except (KeyError, ValueError, OSError):
        return None


def must_start_database(config: Config) -> bool:
    """Return whether `try_database` starts the embedded PostgreSQL, which takes seconds the first time."""
    return config.database.url is None and not embedded.status(config.data_dir).running


def try_database(config: Config) -> str:
    """Connect to the database (start the embedded one), migrate it, and return a description."""
    with database_errors(), connect(database_url(config)) as conn:
        applied = migrate(conn)
        facts = database_facts(conn)
    place = "embedded in " + str(config.data_dir) if config.database.url is None else f"database {facts.name}"
    made = "; schema created" if applied else ""
    return f"PostgreSQL {facts.server_version}, {place}, {bytes_in_words(facts.size_bytes)}{made}"


def try_webhook(url: str, thread_id: str | None = None) -> str:
    """Query the webhook without posting; return its name and channel.

    ConfigError: not a webhook. WebhookGoneError: it was deleted. DiscordError: no response now.
    """

    answer = Webhook(url, thread_id).info()
    if isinstance(answer, WebhookInfo):
        return f"webhook {answer.name!r}, channel {answer.channel_id}"
    reason = getattr(answer, "reason", "Discord is rate limiting")
    if isinstance(answer, Gone):
        raise WebhookGoneError(reason)
    raise DiscordError(f"the webhook cannot be tested now: {reason}")


def post_hello(url: str, thread_id: str | None = None) -> str:
    """Post a test line; return the result as text."""

    embed = Embed(title="etstats is set up", colour=0x5B8C5A, description="Rounds will be posted here.")
    outcome = Webhook(url, thread_id).send(Message(embeds=(embed,)), budget=20)
    return (
        "posted" if isinstance(outcome, Sent) else f"not posted: {getattr(outcome, 'reason', 'Discord is busy')}"
    )


def check_all(config: Config, *, trust_keys: bool) -> Iterator[CheckResult]:
    """Test all settings in order; with `trust_keys`, trust unknown host keys."""
    if not config.servers:
        yield CheckResult(
            subject="servers", text="none is configured; run: etstats init", exit_code=ConfigError.exit_code
        )
    failures: dict[str, EtstatsError | None] = {}
    for server in config.servers:
        yield from _server_checks(server, config, failures, trust_keys=trust_keys)
    database = _tried("database", lambda: try_database(config))
    yield database
    if not database.exit_code:
        _record(config, failures)
    if config.database.read_url is not None:
        yield _tried("replica", lambda: _replica(config))
    webhooks = _webhooks(config)
    for subject, (url, thread) in webhooks.items():
        yield _tried(subject, lambda url=url, thread=thread: _webhook(config, url, thread))  # type: ignore[misc]
    if not webhooks:
        yield CheckResult(subject="discord", text="no webhook is set; nothing will be posted")


def worst(checks: Iterable[CheckResult]) -> int:
    """Return the exit code for all results: errors of the settings first, temporary errors last."""
    codes = {check.exit_code for check in checks}
    return next((code for code in (1, 4, 2, 3, 75) if code in codes), 0)


def _record(config: Config, failures: Mapping[str, EtstatsError | None]) -> None:
    """Record which servers can be polled, for `health`; a check that changes nothing does not count as a poll."""
    with database_errors(), connect(database_url(config)) as conn:
        known = server_status.statuses(conn)
        for name, error in failures.items():
            before = known[name].failure if name in known else None
            if before != (None if error is None else str(error)):
                server_status.record_connection(conn, name, datetime.now(UTC), error)


def _server_checks(
    server: ServerConfig, config: Config, failures: dict[str, EtstatsError | None], *, trust_keys: bool
) -> Iterator[CheckResult]:
    """Test one server, and put its error into `failures`, or None."""
    subject = f"server {server.name}"
    try:
        key = unknown_key(server, config)
        if key is not None and trust_keys:
            yield CheckResult(
                subject=subject, text=f"host key {key.kind} {key.fingerprint} is now trusted, in {trust(key)}"
            )
        seen = list_folder(server, config, prefer=(server.timezone,))
        failures[server.name] = None
    except (SourceError, AccessError, HostKeyError, ConfigError) as error:
        failures[server.name] = error
        yield CheckResult(subject=subject, text=str(error), exit_code=error.exit_code)
        return
    yield CheckResult(subject=subject, text=str(seen))
    if seen.clock.zones and server.timezone not in seen.clock.zones:
        yield CheckResult(
            subject=subject,
            text=f"timezone {server.timezone} does not match its file names; {_zone_words(seen.clock)}. To set "
            "it: etstats init",
            exit_code=ConfigError.exit_code,
        )
    if server.query is not None:
        yield _tried(f"{subject}, game", lambda: str(query_status(server.query or "")))


def _zone_words(clock: Proposal) -> str:
    return f"{', '.join(clock.zones[:3])} match {clock.agreeing:,} of {clock.judged:,}"


def _tried(subject: str, attempt: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(subject=subject, text=attempt())
    except EtstatsError as error:
        return CheckResult(subject=subject, text=str(error), exit_code=error.exit_code)


def _webhook(config: Config, url: str, thread: str | None) -> str:
    """Test a webhook, and record the result for `health` and the next posts."""
    try:
        return try_webhook(url, thread) + reopen(config, url, thread)
    except WebhookGoneError as error:
        with suppress(EtstatsError), database_errors(), connect(database_url(config)) as conn:
            channel_states.close(conn, channels_of(url, thread), datetime.now(UTC), error.reason)
        raise


def reopen(config: Config, url: str, thread: str | None) -> str:
    """Resume posting to a working webhook; database errors are reported by the check of the database."""
    try:
        with database_errors(), connect(database_url(config)) as conn:
            is_opened = channel_states.reopen(conn, channels_of(url, thread))
    except EtstatsError:
        return ""
    return "; it accepts posts again" if is_opened else ""


def _replica(config: Config) -> str:
    with database_errors(), connect_to_replica(replica_url(config) or "") as conn:
        return f"PostgreSQL {database_facts(conn).server_version}, read only"


def _webhooks(config: Config) -> dict[str, tuple[str, str | None]]:
    """Return each configured webhook once, with the name of its section."""
    discord = config.discord
    channels = {
        "discord": (discord.webhook_url, discord.thread_id),
        **{
            f"discord.{kind}": (channel.webhook_url, channel.thread_id)
            for kind, channel in (("round", discord.round), ("map", discord.map), ("session", discord.session))
        },
        **{
            f"discord.channels.{kind}": (channel.webhook_url, channel.thread_id)
            for kind, channel in discord.channels.items()
        },
        **{
            f"discord.servers.{name}": (server.webhook_url, server.thread_id)
            for name, server in discord.servers.items()
        },
        "discord.admin_webhook_url": (discord.admin_webhook_url, None),
    }
    found: dict[str, tuple[str, str | None]] = {}
    for subject, (url, thread) in channels.items():
        if url is not None and (url, thread) not in found.values():
            found[subject] = (url, thread)
    return found
