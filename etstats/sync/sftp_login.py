"""Logging in with a key, from a file or held by the agent; never a question, for cron has nobody to answer it."""

import stat
from collections.abc import Iterator
from pathlib import Path

from etstats.errors import AccessError, ConfigError, SourceError
from etstats.sync._paramiko import PublicBlob, UnknownKeyType, paramiko
from etstats.sync.remote import shown
from etstats.sync.sftp_config import Endpoint

_MAX_KEYS = 5  # sshd hangs up after six


def log_in(transport: paramiko.Transport, endpoint: Endpoint) -> None:
    """Try the keys in order until one is taken; raises AccessError, ConfigError (key file) or SourceError."""
    tried: list[str] = []
    locked: list[Path] = []
    agent = paramiko.Agent()
    try:
        for key, name in _keys(endpoint, agent, locked):
            if len(tried) == _MAX_KEYS:
                break
            tried.append(name)
            try:
                transport.auth_publickey(endpoint.user, key)
            except paramiko.BadAuthenticationType as error:
                wanted = shown(", ".join(error.allowed_types))
                raise AccessError(
                    f"{endpoint} takes no key from this user, only {wanted}: have its admin allow keys"
                ) from error
            except paramiko.AuthenticationException as error:
                if not transport.is_active() and len(tried) > 1:
                    break  # too many refused keys for this server: it hangs up, and would at the next run too
                if not transport.is_active() or "timeout" in str(error).lower():
                    raise SourceError(
                        f"{endpoint} went silent during the login; the next run tries again"
                    ) from error
                continue
            if transport.is_authenticated():
                return
    finally:
        agent.close()
    raise AccessError(_refusal(endpoint, tried, locked))


def _refusal(endpoint: Endpoint, tried: list[str], locked: list[Path]) -> str:
    if tried:
        key = tried[0] if len(tried) == 1 else f"any of {len(tried)} keys ({', '.join(tried)})"
        return (
            f"{endpoint} refused {key}: add its public half to ~/.ssh/authorized_keys there, "
            "or correct user and key_file"
        )
    if locked:
        return (
            f"the key {locked[0]} has a passphrase and no agent holds it: ssh-add {locked[0]}, "
            "or use a key without one, which cron needs"
        )
    return f"there is no key to log in to {endpoint} with: set key_file, or make one with: ssh-keygen -t ed25519"


def _keys(endpoint: Endpoint, agent: paramiko.Agent, locked: list[Path]) -> Iterator[tuple[paramiko.PKey, str]]:
    """Yield keys with the names to call them by; files that need a passphrase go to `locked`."""
    for path in endpoint.key_files:
        key = _load_key(path)
        if key is None:
            locked.append(path)
        else:
            yield key, str(path)
    if endpoint.is_key_given and not locked:
        return
    wanted = {blob for path in locked if (blob := _public_half(path))} if endpoint.is_key_given else set()
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
            f"{path} is no private key etstats can use (ed25519, ECDSA or RSA in OpenSSH's format): "
            "make one with: ssh-keygen -t ed25519"
        ) from error


def _public_half(path: Path) -> bytes | None:
    """Read the public key that lies beside a private one."""
    try:
        blob: bytes = PublicBlob.from_file(f"{path}.pub").key_blob
    except (OSError, ValueError):
        return None
    return blob
