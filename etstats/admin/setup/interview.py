"""The questions of `init`; each answer is tested before the next question.

The interview asks through an `Asker`. A question answered by an option is not asked; without a terminal every
question needs an option, an earlier setting or a default, and the first failed test ends `init` before anything is
written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from etstats.admin.setup import live_checks
from etstats.admin.setup.live_checks import FolderContents
from etstats.admin.setup.settings_file import Section
from etstats.admin.setup.timezones import Proposal
from etstats.config.schema import Config, ServerConfig
from etstats.db.migrations import ForeignTablesError
from etstats.domain.rules.hours import hours_of
from etstats.domain.value_formats import check_time_zone
from etstats.errors import AccessError, ConfigError, EtstatsError, FolderError, HostKeyError, InvalidValueError
from etstats.site.folder import check_folder

_FOLDER = "~/.etlegacy/legacy/gamestats"
_KEYS = ("~/.ssh/etlegacy", "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
EMBEDDED = "embedded"
DEFAULT_OWN_SCHEMA = "etstats"
_OWN_SCHEMA = "schema"
_Result = TypeVar("_Result")
_PLACE = "Game server (user@host[:port], or a folder such as ~/gamestats)"


class Asker(Protocol):
    """The source of answers: the user at a terminal, or defaults."""

    is_present: bool

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        """Return an answer, or the default."""

    def confirm(self, question: str, *, default: bool) -> bool:
        """Return yes or no."""
        ...

    def say(self, text: str) -> None:
        """Write a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetAnswers:
    """Answers given before the questions: from options, then from an `.env`; None: ask."""

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
    schema: str | None = None
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
    """The values to write, and the resulting settings."""

    server: ServerConfig
    sections: dict[str, Section]
    config: Config
    contents: FolderContents


def interview(given: PresetAnswers, config: Config, asker: Asker) -> Answers:
    """Ask and test everything; without a terminal, raise the error of the first failed test."""
    server, contents = _server(given, config, asker)
    config = replace(config, servers=(*(other for other in config.servers if other.name != server.name), server))
    sections: dict[str, Section] = {
        "database": {},
        "discord": {},
        "cron": {},
        "sessions": {},
        "sync": {},
        "site": {},
    }
    url, schema = _database(given, config, asker)
    if url is not None:
        new = None if url == EMBEDDED else url
        sections["database"] = {"url": new} | ({"url_file": None})
        config = replace(config, database=replace(config.database, url=new))
    if schema is not None:
        sections["database"] = {**sections["database"], "schema": schema}
        config = replace(config, database=replace(config.database, schema=schema))
    webhook = _webhook(given, config, asker)
    if webhook is not None:
        sections["discord"] = {"webhook_url": webhook or None, "webhook_url_file": None}
        config = replace(config, discord=replace(config.discord, webhook_url=webhook or None))
    if config.discord.webhook_url is not None:
        live_checks.reopen(config, config.discord.webhook_url, config.discord.thread_id)
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
    return Answers(server=server, sections=sections, config=config, contents=contents)


def server_section(server: ServerConfig) -> Section:
    """Return the values of a server's table; keys of the other kind of server are None."""
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
    """Ask for and test the location of the files; a failed test repeats its question."""
    name = given.name or (config.servers[0].name if config.servers else "main")
    before = next((server for server in config.servers if server.name == name), ServerConfig(name=name))
    server = _place(given, before, asker)
    while True:
        try:
            _meet(server, config, given, asker)
            contents = live_checks.list_folder(server, config, prefer=_preferred(server))
            asker.say(f"  {contents}")
        except EtstatsError as error:
            changed = _corrected(server, error, given, asker)
            if changed is None:
                contents = _no_contents()
                break
            server = changed
            continue
        folder = _better_folder(server, config, contents, asker)
        if folder is None:
            break
        server = _with_folder(server, folder)
    return replace(server, timezone=_timezone(given, server, contents, asker)), contents


def _place(given: PresetAnswers, before: ServerConfig, asker: Asker) -> ServerConfig:
    """Return a host, or a folder on this machine; unset values default to those of SSH or the usual folders."""
    query = before.query if given.query is None else given.query or None
    empty = replace(
        before, host=None, path=None, port=None, user=None, key_file=None, remote_path=None, query=query
    )
    if given.path is not None:
        return replace(empty, path=given.path)
    known = before.path or _address(before)
    if given.host is None and not asker.is_present and not known:
        raise ConfigError("init needs a game server (--host), or a folder on this machine (--path)")
    answer, parts = _checked(_PLACE, known, _parts, asker, given.host, may_keep=False)
    if parts is None:
        return replace(empty, path=answer)
    user, host, port = parts
    is_same = host == before.host
    key = given.key_file if given.key_file is not None else (before.key_file or "" if is_same else "")
    if given.key_file is None and not key and Path(_KEYS[0]).expanduser().exists():
        key = _KEYS[0]  # made for this, as docs/setup.md says; ssh does not try it
    return replace(
        empty,
        host=host,
        user=user or given.user or (before.user if is_same else None) or _user(host, asker),
        port=given.port or port or (before.port if is_same else None),
        key_file=key or None,
        remote_path=given.remote_path or (before.remote_path if is_same else None) or _FOLDER,
    )


def _corrected(
    server: ServerConfig, error: EtstatsError, given: PresetAnswers, asker: Asker
) -> ServerConfig | None:
    """Ask again for the answers of a failed test; None: keep them."""
    if not asker.is_present:
        raise error
    if isinstance(error, FolderError):
        asker.say(f"  {error}")
        question = _PLACE if server.path is not None else "Folder of the round files"
        folder = _again(question, server.path or server.remote_path or "", asker)
        if folder is not None and server.path is not None:
            return _moved(server, folder, given, asker)
        return None if folder is None else _with_folder(server, folder)
    if (
        server.path is None
        and isinstance(error, (AccessError, ConfigError))
        and not isinstance(error, HostKeyError)
    ):
        asker.say(f"  {error}")
        first = next((path for path in _KEYS if Path(path).expanduser().exists()), "")
        key = _again("Private key, or another user as user@", server.key_file or first, asker)
        if key is not None and key.endswith("@") and len(key) > 1:
            return replace(server, user=key[:-1])
        return None if key is None else replace(server, key_file=key or None)
    asker.say(f"  {error}")
    answer = _again(_PLACE, server.path or _address(server), asker)
    return None if answer is None else _moved(server, answer, given, asker)


def _moved(server: ServerConfig, answer: str, given: PresetAnswers, asker: Asker) -> ServerConfig:
    """Return the server with another host, or another folder on this machine."""
    answer, parts = _checked(_PLACE, answer, _parts, asker, answer, may_keep=False)
    if parts is None:
        return replace(server, path=answer, host=None, port=None, user=None, key_file=None, remote_path=None)
    user, host, port = parts
    return replace(
        server,
        path=None,
        host=host,
        user=user or server.user or given.user or _user(host, asker),
        port=port,
        key_file=server.key_file or given.key_file,
        remote_path=server.remote_path or given.remote_path or _FOLDER,
    )


def _better_folder(server: ServerConfig, config: Config, contents: FolderContents, asker: Asker) -> str | None:
    """Ask for another folder if this one has no round files; None: use this one."""
    if contents.round_files or not asker.is_present:
        return None
    inside = live_checks.folders_with_rounds(server, config)
    for path, count in inside.items():
        asker.say(f"  {path} has {count:,}")
    here = server.path or server.remote_path or ""
    answer = asker.ask("Folder of the round files", next(iter(inside), here)).strip()
    return None if answer in {"", here} else answer


def _with_folder(server: ServerConfig, folder: str) -> ServerConfig:
    return replace(server, path=folder) if server.path is not None else replace(server, remote_path=folder)


def _parts(answer: str) -> tuple[str, str, int | None] | None:
    """Return user, host and port of `user@host:port`, None for a local folder; ConfigError without a host."""
    if answer.startswith(("/", "~", ".")):
        return None
    user, _, place = answer.strip().rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or ":" in host.strip("[]") or not host:
        host, port = (host, port) if place.startswith("[") and colon and host.endswith("]") else (place, "")
    host = host.strip("[]")
    if not host or host != host.strip() or any(character.isspace() for character in host):
        raise ConfigError(f'"{answer}" has no host; expected user@host, or a folder that starts with / or ~')
    return user, host, _port(port) if port else None


def _address(server: ServerConfig) -> str:
    """Return a server as `user@host:port`; empty without a server."""
    if server.host is None:
        return ""
    user = f"{server.user}@" if server.user else ""
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{user}{host}" + (f":{server.port}" if server.port else "")


def _user(host: str, asker: Asker) -> str | None:
    """Ask for the SSH user; None: the default of SSH."""
    question = f"User on {host} (empty: the default of ssh)"
    return _checked(question, "", _check_user, asker, may_keep=False)[0] or None


def _check_user(user: str) -> None:
    if "@" in user or ":" in user or any(character.isspace() for character in user):
        raise ConfigError(f'"{user}" is not a valid user name; expected the part before the @, such as et')


def _meet(server: ServerConfig, config: Config, given: PresetAnswers, asker: Asker) -> None:
    """Show an unknown host key, and trust it after confirmation or by its fingerprint."""
    key = live_checks.unknown_key(server, config)
    if key is None:
        return
    asker.say(f"  The host key of {server.host} is not known yet: {key.kind} {key.fingerprint}")
    if given.fingerprint is not None and given.fingerprint != key.fingerprint:
        raise ConfigError(f"the host key does not match --fingerprint; the server's is {key.fingerprint}")
    agreed = given.trust or given.fingerprint == key.fingerprint
    if not agreed and asker.is_present:
        asker.say(
            "  Ask the server's owner, or compare on the server: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        )
        agreed = asker.confirm("  Trust it?", default=False)
    if not agreed:
        if asker.is_present:
            raise HostKeyError(f"the host key of {server.host} is not trusted; cannot connect")
        raise HostKeyError(
            f"the host key of {server.host} is not trusted. Compare {key.fingerprint} with the server's own, then "
            f"run init again with --fingerprint {key.fingerprint}, or with --trust"
        )
    asker.say(f"  written to {live_checks.trust(key)}")


def _timezone(given: PresetAnswers, server: ServerConfig, contents: FolderContents, asker: Asker) -> str:
    clock = contents.clock
    if clock.zones:
        asker.say(
            f"  Its clock: {', '.join(clock.zones[:4])} fit {clock.agreeing:,} of {clock.judged:,} file names."
        )
    known = server.timezone if server.timezone in clock.zones or not clock.zones else clock.zones[0]
    if server.timezone == "UTC" and not clock.zones:
        known = live_checks.machine_zone() or "UTC"
    if not clock.zones and contents.round_files:
        asker.say("  cannot detect its time zone: the files' times differ from their names (copied files?)")
    if given.timezone is None and not clock.zones and not asker.is_present:
        asker.say(f"  Using time zone {known}; to change it: etstats init --timezone ZONE")
    zone, is_valid = _checked("Time zone of the game server's clock", known, _check_zone, asker, given.timezone)
    if is_valid and clock.zones and zone not in clock.zones:
        asker.say(f"  Using {zone}, although the file names do not match; to change it: etstats init")
    return zone


def _check_zone(zone: str) -> bool:
    check_time_zone(zone)
    return True


def _database(given: PresetAnswers, config: Config, asker: Asker) -> tuple[str | None, str | None]:
    """Return a URL or `embedded`, and a schema; None: keep the current value."""
    has_url = config.database.url is not None
    url, schema = config.database.url, given.schema

    def check(answer: str) -> None:
        nonlocal url, schema
        if answer == _OWN_SCHEMA:
            schema = DEFAULT_OWN_SCHEMA
        else:
            url = config.database.url if answer == "keep" else None if answer == EMBEDDED else answer
        database = replace(config.database, url=url, schema=schema or config.database.schema)
        tried = replace(config, database=database)
        try:
            if asker.is_present and live_checks.must_start_database(tried):
                asker.say("  starting the embedded PostgreSQL ...")
            asker.say(f"  {live_checks.try_database(tried)}")
        except ForeignTablesError as error:
            if not asker.is_present:
                raise
            raise ConfigError(
                f"{error.reason}; answer `{_OWN_SCHEMA}` (a schema {DEFAULT_OWN_SCHEMA} in that database), "
                f"`{EMBEDDED}`, or another URL"
            ) from error

    question = "Database (embedded, or postgresql://user:password@host/database)"
    given_answer = given.database if given.database or asker.is_present else "keep" if has_url else EMBEDDED
    answer, _ = _checked(
        question, "keep" if has_url else EMBEDDED, check, asker, given_answer, secret=has_url, is_private=True
    )
    if answer == _OWN_SCHEMA:
        return url, schema
    return None if answer == "keep" or (given.database is None and not asker.is_present) else answer, schema


def _webhook(given: PresetAnswers, config: Config, asker: Asker) -> str | None:
    """Return a URL, an empty string for no webhook, or None to keep the current one."""
    current = config.discord.webhook_url

    def check(answer: str) -> None:
        url = "" if answer == "none" else answer or current
        if url:
            asker.say(f"  {live_checks.try_webhook(url, config.discord.thread_id)}")
            if given.post_hello:
                asker.say(f"  {live_checks.post_hello(url, config.discord.thread_id)}")

    kept = "Enter: keep the current one, `none`: remove it" if current else "Enter: none for now"
    question = f"Discord webhook URL, hidden ({kept})"
    answer, _ = _checked(question, "", check, asker, given.webhook, secret=True, is_private=True)
    if given.webhook == "" or answer == "none":
        return ""
    return answer or None


def _hours(given: PresetAnswers, config: Config, asker: Asker) -> str:
    question = "Play hours (in this machine's time; may pass midnight)"
    return _checked(question, config.cron.hours, hours_of, asker, given.hours, may_keep=False)[0]


def _site(given: PresetAnswers, config: Config, asker: Asker) -> str | None:
    """Return the folder of the site, empty for none; None: not given. Ask only if a site is configured."""
    if given.site is None and config.site.path is None:
        return None

    def check(answer: str) -> None:
        if answer and answer != "none":
            check_folder(Path(answer).expanduser())

    question = "Folder of the site, updated after every import (`none`: no site)"
    answer, _ = _checked(question, config.site.path or "", check, asker, given.site)
    return "" if answer == "none" else answer


def _checked(
    question: str,
    default: str,
    check: Callable[[str], _Result],
    asker: Asker,
    given: str | None = None,
    *,
    secret: bool = False,
    is_private: bool = False,
    may_keep: bool = True,
) -> tuple[str, _Result | None]:
    """Ask until `check` accepts the answer; the result is None if the user keeps a failed answer.

    An `is_private` answer may contain a password and is not offered again.
    """
    answer = asker.ask(question, default, secret=secret).strip() if given is None else given
    while True:
        try:
            return answer, check(answer)
        except EtstatsError as error:
            if not asker.is_present:
                raise
            asker.say(f"  {error}")
            # The settings file would be refused with an invalid value.
            is_valid = may_keep and not isinstance(error, InvalidValueError)
            again = _again(question, default if is_private else answer, asker, secret=secret, may_keep=is_valid)
            if again is None:
                return answer, None
            answer = again


def _again(
    question: str, default: str, asker: Asker, *, secret: bool = False, may_keep: bool = True
) -> str | None:
    """Ask a question again; None to keep the failed answer. Quitting raises ConfigError."""
    choices = "k: keep, q: quit" if may_keep else "q: quit"
    answer = asker.ask(f"{question} [{choices}]", default, secret=secret).strip()
    if answer.lower() in {"q", "quit"}:
        raise ConfigError("the configuration was not written; to start again: etstats init")
    return None if may_keep and answer.lower() in {"k", "keep"} else answer


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise ConfigError(f'port "{text}" is not valid; expected a number from 1 to 65535')
    return int(text)


def _preferred(server: ServerConfig) -> tuple[str, ...]:
    zones = [server.timezone if server.timezone != "UTC" else None, live_checks.machine_zone()]
    return tuple(zone for zone in zones if zone)


def _no_contents() -> FolderContents:
    clock = Proposal(zones=(), agreeing=0, judged=0)
    return FolderContents(round_files=0, oldest=None, newest=None, clock=clock)
