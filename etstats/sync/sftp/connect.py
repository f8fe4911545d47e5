"""From an address to an open SFTP channel: socket, host key, login, jump hosts; each failure in one line."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from etstats.errors import SourceError
from etstats.sync.sftp import known_hosts
from etstats.sync.sftp._paramiko import IncompatiblePeer, from_thread, paramiko
from etstats.sync.sftp.known_hosts import HostKey
from etstats.sync.sftp.login import log_in
from etstats.sync.sftp.ssh_config import Endpoint, resolve
from etstats.sync.source import SftpSettings, Timeouts, shown

# AES-GCM needs no separate checksum in Python; the rest stays as paramiko orders it.
_FIRST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_CHANNEL_REQUEST = b"\x62"
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


class PromptSocket(socket.socket):
    """A connected socket without Nagle's and the delayed acknowledgement's waiting, 40 ms each.

    Reads ahead, since paramiko asks for sixteen bytes and then for the rest. A send that makes no progress for
    `stall_seconds` fails, which paramiko itself would try for ever.
    """

    def __init__(self, connected: socket.socket, stall_seconds: float) -> None:
        super().__init__(connected.family, connected.type, connected.proto, connected.detach())
        self._stall_seconds = stall_seconds
        self._ahead = b""
        self._stalled_since: float | None = None
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return up to `size` bytes; b"" at the end."""
        if not self._ahead:
            self._ahead = super().recv(1 << 16, flags)
            if hasattr(socket, "TCP_QUICKACK"):  # Linux, which forgets it after each use
                with suppress(OSError):
                    self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        head, self._ahead = self._ahead[:size], self._ahead[size:]
        return head

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        """Send what goes out at once; ConnectionError when nothing went for too long."""
        try:
            sent = super().send(data, flags)
        except TimeoutError:
            now = time.monotonic()
            self._stalled_since = self._stalled_since or now
            if now - self._stalled_since > self._stall_seconds:
                raise ConnectionAbortedError("nothing goes out") from None
            raise
        self._stalled_since = None
        return sent

    def close(self) -> None:
        """Close, and wake a thread that waits to receive."""
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
        super().close()


class Connection:
    """The open transports, jump hosts first, and the SFTP channel at their end."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.transports: list[paramiko.Transport] = []

    def close(self) -> None:
        """Close all of them, the innermost first; never raises."""
        while self.transports:
            transport = self.transports.pop()
            with suppress(Exception):
                transport.packetizer.complete_handshake()  # else its timer holds the process up to the timeout
                transport.close()

    def open_channel(self, timeouts: Timeouts) -> paramiko.Channel:
        """Open a channel and ask for the SFTP subsystem; a refusal closes the channel; its first use reports it.

        `Channel.invoke_subsystem` does the same and waits for the answer, but without a limit: a server that falls
        silent at this point would hold it for ever.
        """
        transport = self.transports[-1]
        try:
            with from_thread():
                channel = transport.open_session(timeout=timeouts.channel)
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
        """Say that the login worked and SFTP does not."""
        return SourceError(f"{self.endpoint} offers no SFTP: have its admin enable the sftp subsystem")

    def is_alive(self) -> bool:
        """Say whether the server still holds the line, whatever became of the channel."""
        transport = self.transports[-1]
        transport.join(0.2)  # of a broken line the channel hears a moment before the transport is done
        return transport.is_active()


def connect(settings: SftpSettings) -> Connection:
    """Connect and log in, through the jump hosts there may be.

    Raises HostKeyError, AccessError, ConfigError (key file, ssh_config) or SourceError.
    """
    connection = Connection(resolve(settings))
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
    """Ask a server for its host key without logging in to it; jump hosts before it must be known already."""
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
        raise SourceError(f"{connection.endpoint} showed no host key")
    finally:
        connection.close()


def trust(settings: SftpSettings, key: HostKey) -> Path:
    """Write a confirmed host key to the configured known_hosts file, else to SSH's own; returns the file."""
    endpoint = resolve(settings)
    path = endpoint.known_hosts[0]
    known_hosts.trust(path, key, *endpoint.known_as)
    return path


@contextmanager
def mapped(endpoint: Endpoint) -> Iterator[None]:
    """Turn what paramiko and the system raise into one line that names the server."""
    try:
        yield
    except TimeoutError as error:
        raise SourceError(f"{endpoint} does not answer in time; the next run tries again") from error
    except socket.gaierror as error:
        raise SourceError(
            f"cannot find the host {endpoint.host!r}: {error.strerror}; check name and DNS"
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
    """Agree on keys with a server, coming back with patience when it hangs up before its first word."""
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
                    f"{endpoint} does not greet as an SSH server does; it is overloaded, blocks this address, "
                    "or the port belongs to something else"
                ) from error
            time.sleep(random.uniform(0.2, 0.8))  # noqa: S311  # jitter, so that many do not come back together
        else:
            return transport
    raise SourceError(f"{endpoint} was not tried: connect_tries is {settings.connect_tries}")


def _socket(connection: Connection, endpoint: Endpoint, timeouts: Timeouts) -> "socket.socket | paramiko.Channel":
    if connection.transports:
        address = (endpoint.host, endpoint.port)
        with from_thread():
            return connection.transports[-1].open_channel(
                "direct-tcpip", address, ("127.0.0.1", 0), timeout=timeouts.channel
            )
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=timeouts.connect)
    return PromptSocket(plain, timeouts.answer)


def _negotiate(transport: paramiko.Transport, endpoint: Endpoint, timeouts: Timeouts) -> None:
    transport.banner_timeout = timeouts.banner
    transport.handshake_timeout = timeouts.handshake
    transport.auth_timeout = timeouts.auth
    transport.channel_timeout = timeouts.channel
    options = transport.get_security_options()
    options.ciphers = (*_FIRST_CIPHERS, *(cipher for cipher in options.ciphers if cipher not in _FIRST_CIPHERS))
    # A server has keys of several types and shows the first that we name: one that is known, where there is one.
    known = {entry.key.kind for entry in known_hosts.known_keys(endpoint.known_hosts, *endpoint.known_as)}
    wanted = {name for kind in known for name in (_RSA if kind == "ssh-rsa" else (kind,))}
    options.key_types = tuple(sorted(options.key_types, key=lambda name: name not in wanted))
    try:
        with from_thread():
            transport.start_client(timeout=timeouts.banner + timeouts.handshake)
    except IncompatiblePeer as error:
        raise SourceError(
            f"{endpoint} and etstats share no algorithm ({shown(str(error))}); an old server needs an update: "
            "SHA-1 signatures (ssh-rsa, ssh-dss) are not accepted any more"
        ) from error
    if not transport.initial_kex_done:
        raise TimeoutError


def _shown_key(transport: paramiko.Transport) -> HostKey:
    key = transport.get_remote_server_key()
    return HostKey(kind=key.get_name(), blob=key.asbytes())
