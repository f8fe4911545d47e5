"""Read the TOML file and the environment into a frozen `Config`.

Order: flag > environment (`ETSTATS_<SECTION>_<KEY>`) > `$XDG_CONFIG_HOME/etstats/config.toml` > default.
"""

import os
import re
import tomllib
import typing
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from etstats.config.convert import convert, did_you_mean, expanded, from_dict, refuse_if_others_can_read
from etstats.config.environment import state_dir_without_settings
from etstats.config.schema import Config, ServerConfig
from etstats.errors import ConfigError
from etstats.post.settings import KINDS
from etstats.sync.regular_file import read_regular

_FOLDERS = ("path", "data_dir", "state_dir")
# A database URL is secret only if it contains a password.
_PASSWORDLESS_URL = re.compile(r"postgres(ql)?://(?!.*password=)([^:@/]*@)?[^@]*$", re.IGNORECASE)


def default_path(environment: Mapping[str, str] | None = None) -> Path:
    """Return the path of the configuration file if no option names one."""
    env = os.environ if environment is None else environment
    if named := env.get("ETSTATS_CONFIG"):
        return Path(named).expanduser()
    return Path(env.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "etstats" / "config.toml"


def load(
    path: Path | None = None, environment: Mapping[str, str] | None = None, *, may_be_missing: bool = False
) -> Config:
    """Read the settings, or raise ConfigError naming the file, the key and the nearest known one.

    A named file must exist, unless it `may_be_missing`.
    """
    env = os.environ if environment is None else environment
    named = path is not None or "ETSTATS_CONFIG" in env
    path = path or default_path(env)
    table = _read_toml(path) if (named and not may_be_missing) or path.exists() else {}
    if _holds_secret(table):
        refuse_if_others_can_read(path)
    data_dir = _folder("data_dir", table, path, env) or _default_data_dir(env)
    state_dir = _folder("state_dir", table, path, env) or state_dir_without_settings(env)
    sections = {name: cls for name, cls in typing.get_type_hints(Config).items() if name not in _FOLDERS}
    for key in table:
        if key not in sections:
            raise ConfigError(f"{path}: [{key}]: no such section{did_you_mean(key, sections)}")
    values = {name: _section(name, cls, table.get(name), path, env) for name, cls in sections.items()}
    config = Config(
        path=path if path.exists() else None,
        data_dir=expanded(data_dir, f"{path}: data_dir"),
        state_dir=expanded(state_dir, f"{path}: state_dir"),
        **values,
    )
    _check_servers(config.servers, path)
    for kind in config.discord.channels:
        if kind not in KINDS:
            raise ConfigError(f"{path}: [discord.channels.{kind}]: no such kind{did_you_mean(kind, KINDS)}")
    return config


def secrets(config: Config) -> tuple[str, ...]:
    """Return all secret values of the settings, to remove them from logs and messages."""
    return tuple(_secret_values(config))


def redacted(config: Config) -> dict[str, Any]:
    """Return the settings as plain tables, with each secret replaced by `(set)`."""
    shown = {field.name: getattr(config, field.name) for field in fields(config)}
    return {
        key: str(value) if isinstance(value, Path) else _redact(value)
        for key, value in shown.items()
        if value is not None
    }


def environment() -> Mapping[str, str]:
    """Return the environment, for the modules that need all of it: the terminal, a subprocess."""
    return os.environ


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Return a line for each `ETSTATS_...` variable that is not a setting, with the nearest one."""
    env = os.environ if environment is None else environment
    known = {"ETSTATS_CONFIG", "ETSTATS_DATA_DIR", "ETSTATS_STATE_DIR"}
    for section, cls in typing.get_type_hints(Config).items():
        if section in _FOLDERS or section == "servers":
            continue
        for field in fields(cls):
            name = f"ETSTATS_{section}_{field.name}".upper()
            known |= {name, f"{name}_FILE"} if field.metadata.get("secret") else {name}
    return [
        f"{name} is not a setting and is ignored{did_you_mean(name, known)}"
        for name in sorted(env)
        if name.startswith("ETSTATS_") and not name.startswith("ETSTATS_TEST_") and name not in known
    ]


def only_in_environment(config: Config) -> tuple[str, ...]:
    """Return the variables of this environment whose settings are not in the file; cron does not see them."""
    path = config.path or default_path({})
    if load(path, {}, may_be_missing=True) == config:
        return ()
    folders = {"XDG_DATA_HOME", "XDG_STATE_HOME"}
    named = (name for name in os.environ if name.startswith("ETSTATS_") or (name in folders and os.environ[name]))
    return tuple(sorted(name for name in named if name != "ETSTATS_CONFIG"))


def folders_in_environment() -> dict[str, str]:
    """Return the data and state folders set in this environment, to write them into the settings file for cron."""
    names = {"data_dir": "ETSTATS_DATA_DIR", "state_dir": "ETSTATS_STATE_DIR"}
    return {key: str(Path(os.environ[name]).absolute()) for key, name in names.items() if os.environ.get(name)}


def _default_data_dir(env: Mapping[str, str]) -> str:
    if xdg := env.get("XDG_DATA_HOME"):
        return f"{xdg}/etstats"
    # PostgreSQL refuses to run as root; the account that runs it cannot enter a private home.
    return "/var/lib/etstats" if os.geteuid() == 0 else "~/.local/share/etstats"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_regular(path).decode("utf-8-sig"))  # some editors write a BOM
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file; create one with: etstats init") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason}; save it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:  # the latter: thousands of nested brackets
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _folder(key: str, table: dict[str, Any], path: Path, env: Mapping[str, str]) -> str | None:
    """Take a folder from the table, unless the environment sets it; None if neither does."""
    given = table.pop(key, None)
    variable = f"ETSTATS_{key}".upper()
    if env.get(variable):
        return str(convert(str, env[variable], variable))
    return None if given is None else str(convert(str, given, f"{path}: {key}"))


def _section(name: str, cls: Any, table: Any, path: Path, env: Mapping[str, str]) -> Any:
    where = f"{path}: [{name}]"
    if name == "servers":
        if table is not None and not isinstance(table, list):
            raise ConfigError(f"{path}: servers: expected a section for each server, written as [[servers]]")
        return tuple(
            from_dict(ServerConfig, entry, f"{path}: [[servers]] {_named(entry) or f'number {number}'}")
            for number, entry in enumerate(table or (), 1)
        )
    table = {} if table is None else table
    if not isinstance(table, dict):
        return from_dict(cls, table, where)  # which refuses it
    table, variables = dict(table), {}
    for field in fields(cls):
        for suffix in ("", "_file") if field.metadata.get("secret") else ("",):
            variable = f"ETSTATS_{name}_{field.name}{suffix}".upper()
            if variable in env:
                table.pop(field.name, None)
                table.pop(f"{field.name}_file", None)
                table[field.name + suffix] = env[variable]
                variables[field.name + suffix] = variable
    return from_dict(cls, table, where, variables)


def _named(table: Any) -> str | None:
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) else None


def _holds_secret(table: Mapping[str, Any]) -> bool:
    """Return whether a section contains a key that is a secret in that section, at any depth."""
    hints = typing.get_type_hints(Config)
    for key, section in table.items():
        hint = hints.get(key)
        kinds = [kind for kind in (hint, *typing.get_args(hint)) if is_dataclass(kind)]
        if _holds_any(section, {name for kind in kinds for name in _secret_names(kind)}):
            return True
    return False


def _holds_any(value: Any, names: Collection[str]) -> bool:
    """Return whether a table, or a nested table, has one of these keys."""
    if isinstance(value, list):
        return any(_holds_any(inner, names) for inner in value)
    return isinstance(value, dict) and any(
        (key in names and isinstance(inner, str) and not _PASSWORDLESS_URL.match(inner))
        or _holds_any(inner, names)
        for key, inner in value.items()
    )


def _secret_names(cls: Any) -> Iterator[str]:
    for field in fields(cls):
        if field.metadata.get("secret"):
            yield field.name
    for hint in typing.get_type_hints(cls).values():
        for inner in (hint, *typing.get_args(hint)):
            if is_dataclass(inner):
                yield from _secret_names(inner)


def _secret_values(value: Any) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            inner = getattr(value, field.name)
            if field.metadata.get("secret") and inner:
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
        shown = {field.name: (field.metadata.get("secret"), getattr(value, field.name)) for field in fields(value)}
        return {
            key: "(set)" if secret else _redact(value)
            for key, (secret, value) in shown.items()
            if value is not None
        }
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
    names = [server.name for server in servers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two servers are named {name}; give each a different name")
