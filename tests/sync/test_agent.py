"""The agent: where OpenSSH's is installed, keys that only it can open are used."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from etstats.sync.sftp import source
from tests.sync.server import TestServer

if shutil.which("ssh-agent") and shutil.which("ssh-add"):

    @pytest.fixture
    def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A real ssh-agent of its own, known through SSH_AUTH_SOCK, and no keys in the home folder."""
        address = tmp_path / "agent"
        with subprocess.Popen(["ssh-agent", "-D", "-a", address], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # it says its address when it listens
            monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
            monkeypatch.setenv("HOME", str(tmp_path))
            yield
            process.terminate()

    def test_the_agent_serves_when_no_key_is_named(agent: None, server: TestServer) -> None:
        """No key_file and no key in ~/.ssh: the agent's keys are tried."""
        subprocess.run(["ssh-add", "-q", server.key_file], check=True)
        source.connect(server.settings(key_file=None)).close()

    def test_the_agent_opens_a_locked_key(agent: None, server: TestServer) -> None:
        """A key that needs a passphrase is taken from the agent that has it, by its public half."""
        subprocess.run(["ssh-add", "-q", server.key_file], check=True)
        key = asyncssh.read_private_key(str(server.key_file))
        key.write_private_key(str(server.key_file), passphrase="secret words", rounds=50)
        source.connect(server.settings()).close()
