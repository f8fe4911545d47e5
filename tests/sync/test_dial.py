"""The connection that is started while paramiko is imported does not change any result."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from etstats.errors import SourceError
from etstats.sync.opening import open_source
from etstats.sync.sftp.dial import Dial
from tests.support.sftp_server import TestServer


@pytest.fixture
def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def settings_for(root: Path, keys: Path, listener: socket.socket) -> Dial:
    with TestServer(root, keys) as server:
        return Dial(replace(server.settings(), port=listener.getsockname()[1]))


def test_connected_socket_is_returned_once(root: Path, keys: Path, listener: socket.socket) -> None:
    """`take` returns the connected socket once."""
    port = listener.getsockname()[1]
    dial = settings_for(root, keys, listener)
    taken = dial.take("127.0.0.1", port, 5)
    assert taken is not None
    with listener, taken:
        assert taken.getpeername() == ("127.0.0.1", port)
        assert dial.take("127.0.0.1", port, 5) is None
        dial.close()
        taken.send(b"still open")


def test_connection_to_another_address_is_not_used(root: Path, keys: Path, listener: socket.socket) -> None:
    """A connection to another address is not used."""
    dial = settings_for(root, keys, listener)
    with listener:
        assert dial.take("127.0.0.2", listener.getsockname()[1], 5) is None
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(1) == b""


def test_unused_connection_is_closed(root: Path, keys: Path, listener: socket.socket) -> None:
    """If a run fails before it connects, the connection is closed."""
    dial = settings_for(root, keys, listener)
    with listener:
        accepted, _ = listener.accept()
        dial.close()
        with accepted:
            assert accepted.recv(1) == b""


def test_ssh_config_prevents_an_early_connection(
    root: Path, keys: Path, listener: socket.socket, tmp_path: Path
) -> None:
    """With an ssh_config, which may name another host, no connection is started."""
    config = tmp_path / "config"
    config.write_text("Host *\n")
    with listener, TestServer(root, keys) as server:
        dial = Dial(replace(server.settings(), port=listener.getsockname()[1], ssh_config=config))
        assert dial.take("127.0.0.1", listener.getsockname()[1], 5) is None
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "a" * 70, "münchen..invalid"])
def test_failed_early_connection_gives_the_usual_error(root: Path, keys: Path, host: str) -> None:
    """A closed port or an unknown host gives the same error as without `Dial`."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with TestServer(root, keys) as server:
        settings = replace(server.settings(), host=host, port=port)
    with pytest.raises(
        SourceError, match=r"cannot reach|cannot find the host|is not a valid host name"
    ) as failure:
        open_source(settings)
    assert "\n" not in str(failure.value)
