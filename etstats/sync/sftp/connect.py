"""Connect to a server: socket, host key, login, jump hosts, SFTP channel; each error is one line."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from etstats.domain.backoff import jittered
from etstats.errors import SourceError
from etstats.sync.sftp import known_hosts
from etstats.sync.sftp._paramiko import IncompatiblePeer, from_thread, paramiko
from etstats.sync.sftp.dial import Dial
from etstats.sync.sftp.known_hosts import HostKey
from etstats.sync.sftp.login import log_in
from etstats.sync.sftp.ssh_config import Endpoint, resolve
from etstats.sync.source import SftpSettings, Timeouts, shown

# AES-GCM first: it needs no separate checksum in Python. The other ciphers keep paramiko's order.
_FIRST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_CHANNEL_REQUEST = b"\x62"
_READ_AHEAD = 1 << 17
_RETRY_SECONDS = 0.8
_CHANNEL_WINDOW = 1 << 25  # room for all answers of a fetch: the server never waits for the client
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


class PromptSocket(socket.socket):
    """A connected socket without Nagle's algorithm and delayed acknowledgements, which cost 40 ms each.

    Reads ahead, since paramiko reads sixteen bytes and then the rest. A send without progress for `stall_seconds`
    fails; paramiko would retry it without end.
    """

    def __init__(self, connected: socket.socket, stall_seconds: float) -> None:
        super().__init__(connected.family, connected.type, connected.proto, connected.detach())
        self._stall_seconds = stall_seconds
        self._ahead = b""
        self._consumed = 0
        self._stalled_since: float | None = None
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return up to `size` bytes; b"" at the end."""
        if self._consumed >= len(self._ahead):
            self._ahead = super().recv(_READ_AHEAD, flags)
            self._consumed = 0
            if hasattr(socket, "TCP_QUICKACK"):  # Linux resets this option after each use
                with suppress(OSError):
                    self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        start, self._consumed = self._consumed, self._consumed + size
        return self._ahead[start : self._consumed]

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        """Send what the socket accepts and return the number of bytes; ConnectionError after a stall."""
        try:
            sent = super().send(data, flags)
        except TimeoutError:
            now = time.monotonic()
            self._stalled_since = self._stalled_since or now
            if now - self._stalled_since > self._stall_seconds:
                raise ConnectionAbortedError("the send made no progress") from None
            raise
        self._stalled_since = None
        return sent

    def close(self) -> None:
        """Close the socket and wake a thread that waits in `recv`."""
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
        super().close()


class Connection:
    """The open transports, jump hosts first, and the SFTP channel of the last one."""

    def __init__(self, endpoint: Endpoint, dial: Dial | None = None) -> None:
        self.endpoint = endpoint
        self.dial = dial
        self.transports: list[paramiko.Transport] = []

    def close(self) -> None:
        """Close all transports, the innermost first; never raises."""
        while self.transports:
            transport = self.transports.pop()
            with suppress(Exception):
                transport.packetizer.complete_handshake()  # else its timer delays the exit of the process
                transport.close()

    def open_channel(self, timeouts: Timeouts) -> paramiko.Channel:
        """Open a channel and request the SFTP subsystem; a refusal is reported by the first use.

        `Channel.invoke_subsystem` waits for the answer without a timeout: a silent server would block it for ever.
        """
        transport = self.transports[-1]
        try:
            with from_thread():
                channel = transport.open_session(window_size=_CHANNEL_WINDOW, timeout=timeouts.channel)
        except paramiko.ChannelException as error:
            raise self.no_sftp() from error
        request = paramiko.Message()
        request.add_byte(_CHANNEL_REQUEST)
        request.add_int(channel.remote_chanid)
        request.add_string("subsystem")
        request.add_boolean(True)
        request.add_string("sftp")
        transport._send_user_message(request)  # type: ignore[attr-defined]  # the one private call
        return channel

    def no_sftp(self) -> SourceError:
        """Return the error for a server that accepts the login but offers no SFTP."""
        return SourceError(f"{self.endpoint} offers no SFTP: ask its admin to enable the sftp subsystem")

    def is_alive(self) -> bool:
        """Return whether the connection is open, even if the channel is closed."""
        transport = self.transports[-1]
        transport.join(0.2)  # after a lost connection, the channel closes shortly before the transport
        return transport.is_active()


def connect(settings: SftpSettings, dial: Dial | None = None) -> Connection:
    """Connect and log in, through jump hosts if configured; `dial` is a connection started before.

    Raises HostKeyError, AccessError, ConfigError (key file, ssh_config) or SourceError.
    """
    connection = Connection(resolve(settings), dial)
    try:
        for endpoint in _path(connection.endpoint):
            with mapped(endpoint):
                transport = _negotiated(connection, endpoint, settings)
                known = known_hosts.known_keys(endpoint.known_hosts, *endpoint.known_as)
                known_hosts.check(_shown_key(transport), known, *endpoint.known_as)
                log_in(transport, endpoint)
                transport.set_keepalive(int(settings.timeouts.keepalive))
    except BaseException:
        connection.close()
        raise
    return connection


def probe(settings: SftpSettings) -> HostKey:
    """Return a server's host key without logging in; the keys of its jump hosts must be known already."""
    connection = Connection(resolve(settings))
    try:
        for endpoint in _path(connection.endpoint):
            with mapped(endpoint):
                transport = _negotiated(connection, endpoint, settings)
                if endpoint is connection.endpoint:
                    return _shown_key(transport)
                known = known_hosts.known_keys(endpoint.known_hosts, *endpoint.known_as)
                known_hosts.check(_shown_key(transport), known, *endpoint.known_as)
                log_in(transport, endpoint)
        raise SourceError(f"{connection.endpoint} sent no host key")
    finally:
        connection.close()


def trust(settings: SftpSettings, key: HostKey) -> Path:
    """Write a confirmed host key to the configured known_hosts file, else to SSH's own; return its path."""
    endpoint = resolve(settings)
    path = endpoint.known_hosts[0]
    known_hosts.trust(path, key, *endpoint.known_as)
    return path


@contextmanager
def mapped(endpoint: Endpoint) -> Iterator[None]:
    """Convert errors of paramiko and the system to errors of one line that name the server."""
    try:
        yield
    except TimeoutError as error:
        raise SourceError(f"{endpoint} does not answer in time; the next run tries again") from error
    except socket.gaierror as error:
        raise SourceError(
            f"cannot find the host {endpoint.host!r}: {error.strerror}; check name and DNS"
        ) from error
    except UnicodeError as error:  # raised by the IDNA encoding, for other invalid names too
        raise SourceError(
            f"{shown(endpoint.host)!r} is not a valid host name: correct host in the settings"
        ) from error
    except EOFError as error:
        raise SourceError(f"{endpoint} closed the connection; the next run tries again") from error
    except OSError as error:
        reason = (error.strerror or str(error) or type(error).__name__).lower()
        raise SourceError(
            f"cannot reach {endpoint}: {shown(reason)}; is the server up, host and port right?"
        ) from error
    except paramiko.ChannelException as error:
        raise SourceError(f"{endpoint.via} cannot reach {endpoint}: {shown(error.text).lower()}") from error
    except paramiko.SSHException as error:
        raise SourceError(f"{endpoint}: SSH failed: {shown(str(error))}; the next run tries again") from error


def _path(endpoint: Endpoint) -> list[Endpoint]:
    before = [] if endpoint.via is None else _path(endpoint.via)
    return [*before, endpoint]


def _negotiated(connection: Connection, endpoint: Endpoint, settings: SftpSettings) -> paramiko.Transport:
    """Negotiate keys with a server; retry if it closes the connection before its banner."""
    for tries_left in reversed(range(settings.connect_tries)):
        transport = paramiko.Transport(_socket(connection, endpoint, settings.timeouts))
        connection.transports.append(transport)
        try:
            _negotiate(transport, endpoint, settings.timeouts)
        except paramiko.SSHException as error:
            if "protocol banner" not in str(error):
                raise
            connection.transports.pop().close()
            if isinstance(error.__context__, TimeoutError) or not tries_left:
                raise SourceError(
                    f"{endpoint} did not send an SSH banner; it is overloaded, blocks this address, "
                    "or another service uses the port"
                ) from error
            time.sleep(jittered(_RETRY_SECONDS))
        else:
            return transport
    raise SourceError(f"{endpoint} was not tried: connect_tries is {settings.connect_tries}")


def _socket(connection: Connection, endpoint: Endpoint, timeouts: Timeouts) -> "socket.socket | paramiko.Channel":
    address = (endpoint.host, endpoint.port)
    if connection.transports:
        with from_thread():
            return connection.transports[-1].open_channel(
                "direct-tcpip", address, ("127.0.0.1", 0), timeout=timeouts.channel
            )
    plain = connection.dial.take(*address, timeouts.connect) if connection.dial is not None else None
    plain = plain or socket.create_connection(address, timeout=timeouts.connect)
    return PromptSocket(plain, timeouts.answer)


def _negotiate(transport: paramiko.Transport, endpoint: Endpoint, timeouts: Timeouts) -> None:
    transport.banner_timeout = timeouts.banner
    transport.handshake_timeout = timeouts.handshake
    transport.auth_timeout = timeouts.auth
    transport.channel_timeout = timeouts.channel
    options = transport.get_security_options()
    options.ciphers = (*_FIRST_CIPHERS, *(cipher for cipher in options.ciphers if cipher not in _FIRST_CIPHERS))
    # A server has keys of several types and sends the first type requested: request a known key's type first.
    known = {entry.key.kind for entry in known_hosts.known_keys(endpoint.known_hosts, *endpoint.known_as)}
    wanted = {name for kind in known for name in (_RSA if kind == "ssh-rsa" else (kind,))}
    options.key_types = tuple(sorted(options.key_types, key=lambda name: name not in wanted))
    try:
        with from_thread():
            transport.start_client(timeout=timeouts.banner + timeouts.handshake)
    except IncompatiblePeer as error:
        raise SourceError(
            f"{endpoint} and etstats have no common algorithm ({shown(str(error))}); update an old server: "
            "SHA-1 signatures (ssh-rsa, ssh-dss) are no longer accepted"
        ) from error
    if not transport.initial_kex_done:
        raise TimeoutError


def _shown_key(transport: paramiko.Transport) -> HostKey:
    key = transport.get_remote_server_key()
    return HostKey(kind=key.get_name(), blob=key.asbytes())
