"""Logging in with a key, from a file or held by the agent; never a question, for cron has nobody to answer it."""

import stat
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from etstats.errors import AccessError, ConfigError, SourceError
from etstats.sync.sftp._paramiko import PublicBlob, UnknownKeyType, from_thread, paramiko
from etstats.sync.sftp.ssh_config import Endpoint
from etstats.sync.source import shown

_MAX_KEYS = 5  # sshd hangs up after six


@dataclass(slots=True)
class _Attempt:
    """What came of each key: refused by the server, behind a passphrase, or no good as a file."""

    tried: list[str] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    unusable: list[ConfigError] = field(default_factory=list)


def log_in(transport: paramiko.Transport, endpoint: Endpoint) -> None:
    """Try the keys in order until one is taken; raises AccessError, ConfigError (key file) or SourceError."""
    attempt = _Attempt()
    with closing(_keys(endpoint, attempt)) as keys:
        for key, name in keys:
            attempt.tried.append(name)
            if _is_taken(transport, endpoint, key, is_first=len(attempt.tried) == 1):
                return
            if len(attempt.tried) == _MAX_KEYS or not transport.is_active():
                break
    raise _refusal(endpoint, attempt)


def _is_taken(transport: paramiko.Transport, endpoint: Endpoint, key: paramiko.PKey, *, is_first: bool) -> bool:
    try:
        with from_thread():
            transport.auth_publickey(endpoint.user, key)
    except paramiko.BadAuthenticationType as error:
        wanted = shown(", ".join(error.allowed_types))
        raise AccessError(
            f"{endpoint} takes no key from this user, only {wanted}: have its admin allow keys"
        ) from error
    except paramiko.AuthenticationException as error:
        # A server that hangs up at a later key has had too many refused ones, and would at the next run too.
        if (is_first and not transport.is_active()) or "timeout" in str(error).lower():
            raise SourceError(f"{endpoint} went silent during the login; the next run tries again") from error
        return False
    return transport.is_authenticated()


def _refusal(endpoint: Endpoint, attempt: _Attempt) -> AccessError | ConfigError:
    tried, locked = attempt.tried, attempt.locked
    if tried:
        key = tried[0] if len(tried) == 1 else f"any of {len(tried)} keys ({', '.join(tried)})"
        return AccessError(
            f"{endpoint} refused {key}: add its public half to ~/.ssh/authorized_keys there, "
            "or correct user and key_file"
        )
    if attempt.unusable:
        return attempt.unusable[0]
    if locked:
        return AccessError(
            f"the key {locked[0]} has a passphrase and no agent holds it: ssh-add {locked[0]}, "
            "or use a key without one, which cron needs"
        )
    return AccessError(
        f"there is no key to log in to {endpoint} with: set key_file, or make one with: ssh-keygen -t ed25519"
    )


def _keys(endpoint: Endpoint, attempt: _Attempt) -> Generator[tuple[paramiko.PKey, str]]:
    """Yield keys with the names to call them by: the files', then the agent's.

    A key that was named and is locked is looked for in the agent; when none was named, all its keys are tried.
    """
    for path in endpoint.key_files:
        try:
            key = _load_key(path)
        except ConfigError as error:
            attempt.unusable.append(error)
            continue
        if key is None:
            attempt.locked.append(path)
        else:
            yield key, str(path)
    if endpoint.is_key_given and not attempt.locked:
        return
    wanted = {blob for path in attempt.locked if endpoint.is_key_given and (blob := _public_half(path))}
    with suppress(paramiko.SSHException), closing(paramiko.Agent()) as agent:
        for held in agent.get_keys():
            if not wanted or held.asbytes() in wanted:
                yield held, f"the agent's key {shown(held.comment or held.get_name(), 60)}"


def _load_key(path: Path) -> paramiko.PKey | None:
    """Load a private key, or None when it needs a passphrase; raises ConfigError when it cannot be used."""
    try:
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigError(
                f"the key {path} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {path}"
            )
        return paramiko.PKey.from_path(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no key {path}: correct key_file, or make it with: ssh-keygen -t ed25519"
        ) from error
    except OSError as error:
        raise ConfigError(f"cannot read the key {path}: {(error.strerror or str(error)).lower()}") from error
    except (TypeError, paramiko.PasswordRequiredException):
        return None  # cryptography's and paramiko's way to ask for a passphrase
    except (ValueError, paramiko.SSHException, UnknownKeyType) as error:
        raise ConfigError(
            f"{path} is not a private key that etstats can use (ed25519, ECDSA or RSA in OpenSSH's format): "
            "make one with: ssh-keygen -t ed25519"
        ) from error


def _public_half(path: Path) -> bytes | None:
    """Read the public key next to a private one."""
    try:
        blob: bytes = PublicBlob.from_file(f"{path}.pub").key_blob
    except (OSError, ValueError):
        return None
    return blob
