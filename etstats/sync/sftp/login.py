"""Logging in with a key, from a file or held by the agent; never a question, for cron has nobody to answer it."""

import io
import stat
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from etstats.errors import AccessError, ConfigError, SourceError
from etstats.sync.sftp._paramiko import AuthHandler, PublicBlob, from_thread, paramiko
from etstats.sync.sftp.ssh_config import Endpoint
from etstats.sync.source import shown

_MAX_KEYS = 5  # sshd hangs up after six
_CERTIFICATE = "-cert.pub"
_KEY_CLASSES = (
    (ed25519.Ed25519PrivateKey, PrivateFormat.OpenSSH, paramiko.Ed25519Key),
    (ec.EllipticCurvePrivateKey, PrivateFormat.TraditionalOpenSSL, paramiko.ECDSAKey),
    (rsa.RSAPrivateKey, PrivateFormat.TraditionalOpenSSL, paramiko.RSAKey),
)


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
            if is_first:
                transport.auth_publickey(endpoint.user, key)
            else:
                _try_another(transport, endpoint.user, key)
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


class _LaterAttempt(AuthHandler):
    """Authentication over a transport on which the service was requested before.

    Paramiko requests it again for each key, and some servers hang up then. Its AuthOnlyHandler does not, but loses
    an answer that comes at once.
    """

    def _request_auth(self) -> None:
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        self._parse_service_accept(accepted)  # type: ignore[attr-defined]  # private, as what it is called by


def _try_another(transport: paramiko.Transport, user: str, key: paramiko.PKey) -> None:
    answered = threading.Event()
    transport.auth_handler = _LaterAttempt(transport)
    transport.auth_handler.auth_publickey(user, key, answered)
    transport.auth_handler.wait_for_response(answered)


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
            continue
        # As ssh does: the certificate next to the key first, then the key alone.
        if _has_certificate(key, path):
            yield key, f"{path}{_CERTIFICATE}"
            key.public_blob = None
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
        return _private_key(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no key {path}: correct key_file, or make it with: ssh-keygen -t ed25519"
        ) from error
    except OSError as error:
        raise ConfigError(f"cannot read the key {path}: {(error.strerror or str(error)).lower()}") from error
    except (TypeError, paramiko.PasswordRequiredException):
        return None  # cryptography's and paramiko's way to ask for a passphrase
    except (ValueError, UnsupportedAlgorithm, paramiko.SSHException) as error:
        raise ConfigError(
            f"{path} is not a private key that etstats can use (ed25519, ECDSA or RSA in OpenSSH's format): "
            "make one with: ssh-keygen -t ed25519"
        ) from error


def _private_key(data: bytes) -> paramiko.PKey:
    """Decode a private key of any usual format.

    Paramiko's own decoder refuses PKCS 8, ECDSA keys of some programs, and a good key next to which a damaged
    certificate lies. So it gets each key in the one format that it reads.
    """
    loaded: object
    try:
        loaded = serialization.load_ssh_private_key(data, password=None)
    except ValueError:
        loaded = serialization.load_pem_private_key(data, password=None)
    for kind, form, key_class in _KEY_CLASSES:
        if isinstance(loaded, kind):
            text = loaded.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
            return key_class.from_private_key(io.StringIO(text))
    raise ValueError(f"a key of type {type(loaded).__name__}")


def _has_certificate(key: paramiko.PKey, path: Path) -> bool:
    """Load the certificate that lies next to a key; False when there is none, or it is not of this key's type."""
    try:
        blob = PublicBlob.from_file(f"{path}{_CERTIFICATE}")
    except (OSError, ValueError):
        return False
    if not blob.key_type.startswith(key.get_name()) or not blob.key_type.endswith("-cert-v01@openssh.com"):
        return False
    key.public_blob = blob
    return True


def _public_half(path: Path) -> bytes | None:
    """Read the public key next to a private one."""
    try:
        blob: bytes = PublicBlob.from_file(f"{path}.pub").key_blob
    except (OSError, ValueError):
        return None
    return blob
