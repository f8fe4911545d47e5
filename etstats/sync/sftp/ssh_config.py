"""Resolve the address, keys and jump hosts of a connection from the settings and `~/.ssh/config`."""

import getpass
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from etstats.errors import ConfigError
from etstats.sync.regular_file import read_regular
from etstats.sync.sftp._paramiko import paramiko
from etstats.sync.source import SftpSettings

_DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
_DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
_MAX_JUMPS = 8
_MAX_INCLUDES = 16  # as in OpenSSH
_BLOCKS = ("host", "match")
_SETTING = re.compile(r"(\w+)(?:\s*=\s*|\s+)(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An SSH server to log in to; `via` is its jump host.

    `key_files` are tried in order, then the agent unless `is_key_given`. `known_as`: its host and port in the
    known_hosts files.
    """

    host: str
    port: int
    user: str
    key_files: tuple[Path, ...]
    is_key_given: bool
    known_hosts: tuple[Path, ...]
    known_as: tuple[str, int]
    via: "Endpoint | None" = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.port}"


def resolve(settings: SftpSettings) -> Endpoint:
    """Combine settings and ssh_config. Raises ConfigError.

    Supported: HostName, Port, User, IdentityFile, ProxyJump, UserKnownHostsFile, HostKeyAlias and Include.
    `ProxyCommand` and `Match exec` are not run.
    """
    return _endpoint(_load(settings.ssh_config), settings, settings.host, depth=0)


def _load(path: Path | None) -> paramiko.SSHConfig:
    path = path.expanduser() if path is not None else None
    if path is None or not path.exists():
        return paramiko.SSHConfig()
    try:
        return paramiko.SSHConfig.from_text("\n".join(_lines(path)))
    except (OSError, UnicodeDecodeError, paramiko.SSHException) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def _lines(path: Path, depth: int = 0) -> Iterator[str]:
    """Yield the lines of an ssh_config with its included files, which paramiko does not read."""
    if depth > _MAX_INCLUDES:
        raise ConfigError(f"{path}: Include is nested more than {_MAX_INCLUDES} deep")
    block = "Host *"
    for line in read_regular(path).decode().splitlines():
        key, value = _setting(line)
        if key in _BLOCKS:
            block = line
        if key != "include":
            yield line
            continue
        included = [text for file in _included(value, path) for text in _lines(file, depth + 1)]
        if any(_setting(text)[0] in _BLOCKS for text in included):
            if block != "Host *":
                raise ConfigError(
                    f'{path}: Include below "{block.strip()}" of a file with Host lines is not supported; '
                    "move the Include above the first Host"
                )
            included.append(block)  # ends the last block of the included file
        yield from included


def _setting(line: str) -> tuple[str, str]:
    """Split a line into its keyword, in lower case, and its value."""
    setting = _SETTING.fullmatch(line.strip())
    return (setting[1].lower(), setting[2]) if setting else ("", "")


def _included(patterns: str, path: Path) -> Iterator[Path]:
    """Yield the files that an Include names; relative paths start at ~/.ssh, as in OpenSSH."""
    for pattern in patterns.replace('"', " ").split():
        if "%" in pattern or "$" in pattern:
            raise ConfigError(f"{path}: Include {pattern} is not supported: write it without % and $")
        named = (Path("~/.ssh").expanduser() / Path(pattern).expanduser()).absolute()
        yield from sorted(file for file in Path("/").glob(str(named.relative_to("/"))) if file.is_file())


def _endpoint(
    config: paramiko.SSHConfig,
    settings: SftpSettings,
    name: str,
    depth: int,
    *,
    user: str | None = None,
    port: int | None = None,
) -> Endpoint:
    if depth > _MAX_JUMPS:
        raise ConfigError(f"{settings.ssh_config}: the ProxyJump of {settings.host} forms a loop")
    try:
        found = config.lookup(name)
        configured_port = int(found.get("port", 22))
    except (ImportError, ValueError, KeyError, OSError, paramiko.SSHException) as error:
        raise ConfigError(f"{settings.ssh_config}: cannot use the settings of {name}: {error}") from error
    jump = found.get("proxyjump") or "none"
    if found.get("proxycommand") and jump == "none":
        raise ConfigError(f"{settings.ssh_config}: ProxyCommand of {name} is not supported; use ProxyJump instead")
    # User, port and key of the settings are for the target; those of a jump host come from ssh_config.
    is_target = depth == 0
    key_file = settings.key_file if is_target else None
    files = [str(key_file)] if key_file is not None else found.get("identityfile") or _DEFAULT_KEYS
    paths = [Path(file).expanduser() for file in files]
    number = (settings.port if is_target else port) or configured_port
    return Endpoint(
        host=found["hostname"],
        port=number,
        user=(settings.user if is_target else user) or found.get("user") or getpass.getuser(),
        key_files=tuple(path for path in paths if key_file is not None or path.exists()),
        is_key_given=key_file is not None,
        known_hosts=_known_hosts(settings, found.get("userknownhostsfile")),
        known_as=(alias, 22) if (alias := found.get("hostkeyalias")) else (found["hostname"], number),
        via=None if jump == "none" else _via(config, settings, jump.split(","), depth + 1),
    )


def _via(config: paramiko.SSHConfig, settings: SftpSettings, hops: list[str], depth: int) -> Endpoint:
    """Chain the hops of one ProxyJump; the first hop is reached as configured in ssh_config."""
    user, host, port = _split_hop(hops[-1].strip(), settings)
    endpoint = _endpoint(config, settings, host, depth, user=user, port=port)
    if len(hops) == 1:
        return endpoint
    before = _via(config, settings, hops[:-1], depth + 1)
    return replace(endpoint, via=before)


def _split_hop(hop: str, settings: SftpSettings) -> tuple[str | None, str, int | None]:
    user, _, place = hop.removeprefix("ssh://").rpartition("@")
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    if not host or (port and not port.isdecimal()):
        raise ConfigError(f"{settings.ssh_config}: ProxyJump {hop!r} is not [user@]host[:port]")
    return user or None, host, int(port) if port else None


def _known_hosts(settings: SftpSettings, from_config: str | None) -> tuple[Path, ...]:
    files = [str(settings.known_hosts)] if settings.known_hosts is not None else []
    files += from_config.split() if from_config else []
    return tuple(
        Path(file).expanduser() for file in [*files, *_DEFAULT_KNOWN_HOSTS] if file not in {"none", "/dev/null"}
    )
