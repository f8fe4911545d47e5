"""What `init` asks, in order, each answer tried for real before the next question.

The interview knows no terminal: it is given an `Asker`. What a flag has answered is not asked; without a terminal
every question needs its flag, an earlier setting or a default, and the first fault ends it before anything is
written.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from etstats.admin.crontab import play_hours
from etstats.admin.setup import live_checks
from etstats.admin.setup.live_checks import FolderContents
from etstats.admin.setup.settings_file import Section
from etstats.config.schema import Config, ServerConfig
from etstats.errors import ConfigError, EtstatsError
from etstats.site.folder import check_folder

_FOLDER = "~/.etlegacy/legacy/gamestats"
_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
EMBEDDED = "embedded"


class Asker(Protocol):
    """Whoever answers: a person at a terminal, or nobody."""

    is_present: bool

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        """Return an answer, or the default."""

    def confirm(self, question: str, *, default: bool) -> bool:
        """Return yes or no."""
        ...

    def say(self, text: str) -> None:
        """Tell something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetAnswers:
    """Answers known before a question is asked: flags first, then an `.env`; None means: ask."""

    name: str | None = None
    host: str | None = None
    path: str | None = None
    port: int | None = None
    user: str | None = None
    key_file: str | None = None
    remote_path: str | None = None
    timezone: str | None = None
    query: str | None = None
    database: str | None = field(default=None, repr=False)
    """A URL, or `embedded`."""
    webhook: str | None = field(default=None, repr=False)
    """A URL, or empty for none."""
    hours: str | None = None
    site: str | None = None
    """The folder of the site, or empty for none."""
    fingerprint: str | None = None
    trust: bool = False
    post_hello: bool = False
    gap_minutes: int | None = None
    lookback_hours: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is to be written, and the settings as they will then be."""

    server: ServerConfig
    sections: dict[str, Section]
    config: Config
    seen: FolderContents


def interview(given: PresetAnswers, config: Config, asker: Asker) -> Answers:
    """Ask and try everything; raises what the first failing test raised when nobody is there to answer again."""
    server, seen = _server(given, config, asker)
    config = replace(config, servers=(*(s for s in config.servers if s.name != server.name), server))
    sections: dict[str, Section] = {
        "database": {},
        "discord": {},
        "cron": {},
        "sessions": {},
        "sync": {},
        "site": {},
    }
    url = _database(given, config, asker)
    if url is not None:
        new = None if url == EMBEDDED else url
        sections["database"] = {"url": new} | ({"url_file": None})
        config = replace(config, database=replace(config.database, url=new))
    webhook = _webhook(given, config, asker)
    if webhook is not None:
        sections["discord"] = {"webhook_url": webhook or None, "webhook_url_file": None}
        config = replace(config, discord=replace(config.discord, webhook_url=webhook or None))
    hours = _hours(given, config, asker)
    sections["cron"] = {"hours": hours}
    config = replace(config, cron=replace(config.cron, hours=hours))
    site = _site(given, config, asker)
    if site is not None:
        sections["site"] = {"path": site or None}
        config = replace(config, site=replace(config.site, path=site or None))
    if given.gap_minutes is not None:
        sections["sessions"] = {"gap_minutes": given.gap_minutes}
    if given.lookback_hours is not None:
        sections["sync"] = {"lookback_hours": given.lookback_hours}
    return Answers(server=server, sections=sections, config=config, seen=seen)


def server_section(server: ServerConfig) -> Section:
    """The values of a server's table; what does not belong to its kind is taken out."""
    return {
        "host": server.host,
        "path": server.path,
        "port": server.port,
        "user": server.user,
        "key_file": server.key_file,
        "remote_path": server.remote_path,
        "timezone": server.timezone,
        "query": server.query,
    }


def _server(given: PresetAnswers, config: Config, asker: Asker) -> tuple[ServerConfig, FolderContents]:
    name = given.name or (config.servers[0].name if config.servers else "main")
    before = next((s for s in config.servers if s.name == name), ServerConfig(name=name))
    server = _source(given, before, asker)
    while True:
        try:
            _meet(server, config, given, asker)
            seen = live_checks.list_folder(server, config, prefer=_preferred(server))
            asker.say(f"  {seen}")
            break
        except EtstatsError as error:
            if not _again(error, asker):
                seen = _nothing_seen()
                break
            server = _source(replace(PresetAnswers(), name=name), server, asker)
    return replace(server, timezone=_timezone(given, server, seen, asker)), seen


def _source(given: PresetAnswers, before: ServerConfig, asker: Asker) -> ServerConfig:
    """Where the files are: a folder of this machine, or a host."""
    is_local = given.path is not None or (given.host is None and before.path is not None)
    if given.path is None and given.host is None and asker.is_present:
        asker.say("Where are the round files? On a game server reached by SSH, or in a folder of this machine?")
        local = asker.ask("ssh or folder", "folder" if is_local else "ssh").strip().lower()
        is_local = local.startswith("f")
    empty = replace(before, host=None, path=None, port=None, user=None, key_file=None, remote_path=None)
    if is_local:
        path = given.path or asker.ask("Folder of the round files", before.path or _FOLDER)
        return replace(empty, path=path, query=given.query or before.query)
    host = given.host or _host(asker.ask("Game server (host, or user@host)", before.host or ""))
    user, _, host = host.rpartition("@")
    default_user = given.user or before.user or ""
    user = user or given.user or (asker.ask("User", default_user or "et") if given.host is None else default_user)
    port = given.port or before.port
    if given.port is None and asker.is_present and given.host is None:
        port = _port(asker.ask("Port", str(before.port or 22)))
    key = given.key_file or before.key_file or ""
    if given.key_file is None and asker.is_present:
        first = next((path for path in _KEYS if Path(path).expanduser().exists()), "")
        key = asker.ask("Private key (empty: as ssh itself would choose)", key or first)
    folder = given.remote_path or asker.ask("Folder of the round files there", before.remote_path or _FOLDER)
    return replace(
        empty,
        host=host,
        user=user or None,
        port=None if port == 22 else port,
        key_file=key or None,
        remote_path=folder,
        query=given.query or before.query,
    )


def _meet(server: ServerConfig, config: Config, given: PresetAnswers, asker: Asker) -> None:
    """Show a host key that nobody has seen yet, and have it trusted by a person, or by its fingerprint."""
    key = live_checks.unknown_key(server, config)
    if key is None:
        return
    asker.say(f"  The host key of {server.host} is not known yet: {key.kind} {key.fingerprint}")
    if given.fingerprint is not None and given.fingerprint != key.fingerprint:
        raise ConfigError(f"the host key is not the one of --fingerprint; the server shows {key.fingerprint}")
    agreed = given.trust or given.fingerprint == key.fingerprint
    if not agreed and asker.is_present:
        asker.say(
            "  Compare it with what its owner says, or there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        )
        agreed = asker.confirm("  Trust it?", default=False)
    if agreed:
        asker.say(f"  written to {live_checks.trust(key)}")


def _timezone(given: PresetAnswers, server: ServerConfig, seen: FolderContents, asker: Asker) -> str:
    clock = seen.clock
    if clock.zones:
        asker.say(
            f"  Its clock: {', '.join(clock.zones[:4])} fit {clock.agreeing:,} of {clock.judged:,} file names."
        )
    known = server.timezone if server.timezone in clock.zones or not clock.zones else clock.zones[0]
    if server.timezone == "UTC" and not clock.zones:
        known = live_checks.machine_zone() or "UTC"
    if not clock.zones and seen.round_files:
        asker.say("  Its clock cannot be told: the files' times are not those of their names (copied files?).")
    if given.timezone is None and not clock.zones and not asker.is_present:
        asker.say(f"  {known} is taken for its time zone; if that is wrong: etstats init --timezone ZONE")
    while True:
        zone = given.timezone or asker.ask("Time zone of the game server's clock", known)
        given = replace(given, timezone=None)
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            wrong = ConfigError(f"{zone}: no such time zone; expected a name such as Europe/Ljubljana")
            if not asker.is_present:
                raise wrong from error
            asker.say(f"  {wrong}")
            continue
        if clock.zones and zone not in clock.zones:
            asker.say(f"  The file names say otherwise, but {zone} it is: etstats init changes it.")
        return zone


def _database(given: PresetAnswers, config: Config, asker: Asker) -> str | None:
    """A URL, `embedded`, or None to leave what is set."""
    answer = given.database
    while True:
        if answer is None and asker.is_present:
            default = "keep" if config.database.url else EMBEDDED
            text = "Database: `embedded` needs nothing; or postgresql://user:password@host/base"
            answer = asker.ask(text, default, secret=config.database.url is not None)
            answer = None if answer == "keep" else answer
        url = config.database.url if answer is None else None if answer == EMBEDDED else answer
        candidate = replace(config, database=replace(config.database, url=url))
        try:
            asker.say(f"  {live_checks.try_database(candidate)}")
        except EtstatsError as error:
            if not _again(error, asker):
                return answer
            answer = None
            continue
        return answer


def _webhook(given: PresetAnswers, config: Config, asker: Asker) -> str | None:
    """A URL, empty for none, or None to leave what is set."""
    answer = given.webhook
    while True:
        if answer is None and asker.is_present:
            kept = " (Enter keeps the one that is set, `none` removes it)" if config.discord.webhook_url else ""
            answer = asker.ask(
                f"Discord webhook URL; it is not shown{kept or ' (Enter: none for now)'}", secret=True
            )
            answer = "" if answer == "none" else answer or None
        url = config.discord.webhook_url if answer is None else answer
        if not url:
            return answer
        try:
            asker.say(f"  {live_checks.try_webhook(url, config.discord.thread_id)}")
            if given.post_hello or (
                asker.is_present and asker.confirm("  Post a line there now, to see it?", default=False)
            ):
                asker.say(f"  {live_checks.post_hello(url, config.discord.thread_id)}")
        except EtstatsError as error:
            if not _again(error, asker):
                return answer
            answer = None
            continue
        return answer


def _hours(given: PresetAnswers, config: Config, asker: Asker) -> str:
    answer = given.hours
    while True:
        hours = answer or asker.ask("Play hours (of this machine's clock; may pass midnight)", config.cron.hours)
        try:
            play_hours(hours)
        except ConfigError as error:
            if not _again(error, asker):
                return config.cron.hours
            answer = None
            continue
        return hours


def _site(given: PresetAnswers, config: Config, asker: Asker) -> str | None:
    """The folder of the site, empty for none; None: nobody said."""
    answer = given.site
    while True:
        if answer is None and asker.is_present:
            answer = asker.ask(
                "Folder of a static site that follows every import (empty: none)", config.site.path or ""
            )
        if not answer:
            return answer
        try:
            check_folder(Path(answer).expanduser())
        except ConfigError as error:
            if not _again(error, asker):
                return answer
            answer = None
            continue
        return answer


def _again(error: EtstatsError, asker: Asker) -> bool:
    """Tell what went wrong; True to be asked again, False to keep the answer all the same."""
    if not asker.is_present:
        raise error
    asker.say(f"  {error}")
    choice = asker.ask("  (a)nswer again, (k)eep it anyway, (q)uit", "a").strip().lower()
    if choice.startswith("q"):
        raise ConfigError("nothing was written; run etstats init again when you like")
    return not choice.startswith("k")


def _host(answer: str) -> str:
    if not answer.strip():
        raise ConfigError("init needs a game server (--host), or a folder of this machine (--path)")
    return answer.strip()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise ConfigError(f"port {text!r}: a number from 1 to 65535 is expected")
    return int(text)


def _preferred(server: ServerConfig) -> tuple[str, ...]:
    zones = [server.timezone if server.timezone != "UTC" else None, live_checks.machine_zone()]
    return tuple(zone for zone in zones if zone)


def _nothing_seen() -> FolderContents:
    from etstats.admin.setup.timezones import Proposal

    clock = Proposal(zones=(), agreeing=0, judged=0)
    return FolderContents(round_files=0, other_files=0, oldest=None, newest=None, clock=clock)
