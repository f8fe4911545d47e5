"""Completion in real shells on a pseudo-terminal: names from outside run nothing, and TAB ENTER runs a command."""

import fcntl
import os
import pty
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CliResult
from tests.importer.world import take
from tests.support.files import line, round_file
from tests.support.processes import HANG_SECONDS

SHELLS = ("bash", "zsh", "fish")
START = {
    "bash": ["bash", "--noprofile", "--rcfile", ".bashrc", "-i"],
    "zsh": ["zsh", "-i"],
    "fish": ["fish", "-i"],
}
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
BEFORE = {
    "bash": "",
    "zsh": "autoload -Uz compinit; compinit -D -u\n",
    "fish": "function fish_greeting; end\nset -g fish_autosuggestion_enabled 0\n",
}

# Each begins with letters of its own, so that these letters and TAB complete it.
HOSTILE = (
    "aa$(touch pwned)",
    "ab;touch pwned",
    "ac`touch pwned`",
    "ad|touch pwned",
    "af\ntouch pwned\n",
    "ag\rtouch pwned\r",
    "ah'$(touch pwned)'",
    'ai"$(touch pwned)"',
    "aj\\$(touch pwned)",
    "al\\`touch pwned`",
    "am[/x]$(touch pwned)",
    "ao))';touch pwned&'((",
    'ap")); touch pwned; ((("',
    "aq(e:'touch pwned':)*(e:'touch pwned':)",
    "ar\ttouch\tpwned",
    "as\x1b[2J\x1b]0;touch pwned\x07",
    "au\u202edenwp hcuot\u202c",
    "av%s%n%d%(touch pwned)",
    "aw>pwned",
    "az:::$(touch pwned)",
    "ba" + "x" * 1000 + "$(touch pwned)",
    "bb" + "y" * 300,
    "bc two words",
    "bd*",
    "be{touch,pwned}",
    "bf\u2028touch pwned",
    "bg!touch",
)
HARMLESS = ("ca", "cb.:zed:.", "cc=V=zed", "cd@home", "ce%self", "cf+x,y/z-_")


class Shell:
    """An interactive shell on a pseudo-terminal; its `etstats` completes, and else records its arguments."""

    def __init__(self, name: str, home: Path, columns: int = 100) -> None:
        self.name = name
        self.home = home
        # With these folders fish reads no manual pages, which it would do in a process that outlives it.
        for folder in (".local/share", ".cache"):
            (home / folder / "fish" / "generated_completions").mkdir(parents=True, exist_ok=True)
        self._fifo = home / "calls"
        os.mkfifo(self._fifo)
        self._calls = os.open(self._fifo, os.O_RDWR)  # open for writing too, so that it never ends
        etstats = f"{shlex.quote(sys.executable)} -m etstats"
        command = home / "bin" / "etstats"
        command.parent.mkdir()
        command.write_text(
            f'#!/bin/sh\n[ -z "$_ETSTATS_COMPLETE" ] || exec {etstats} "$@"\n'
            f"{{ printf '%s\\0' \"$@\"; printf '\\n'; }} >{shlex.quote(str(self._fifo))}\n"
        )
        command.chmod(0o700)
        self.environment = {
            **os.environ,
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "TERM": "xterm",
            "ZDOTDIR": str(home),
            "TMPDIR": str(home),  # fish leaves a folder there
            "HISTFILE": str(home / "history"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        script = subprocess.run(
            [command],
            env=self.environment | {"_ETSTATS_COMPLETE": f"source_{name}"},
            cwd=home,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        rc = home / RC[name]
        rc.parent.mkdir(parents=True, exist_ok=True)
        rc.write_text(f"{BEFORE[name]}{script}\n")
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(home)
            os.execvpe(START[name][0], START[name], self.environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
        self.shown = b""
        self.is_open = True

    def arguments(self, keys: str) -> list[str]:
        """Type keys that end in a command line, and return the arguments that `etstats` was called with."""
        os.write(self._terminal, keys.encode())
        call = b""
        while not call.endswith(b"\0\n"):
            ready, _, _ = select.select([self._terminal, self._calls], [], [], HANG_SECONDS)
            assert ready, f"no command within {HANG_SECONDS} s: {self.shown[-2000:]!r}"
            if self._terminal in ready:
                self.shown += os.read(self._terminal, 65536)
            if self._calls in ready:
                call += os.read(self._calls, 65536)
        return call[:-2].decode().split("\0")

    def close(self) -> None:
        """Leave the shell, and wait until it and its children have ended."""
        self.is_open = False
        with suppress(OSError):  # EIO: the last process on the terminal has ended
            os.write(self._terminal, b"\x15exit\r")
            while select.select([self._terminal], [], [], HANG_SECONDS)[0]:
                self.shown += os.read(self._terminal, 65536)
        os.close(self._terminal)
        os.close(self._calls)
        os.killpg(self._pid, signal.SIGKILL)  # the id is kept until it is waited for, also that of an ended shell
        _, status = os.waitpid(self._pid, 0)
        assert os.WIFEXITED(status), self.shown[-2000:]


@pytest.fixture(params=SHELLS)
def shell(
    request: pytest.FixtureRequest, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Each shell in turn; skipped when it is not installed."""
    if request.param != "bash" and shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)
    opened = Shell(request.param, home)
    yield opened
    if opened.is_open:
        opened.close()


@pytest.fixture
def guids(db: psycopg.Connection) -> dict[str, str]:
    """The GUID of each name, hostile and harmless; each player has played a round."""
    by_name = {name: f"{number:07X}0" for number, name in enumerate((*HOSTILE, *HARMLESS), 0xA000000)}
    take(db, [round_file("2025-10-02-213000", lines=[line(guid, "bo") for guid in by_name.values()])])
    with db.cursor() as cursor:
        cursor.executemany(
            "UPDATE player_aliases SET alias = %s WHERE guid = %s",
            list(by_name.items()),
        )
    db.commit()
    return by_name


def test_name_is_completed_and_never_executed(
    shell: Shell, guids: dict[str, str], cli: Callable[..., CliResult]
) -> None:
    """The start of any name, TAB and ENTER call `player` with a word that finds the player; nothing else runs."""
    # bash inserts what it is given; what the others evaluate is evaluated at once in the list of all names.
    names = (*(HOSTILE[::2] if shell.name == "bash" else HOSTILE[:3]), *HARMLESS)
    for name in names:
        guid = guids[name]
        called = shell.arguments(f"etstats player {name[:2]}\t\r")
        if name in HARMLESS:
            assert called == ["player", name]
        elif shell.name == "bash":
            assert called == ["player", guid]
        else:  # these may drop candidates that do not start with what was typed
            assert called in (["player", guid], ["player", name[:2]])
        found = cli("player", called[1], "--json")
        assert found.code == 0, found.err
        assert guid in found.out
    shell.close()
    assert not list(shell.home.rglob("*pwned*"))


def test_guid_is_completed(shell: Shell, guids: dict[str, str]) -> None:
    """The start of the GUID of a hostile name is completed in every shell."""
    guid = guids[HOSTILE[-1]]
    assert shell.arguments(f"etstats player {guid[:-1]}\t\r") == ["player", guid]


def test_list_of_all_names_executes_nothing(shell: Shell, guids: dict[str, str]) -> None:
    """Every candidate is shown with its description; at most one is inserted.

    The first ENTER may only close the list.
    """
    command, *words = shell.arguments("etstats player \t\t\r\r")
    assert command == "player"
    assert set(words) <= {*guids.values(), *HARMLESS, "A0000", ""}
    shell.close()
    offered = [guids[name] for name in HOSTILE] + list(HARMLESS)
    assert [word for word in offered if word.encode() not in shell.shown] == []
    assert not list(shell.home.rglob("*pwned*"))
