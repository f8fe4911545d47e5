"""An SFTP server on loopback: one read-only folder, for one key.

    with serve(folder, keys) as server:
        ...  # connect to server.host, server.port as server.user with server.key_file

It uses paramiko's server classes and is only for demonstrations, not for a network.
"""

import errno
import io
import logging
import os
import posixpath
import socket
import socketserver
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.sftp import SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED

_HOST = "127.0.0.1"
_USER = "et"
_REMOTE_PATH = "/gamestats"
_MOST_BYTES = 1 << 18
_LOG = "etstats.demo.sftp"
_POLL_SECONDS = 0.05  # maximum wait for the accepting thread at the end of the `with` block


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpServer:
    """Address and credentials of the server; the folder is the client's `remote_path`.

    `known_hosts_line` ends without a newline. `key_file`: the client's private key, mode 0600.
    """

    host: str
    port: int
    user: str
    remote_path: str
    known_hosts_line: str
    key_file: Path


@contextmanager
def serve(folder: Path, keys: Path) -> Iterator[SftpServer]:
    """Serve a folder's files in the `with` block; its end closes all connections and threads.

    `keys`: an existing folder into which the client's new key is written as `id_ed25519`.
    """
    # Paramiko logs a traceback for each client that disconnects early.
    logging.getLogger(_LOG).setLevel(logging.CRITICAL)
    host_key, client_key = _new_key(), _new_key()
    key_file = keys / "id_ed25519"
    key_file.touch(mode=0o600)
    key_file.write_text(client_key)
    with _Listener(folder, _load(host_key), _load(client_key)) as listener:
        port, public = listener.server_address[1], listener.host_key
        acceptor = threading.Thread(
            target=listener.serve_forever, args=(_POLL_SECONDS,), name=f"demo SFTP server, port {port}"
        )
        acceptor.start()
        try:
            yield SftpServer(
                host=_HOST,
                port=port,
                user=_USER,
                remote_path=_REMOTE_PATH,
                known_hosts_line=f"[{_HOST}]:{port} {public.get_name()} {public.get_base64()}",
                key_file=key_file,
            )
        finally:
            listener.shutdown()
            acceptor.join()
            listener.hang_up()


def _new_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _load(key: str) -> paramiko.Ed25519Key:
    return paramiko.Ed25519Key(file_obj=io.StringIO(key))


class _Listener(socketserver.ThreadingTCPServer):
    """Accepts connections; the end of its `with` block joins their threads."""

    def __init__(self, folder: Path, host_key: paramiko.PKey, client_key: paramiko.PKey) -> None:
        super().__init__((_HOST, 0), _Connection)
        self.folder = folder
        self.host_key = host_key
        self.client_key = client_key
        self._open: set[paramiko.Transport] = set()
        self._is_closing = False
        self._guard = threading.Lock()

    def enter(self, transport: paramiko.Transport) -> bool:
        """Add a connection for `hang_up`; return False after `hang_up`."""
        with self._guard:
            self._open.add(transport)
            return not self._is_closing

    def leave(self, transport: paramiko.Transport) -> None:
        """Remove a connection that has ended."""
        with self._guard:
            self._open.discard(transport)

    def hang_up(self) -> None:
        """Close all connections, including later ones."""
        with self._guard:
            self._is_closing = True
            transports = list(self._open)
        for transport in transports:
            transport.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Log errors of a connection instead of printing them."""
        logging.getLogger(_LOG).debug("connection from %s failed", client_address, exc_info=True)


class _Connection(socketserver.BaseRequestHandler):
    """An SSH connection, from the handshake to the end of its last session."""

    server: _Listener

    def handle(self) -> None:
        """Serve until one side disconnects."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(self.request)
        transport.set_log_channel(_LOG)
        transport.add_server_key(self.server.host_key)
        transport.set_subsystem_handler("sftp", _Session, _Files, self.server.folder)
        login = _Login(self.server.client_key)
        try:
            if self.server.enter(transport):
                # With an event it returns at once, so that an early disconnect raises nothing here.
                transport.start_server(event=threading.Event(), server=login)
                transport.join()
        finally:
            transport.close()
            for session in login.sessions:
                session.join()
            self.server.leave(transport)


class _Login(paramiko.ServerInterface):
    """Accepts the client's key, for SFTP sessions only."""

    def __init__(self, client_key: paramiko.PKey) -> None:
        self._client_key = client_key
        self.sessions: list[threading.Thread] = []

    def get_allowed_auths(self, username: str) -> str:
        """Return the allowed method, public key."""
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Accept the client's key for the user."""
        is_known = username == _USER and key == self._client_key
        return AUTH_SUCCESSFUL if is_known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Allow sessions, which can only run SFTP."""
        is_session = kind == "session"
        return OPEN_SUCCEEDED if is_session else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class _Session(paramiko.SFTPServer):
    """An SFTP session, which is a thread: its connection joins it."""

    def __init__(
        self, channel: paramiko.Channel, name: str, server: _Login, sftp_si: type["_Files"], folder: Path
    ) -> None:
        super().__init__(channel, name, server, sftp_si, folder)
        server.sessions.append(self)


class _Files(paramiko.SFTPServerInterface):
    """The visible files: one folder of regular files that can be listed and read."""

    def __init__(self, server: paramiko.ServerInterface, folder: Path) -> None:
        super().__init__(server)
        self._folder = folder

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        """List the served folder, or the root with the folder."""
        place = self.canonicalize(path)
        try:
            if place == "/":
                return [paramiko.SFTPAttributes.from_stat(self._folder.stat(), _REMOTE_PATH[1:])]
            if place != _REMOTE_PATH:
                return SFTP_NO_SUCH_FILE
            with os.scandir(self._folder) as entries:
                return [attributes for entry in entries if (attributes := _listed(entry)) is not None]
        except OSError as error:
            return _status(error)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        """Return size, mode and times of a file or of the folder; links are not followed."""
        try:
            found = os.lstat(self._local(self.canonicalize(path)))
        except OSError as error:
            return _status(error)
        return paramiko.SFTPAttributes.from_stat(found)

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        """Open a regular file for reading."""
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            return SFTP_PERMISSION_DENIED
        try:
            descriptor = os.open(self._local(self.canonicalize(path)), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            return _status(error)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return SFTP_PERMISSION_DENIED
        return _OpenFile(descriptor)

    def _local(self, place: str) -> Path:
        """Return the local path; only the folder and the files directly in it exist."""
        parent, name = posixpath.split(place)
        if place in ("/", _REMOTE_PATH):
            return self._folder
        if parent != _REMOTE_PATH:
            raise FileNotFoundError(errno.ENOENT, "outside the served folder", place)
        return self._folder / name


class _OpenFile(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(os.O_RDONLY)
        self.readfile = os.fdopen(descriptor, "rb")

    def stat(self) -> paramiko.SFTPAttributes | int:
        """Return the current size and times."""
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def read(self, offset: int, length: int) -> bytes | int:
        """Read at most 256 KiB, even if more is requested."""
        return super().read(offset, min(length, _MOST_BYTES))


def _listed(entry: os.DirEntry[str]) -> paramiko.SFTPAttributes | None:
    """Return the listing entry of a regular file with a text name; None for others and deleted files."""
    if not entry.name.isprintable() or not entry.is_file(follow_symlinks=False):
        return None
    try:
        return paramiko.SFTPAttributes.from_stat(entry.stat(follow_symlinks=False), entry.name)
    except FileNotFoundError:
        return None


def _status(error: OSError) -> int:
    return paramiko.SFTPServer.convert_errno(error.errno or errno.EIO)
