"""The only reader of the TOML file and of the environment; what comes out is a frozen `Config`.

Order: flag > environment (`ETSTATS_<SECTION>_<KEY>`) > `$XDG_CONFIG_HOME/etstats/config.toml` > default.
"""

import os
import pwd
import re
import tomllib
import typing
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etstats.config.convert import did_you_mean, from_dict, refuse_if_others_can_read
from etstats.config.schema import Config, ServerConfig
from etstats.errors import ConfigError
from etstats.site.settings import address

_FOLDERS = ("path", "data_dir", "state_dir")
# A database's address is not a secret as long as no password stands in it.
_PASSWORDLESS_URL = re.compile(r"postgres(ql)?://(?!.*password=)([^:@/]*@)?[^@]*$", re.IGNORECASE)


def default_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the configuration is looked for when no flag says so."""
    env = os.environ if environment is None else environment
    if named := env.get("ETSTATS_CONFIG"):
        return Path(named).expanduser()
    return Path(env.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "etstats" / "config.toml"


def load(
    path: Path | None = None, environment: Mapping[str, str] | None = None, *, may_be_missing: bool = False
) -> Config:
    """Read the settings, or raise ConfigError naming the file, the key and the nearest known one.

    A file that was named has to be there, unless it `may_be_missing`.
    """
    env = os.environ if environment is None else environment
    named = path is not None or "ETSTATS_CONFIG" in env
    path = path or default_path(env)
    table = _read_toml(path) if (named and not may_be_missing) or path.exists() else {}
    if _holds_secret(table):
        refuse_if_others_can_read(path)
    data_dir = env.get("ETSTATS_DATA_DIR") or table.pop("data_dir", None) or _default_data_dir(env)
    state_dir = env.get("ETSTATS_STATE_DIR") or table.pop("state_dir", None) or _default_state_dir(env)
    table.pop("data_dir", None)
    table.pop("state_dir", None)
    sections = {name: cls for name, cls in typing.get_type_hints(Config).items() if name not in _FOLDERS}
    for key in table:
        if key not in sections:
            raise ConfigError(f"{path}: [{key}]: no such section{did_you_mean(key, sections)}")
    values = {name: _section(name, cls, table.get(name), path, env) for name, cls in sections.items()}
    config = Config(
        path=path if path.exists() else None,
        data_dir=Path(str(data_dir)).expanduser(),
        state_dir=Path(str(state_dir)).expanduser(),
        **values,
    )
    _check_servers(config.servers, path)
    _check_username(config.discord.username, path)
    address(config.site.url)
    return config


def secrets(config: Config) -> tuple[str, ...]:
    """Every secret value in the settings: what no log or message may show."""
    return tuple(_secret_values(config))


def redacted(config: Config) -> dict[str, Any]:
    """The settings as plain tables for showing, each secret replaced by `(set)`."""
    shown = {f.name: getattr(config, f.name) for f in fields(config)}
    return {key: str(v) if isinstance(v, Path) else _redact(v) for key, v in shown.items() if v is not None}


def environment() -> Mapping[str, str]:
    """The environment, for the few rooms that hand it on: the terminal, a subprocess."""
    return os.environ


def complete_environment() -> None:
    """Set HOME and USER for a user without an entry in /etc/passwd, as containers have them.

    Otherwise `~` and the default user of SSH cannot be resolved, not even where they are not needed.
    """
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        os.environ.setdefault("HOME", "/")
        os.environ.setdefault("USER", str(os.geteuid()))


def only_in_environment(config: Config, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The names of this environment's settings that the file does not hold as well: cron will not see them."""
    env = os.environ if environment is None else environment
    path = config.path or default_path({})
    if load(path, {}, may_be_missing=True) == config:
        return ()
    folders = {"XDG_DATA_HOME", "XDG_STATE_HOME"}
    named = (name for name in env if name.startswith("ETSTATS_") or (name in folders and env[name]))
    return tuple(sorted(name for name in named if name != "ETSTATS_CONFIG"))


def folders_in_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The data and state folders that this environment sets, for writing them down where cron sees them."""
    env = os.environ if environment is None else environment
    names = {"data_dir": "ETSTATS_DATA_DIR", "state_dir": "ETSTATS_STATE_DIR"}
    return {key: str(Path(env[name]).absolute()) for key, name in names.items() if env.get(name)}


def _default_data_dir(env: Mapping[str, str]) -> str:
    if xdg := env.get("XDG_DATA_HOME"):
        return f"{xdg}/etstats"
    # PostgreSQL refuses to run as root, and the account it gets instead cannot enter a private home.
    return "/var/lib/etstats" if os.geteuid() == 0 else "~/.local/share/etstats"


def _default_state_dir(env: Mapping[str, str]) -> str:
    return f"{env.get('XDG_STATE_HOME') or '~/.local/state'}/etstats"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors begin a file with a BOM
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file; make one with: etstats init") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _section(name: str, cls: Any, table: Any, path: Path, env: Mapping[str, str]) -> Any:
    where = f"{path}: [{name}]"
    if name == "servers":
        if table is not None and not isinstance(table, list):
            raise ConfigError(f"{path}: servers: write each one as [[servers]]")
        return tuple(
            from_dict(ServerConfig, t, f"{path}: [[servers]] number {n}") for n, t in enumerate(table or (), 1)
        )
    table = {} if table is None else table
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: this is a section; write it in brackets")
    table = dict(table)
    for f in fields(cls):
        for suffix in ("", "_file") if f.metadata.get("secret") else ("",):
            value = env.get(f"ETSTATS_{name}_{f.name}{suffix}".upper())
            if value is not None:
                table.pop(f.name, None)
                table.pop(f"{f.name}_file", None)
                table[f.name + suffix] = value
    return from_dict(cls, table, where)


def _holds_secret(table: Mapping[str, Any]) -> bool:
    """True when a section holds a key that is a secret in that section, at any depth."""
    hints = typing.get_type_hints(Config)
    for key, section in table.items():
        hint = hints.get(key)
        kinds = [kind for kind in (hint, *typing.get_args(hint)) if is_dataclass(kind)]
        if _holds_any(section, {name for kind in kinds for name in _secret_names(kind)}):
            return True
    return False


def _holds_any(value: Any, names: Collection[str]) -> bool:
    """True when a table, or one inside it, has a value under one of these names."""
    if isinstance(value, list):
        return any(_holds_any(inner, names) for inner in value)
    return isinstance(value, dict) and any(
        (key in names and isinstance(inner, str) and not _PASSWORDLESS_URL.match(inner))
        or _holds_any(inner, names)
        for key, inner in value.items()
    )


def _secret_names(cls: Any) -> Iterator[str]:
    for f in fields(cls):
        if f.metadata.get("secret"):
            yield f.name
    for hint in typing.get_type_hints(cls).values():
        for inner in (hint, *typing.get_args(hint)):
            if is_dataclass(inner):
                yield from _secret_names(inner)


def _secret_values(value: Any) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for f in fields(value):
            inner = getattr(value, f.name)
            if f.metadata.get("secret") and inner:
                yield inner
            else:
                yield from _secret_values(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secret_values(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _secret_values(inner)


def _redact(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        shown = {f.name: (f.metadata.get("secret"), getattr(value, f.name)) for f in fields(value)}
        return {key: "(set)" if secret else _redact(v) for key, (secret, v) in shown.items() if v is not None}
    if isinstance(value, Mapping):
        return {key: _redact(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_redact(inner) for inner in value]
    return value


def _check_servers(servers: tuple[ServerConfig, ...], path: Path) -> None:
    for server in servers:
        where = f"{path}: server {server.name}"
        if (server.host is None) == (server.path is None):
            raise ConfigError(f"{where}: set either host (SFTP) or path (a folder on this machine)")
        if server.host is not None and server.remote_path is None:
            raise ConfigError(f"{where}: remote_path is missing: the folder of the round files on {server.host}")
        try:
            ZoneInfo(server.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(
                f"{where}: timezone {server.timezone}: no such zone; expected a name such as Europe/Ljubljana"
            ) from error
    names = [s.name for s in servers]
    for name in names:
        if not name or "/" in name or name.startswith(".") or not name.isprintable():
            raise ConfigError(f"{path}: server {name!r}: it names a folder too: use letters and digits")
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two servers are named {name}; give each a name of its own")


def _check_username(name: str | None, path: Path) -> None:
    """Discord refuses every message under a name that it does not like, so it is said here."""
    if name is not None and (not 1 <= len(name.strip()) <= 80 or re.search("discord|clyde", name, re.IGNORECASE)):
        raise ConfigError(f'{path}: [discord]: username: 1 to 80 characters, without "discord" or "clyde"')
