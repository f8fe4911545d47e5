"""The test server leaves no connection open."""

import socket
from pathlib import Path

from tests.support.processes import HANG_SECONDS
from tests.support.sftp_server import TestServer


def test_stop_closes_connections_without_login(root: Path, keys: Path) -> None:
    """Stopping the server closes connections without login, and those just accepted."""
    with TestServer(root, keys) as server:
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=HANG_SECONDS)
        assert silent.recv(4) == b"SSH-"
        last = socket.create_connection(("127.0.0.1", server.port), timeout=HANG_SECONDS)
    with silent, last:
        assert _rest(silent).endswith(b"\r\n")
        _rest(last)


def _rest(client: socket.socket) -> bytes:
    """Read until the other side closes the connection; raise TimeoutError if it does not."""
    heard = b""
    try:
        while more := client.recv(4096):
            heard += more
    except ConnectionResetError:
        pass  # closed as well
    return heard
