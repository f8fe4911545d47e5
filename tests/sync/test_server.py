"""The test server itself: it leaves nothing open behind it."""

import socket
from pathlib import Path

from tests.sync.server import TestServer


def test_who_never_logged_in_is_hung_up_on_as_well(root: Path, keys: Path) -> None:
    """Leaving the server ends the connection of a client that said nothing, and of one just accepted."""
    with TestServer(root, keys) as server:
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        assert silent.recv(4) == b"SSH-"
        last = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    with silent, last:
        assert _rest(silent).endswith(b"\r\n")
        _rest(last)


def _rest(client: socket.socket) -> bytes:
    """Read until the other side has closed; TimeoutError when it never does."""
    heard = b""
    try:
        while more := client.recv(4096):
            heard += more
    except ConnectionResetError:
        pass  # closed as well
    return heard
