"""Login with keys from OpenSSH's agent, if it is installed."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from etstats.sync.sftp import source
from tests.support.processes import Process, until
from tests.support.sftp_server import TestServer

pytestmark = pytest.mark.skipif(
    not (shutil.which("ssh-agent") and shutil.which("ssh-add")), reason="OpenSSH's agent is not installed"
)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A separate ssh-agent in SSH_AUTH_SOCK, and a home folder without keys."""
    address = tmp_path / "agent"
    with Process(["ssh-agent", "-D", "-a", address]) as process:
        until(lambda: "SSH_AUTH_SOCK" in process.out)  # it says its address when it listens
        monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
        monkeypatch.setenv("HOME", str(tmp_path))
        yield


def test_agent_is_used_without_a_key_file(agent: None, server: TestServer) -> None:
    """Without key_file and keys in ~/.ssh, the agent's keys are tried."""
    subprocess.run(["ssh-add", "-q", server.key_file], check=True)
    source.connect(server.settings(key_file=None)).close()


def test_agent_provides_a_key_with_a_passphrase(agent: None, server: TestServer) -> None:
    """A key with a passphrase is used through the agent, found by its public half."""
    subprocess.run(["ssh-add", "-q", server.key_file], check=True)
    key = asyncssh.read_private_key(str(server.key_file))
    key.write_private_key(str(server.key_file), passphrase="secret words", rounds=50)
    source.connect(server.settings()).close()
