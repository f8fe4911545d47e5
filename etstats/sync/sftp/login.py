"""Log in with a key from a file or the agent; never prompt, because cron jobs have no terminal."""

import io
import shlex
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
from etstats.sync.regular_file import read_regular
from etstats.sync.sftp._paramiko import AuthHandler, PublicBlob, from_thread, paramiko
from etstats.sync.sftp.ssh_config import Endpoint
from etstats.sync.source import shown

_MAX_KEYS = 5  # sshd closes the connection after six
_CERTIFICATE = "-cert.pub"
_PUBLIC = (b"ssh-", b"ecdsa-", b"sk-ssh-", b"sk-ecdsa-")  # the first word of a public key's line
_KEY_CLASSES = (
    (ed25519.Ed25519PrivateKey, PrivateFormat.OpenSSH, paramiko.Ed25519Key),
    (ec.EllipticCurvePrivateKey, PrivateFormat.TraditionalOpenSSL, paramiko.ECDSAKey),
    (rsa.RSAPrivateKey, PrivateFormat.TraditionalOpenSSL, paramiko.RSAKey),
)


@dataclass(slots=True)
class _Outcome:
    """The result of each key: refused by the server, protected by a passphrase, or an invalid file."""

    tried: list[str] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    unusable: list[ConfigError] = field(default_factory=list)


def log_in(transport: paramiko.Transport, endpoint: Endpoint) -> None:
    """Try the keys in order until one is accepted; raises AccessError, ConfigError (key file) or SourceError."""
    outcome = _Outcome()
    with closing(_keys(endpoint, outcome)) as keys:
        for key, name in keys:
            outcome.tried.append(name)
            if _is_accepted(transport, endpoint, key, is_first=len(outcome.tried) == 1):
                return
            if len(outcome.tried) == _MAX_KEYS or not transport.is_active():
                break
    raise _refusal(endpoint, outcome)


def _is_accepted(transport: paramiko.Transport, endpoint: Endpoint, key: paramiko.PKey, *, is_first: bool) -> bool:
    try:
        with from_thread():
            _authenticate(transport, endpoint.user, key, is_first=is_first)
    except paramiko.BadAuthenticationType as error:
        wanted = shown(", ".join(error.allowed_types))
        raise AccessError(
            f"{endpoint} does not accept keys from this user, only {wanted}: ask its admin to allow keys"
        ) from error
    except paramiko.AuthenticationException as error:
        # A server that closes the connection at a later key has refused too many; a retry would fail as well.
        if (is_first and not transport.is_active()) or "timeout" in str(error).lower():
            raise SourceError(f"{endpoint} stopped answering at the login; the next run tries again") from error
        return False
    return transport.is_authenticated()


class _Attempt(AuthHandler):
    """Authenticate without waiting for the service request to be accepted, which saves a round trip.

    The service is requested before the first key only: paramiko requests it for each key, and some servers then
    close the connection. Paramiko's AuthOnlyHandler avoids that but loses an immediate answer.
    """

    def __init__(self, transport: paramiko.Transport, *, is_first: bool) -> None:
        super().__init__(transport)
        self._is_first = is_first

    def _request_auth(self) -> None:
        if self._is_first:
            super()._request_auth()  # type: ignore[misc]  # private, like the method called below
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        super()._parse_service_accept(accepted)  # type: ignore[misc]

    def _parse_service_accept(self, _message: paramiko.Message) -> None:
        """Ignore the answer to the service request; the key has been sent already."""


def _authenticate(transport: paramiko.Transport, user: str, key: paramiko.PKey, *, is_first: bool) -> None:
    if is_first and key.get_name() == "ssh-rsa":
        # The signatures that a server accepts for an RSA key are known only after the service is accepted.
        transport.auth_publickey(user, key)
        return
    answered = threading.Event()
    transport.auth_handler = _Attempt(transport, is_first=is_first)
    transport.auth_handler.auth_publickey(user, key, answered)
    transport.auth_handler.wait_for_response(answered)


def _refusal(endpoint: Endpoint, outcome: _Outcome) -> AccessError | ConfigError:
    tried, locked = outcome.tried, outcome.locked
    if tried:
        key = tried[0] if len(tried) == 1 else f"any of {len(tried)} keys ({', '.join(tried)})"
        place = "to ~/.ssh/authorized_keys there"
        if endpoint.via is None and key in map(str, endpoint.key_files):
            place = f"with: {_copy_command(endpoint, key)}"
        return AccessError(f"{endpoint} refused {key}; correct user and key_file, or add its public half {place}")
    if outcome.unusable:
        return outcome.unusable[0]
    if locked:
        return AccessError(
            f"the key {locked[0]} has a passphrase and is not in the agent: ssh-add {locked[0]}, "
            "or use a key without one, which cron needs"
        )
    return AccessError(f"no key to log in to {endpoint}: set key_file, or create one with: ssh-keygen -t ed25519")


def _copy_command(endpoint: Endpoint, key: str) -> str:
    """Return the command that adds a key on the server, for someone who has a password there."""
    port = "" if endpoint.port == 22 else f" -p {endpoint.port}"
    return f"ssh-copy-id -i {shlex.quote(key)}{port} {shlex.quote(f'{endpoint.user}@{endpoint.host}')}"


def _keys(endpoint: Endpoint, outcome: _Outcome) -> Generator[tuple[paramiko.PKey, str]]:
    """Yield keys with their names for messages: key files first, then the agent.

    If a configured key has a passphrase, it is looked up in the agent; if none is configured, all agent keys are
    tried.
    """
    for path in endpoint.key_files:
        try:
            key = _load_key(path)
        except ConfigError as error:
            outcome.unusable.append(error)
            continue
        if key is None:
            outcome.locked.append(path)
            continue
        # As in OpenSSH: the certificate next to the key first, then the key alone.
        if _has_certificate(key, path):
            yield key, f"{path}{_CERTIFICATE}"
            key.public_blob = None
        yield key, str(path)
    if endpoint.is_key_given and not outcome.locked:
        return
    wanted = {blob for path in outcome.locked if endpoint.is_key_given and (blob := _public_half(path))}
    with suppress(paramiko.SSHException), closing(paramiko.Agent()) as agent:
        for held in agent.get_keys():
            if not wanted or held.asbytes() in wanted:
                yield held, f"the agent's key {shown(held.comment or held.get_name(), 60)}"


def _load_key(path: Path) -> paramiko.PKey | None:
    """Load a private key; None if it needs a passphrase. Raises ConfigError if it cannot be used."""
    try:
        data = read_regular(path)
        if data.startswith(_PUBLIC):
            raise ConfigError(f"{path} is the public half of a key: give the private one, {path.with_suffix('')}")
        status = path.stat()
        if b"PRIVATE KEY" in data and stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigError(
                f"the key {path} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): chmod 600 {path}"
            )
        return _private_key(data)
    except FileNotFoundError as error:
        raise ConfigError(
            f"the key {path} does not exist: correct key_file, or create it with: "
            f"ssh-keygen -t ed25519 -N '' -f {shlex.quote(str(path))}"
        ) from error
    except OSError as error:
        raise ConfigError(f"cannot read the key {path}: {(error.strerror or str(error)).lower()}") from error
    except (TypeError, paramiko.PasswordRequiredException):
        return None  # how cryptography and paramiko report a missing passphrase
    except (ValueError, UnsupportedAlgorithm, paramiko.SSHException) as error:
        raise ConfigError(
            f"{path} is not a private key that etstats can use (ed25519, ECDSA or RSA in OpenSSH's format): "
            "make one with: ssh-keygen -t ed25519"
        ) from error


def _private_key(data: bytes) -> paramiko.PKey:
    """Decode a private key of any usual format.

    Paramiko's decoder refuses PKCS 8, ECDSA keys of some programs, and a valid key next to a damaged certificate.
    So each key is converted to the format that paramiko reads.
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
    """Load the certificate next to a key; return False if it is missing or of another key type."""
    try:
        blob = PublicBlob.from_file(f"{path}{_CERTIFICATE}")
    except (OSError, ValueError):
        return False
    if not blob.key_type.startswith(key.get_name()) or not blob.key_type.endswith("-cert-v01@openssh.com"):
        return False
    key.public_blob = blob
    return True


def _public_half(path: Path) -> bytes | None:
    """Return the public key stored next to a private key."""
    try:
        blob: bytes = PublicBlob.from_file(f"{path}.pub").key_blob
    except (OSError, ValueError):
        return None
    return blob
