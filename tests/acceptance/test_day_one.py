"""From nothing to the first post, as a person types it: a real sshd, a real cron, Discord's stand-in.

The figures (questions, keystrokes, seconds) are printed; `pytest -s` shows them. Seconds are not checked.
"""

import getpass
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etstats.db import embedded
from etstats.demo.discord import StandIn
from etstats.demo.generator import generate, write_files
from tests.support.cron import SPOOL, can_have_own_spool
from tests.support.processes import HANG_SECONDS, Process, until
from tests.support.sftp_server import free_port

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


class Terminal:
    """A program in a terminal of 80 columns, with answers to its questions."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.shown = ""
        self.keystrokes = 0
        self._seen = 0
        ours, theirs = pty.openpty()
        self._master = ours
        self.process = Process(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)

    def answer(self, question: str, typed: str, *, secret: bool = False) -> None:
        """Wait for a question, and type an answer; a secret one once the terminal does not echo."""
        self.wait_for(question)
        while secret and termios.tcgetattr(self._master)[3] & termios.ECHO:
            time.sleep(0.01)
        self.keystrokes += len(typed) + 1
        os.write(self._master, f"{typed}\n".encode())

    def wait_for(self, text: str) -> None:
        """Read until the text appears after the previous match."""
        while (at := self.shown.find(text, self._seen)) < 0:
            ready, _, _ = select.select([self._master], [], [], HANG_SECONDS)
            assert ready, f"waited for {text!r}: {self.shown}"
            try:
                self.shown += os.read(self._master, 4096).decode()
            except OSError:  # the other end is closed
                pytest.fail(f"waited for {text!r}: {self.shown}")
        self._seen = at + len(text)

    def close(self) -> None:
        """End the program and all processes of its namespace."""
        with self.process:
            os.close(self._master)


@contextmanager
def sshd(folder: Path, home: Path) -> Iterator[int]:
    """Start OpenSSH's server on loopback with SFTP for this folder; yield its port."""
    keys = folder.parent / "sshd"
    keys.mkdir(mode=0o700)
    for path in (keys / "host_key", home / ".ssh" / "id_ed25519"):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    port = free_port()
    options = {
        "HostKey": keys / "host_key",
        "AuthorizedKeysFile": home / ".ssh" / "id_ed25519.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "ListenAddress": "127.0.0.1",
        "Subsystem": f"sftp internal-sftp -d {folder}",
    }
    config = keys / "sshd_config"
    config.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with Process([SSHD, "-D", "-e", "-f", config, "-p", str(port)]) as server:
        until(lambda: "listening" in server.err or server.poll() is not None)
        assert server.returncode is None, server.err
        yield port


@pytest.mark.skipif(
    not (Path(SSHD).exists() and can_have_own_spool()), reason="needs root, sshd, cron and mount namespaces"
)
def test_first_installation_posts_the_first_round(home: Path, tmp_path: Path, reachable_dir: Path) -> None:
    """Eight questions; a round that ends after init is posted by the installed entry of a real cron."""
    machine = tmp_path / "machine"
    gamestats = machine / ".etlegacy" / "legacy" / "gamestats"
    gamestats.mkdir(parents=True)
    write_files(gamestats, generate(5, start=datetime(2025, 10, 2, 18, tzinfo=UTC), files=20, zone="UTC"))
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o730)
    shutil.chown(spool, group="crontab")
    script = f"""
        mount --bind '{spool}' {SPOOL}
        mount -t tmpfs tmpfs /run
        cron -f & cron=$!
        '{sys.executable}' -m etstats init
        read end
        kill $cron
    """
    data = reachable_dir / "day-one"
    environment = {**os.environ, "ETSTATS_DATA_DIR": str(data), "COLUMNS": "80", "TERM": "xterm"}
    began = time.monotonic()
    with StandIn() as discord, sshd(machine, home) as port:
        hook = discord.add_webhook()
        person = Terminal(["unshare", "-m", "--pid", "--fork", "--kill-child", "sh", "-ec", script], environment)
        try:
            person.answer("Game server", f"{getpass.getuser()}@127.0.0.1:{port}")
            person.answer("Trust it?", "y")
            person.answer("Time zone", "")
            person.answer("Database", "")
            person.wait_for("starting the embedded PostgreSQL")
            person.answer("webhook URL", hook.url, secret=True)
            person.answer("Play hours", "")
            person.answer("import all files now", "")
            person.answer("Install the cron entries", "")
            person.wait_for("cron: ")
            typed = time.monotonic()
            write_files(gamestats, generate(6, start=datetime.now(UTC), files=1, zone="UTC"))
            until(lambda: bool(discord.posts))  # cron begins at the next full minute
            posted = time.monotonic()
            keystrokes = person.keystrokes
            person.answer("", "")
            assert person.process.wait() == 0
        finally:
            person.close()
            embedded.stop(data)
    print(f"\nquestions: 8; keystrokes: {keystrokes}, {len(hook.url)} of them the webhook's URL")
    print(f"seconds: {typed - began:.1f} for init, then {posted - typed:.1f} from the round to its post")
    assert "Traceback" not in person.shown
    assert hook.token not in person.shown
    assert [line for line in person.shown.splitlines() if len(line) > 160 and "\x1b" not in line] == []
    assert re.search(r"Rounds that ended since \d{4}-", person.shown)
    assert "sync --post" in (spool / getpass.getuser()).read_text()
