"""Surroundings that a command does not choose: encodings, closed streams, users without a name, stray secrets."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.cli import main
from etstats.commands.typed_secrets import typed_secrets
from tests.conftest import CliResult
from tests.importer.world import take
from tests.support.files import line, round_file

Cli = Callable[..., CliResult]
NAMES = ("Žiga Č", "Дмитрий", "日本語", "плохо ♥")
TOKEN = "aB3" + "xY7_-Qz9" * 8


@pytest.fixture
def played(db: psycopg.Connection, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds of players whose names no single legacy encoding holds."""
    lines = [line(f"ABCDEF0{number}", name=name) for number, name in enumerate(NAMES)]
    take(db, [round_file("2025-10-02-213000", lines=lines), round_file("2025-10-02-213700", 2, lines=lines)])
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)


def etstats(*words: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the installed command in the environment of the test; `shell` is a redirection."""
    command = " ".join(["exec", sys.executable, "-m", "etstats", *(f"'{word}'" for word in words), shell])
    return subprocess.run(
        ["sh", "-c", command], env=os.environ | environment, capture_output=True, check=False, timeout=100
    )


READING = [
    ["leaderboard", "--top", "kd"],
    ["records"],
    ["session", "last"],
    ["round", "last"],
    ["maps"],
    ["player", "ABCDEF01"],
    ["leaderboard", "--csv"],
    ["leaderboard", "--markdown"],
    ["--help"],
    ["leaderboard", "--help"],
    ["nonsense-ž"],
]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r", "cp437", "utf-8", "ascii:strict", "shift_jis"])
def test_any_console_encoding(played: None, encoding: str) -> None:
    """What the encoding lacks is replaced; no command ends in the middle of its output."""
    for words in READING:
        done = etstats(*words, PYTHONIOENCODING=encoding)
        expected = 2 if words[0].startswith("nonsense") else 0
        assert done.returncode == expected, (words, done.stderr)
        assert b"Traceback" not in done.stderr
        assert b"fault" not in done.stderr
        (done.stdout + done.stderr).decode(encoding.partition(":")[0])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r"])
def test_json_loses_nothing_in_any_encoding(played: None, encoding: str) -> None:
    """Escapes stand for the characters that the encoding lacks."""
    done = etstats("leaderboard", "--top", "kills", "--json", PYTHONIOENCODING=encoding)
    plain = etstats("leaderboard", "--top", "kills", "--json", PYTHONIOENCODING="utf-8")
    assert json.loads(done.stdout.decode("ascii")) == json.loads(plain.stdout)
    assert all(any(name in row.values() for row in json.loads(plain.stdout)) for name in NAMES)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "nonsense"])
def test_any_locale(played: None, locale: str) -> None:
    """A locale without UTF-8, as cron and containers have it, or one that does not exist."""
    done = etstats("leaderboard", LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "words", [["leaderboard", "--top", "kd"], ["leaderboard", "--json"], ["backup"], ["import", "/dev/null"]]
)
def test_closed_streams(played: None, words: list[str], closed: str) -> None:
    """Whoever closes a stream wants nothing from it: the same exit code, and no traceback."""
    done = etstats(*words, shell=closed)
    assert done.returncode == (2 if words[0] == "import" else 0), done.stderr
    assert b"Traceback" not in done.stderr
    if ">&-" in closed and closed[0] != "2":
        assert done.stdout == b""


def test_a_closed_stream_does_not_become_a_file(played: None, home: Path) -> None:
    """A backup made without stdout and stderr is a valid one: nothing was printed into it."""
    assert etstats("backup", shell="<&- >&- 2>&-").returncode == 0
    done = etstats("restore", "latest", "--yes")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", ["1</dev/null", ">/dev/full"])
def test_a_stream_that_takes_nothing(played: None, target: str) -> None:
    """Opened for reading only, or full: exit code 75 in words."""
    done = etstats("leaderboard", shell=target)
    assert done.returncode == 75
    assert b"stdout cannot be written" in done.stderr


SECRETS = [
    f"https://discord.com/api/webhooks/123456789012345678/{TOKEN}",
    f"https://canary.discord.com/api/v10/webhooks/1/{TOKEN}?wait=true",
    "postgresql://etstats:hunter2@db.example/etstats",
    "host=db.example password=hunter2 dbname=x",
    TOKEN,
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "before",
    [
        [],
        ["sync"],
        ["sync", "--since"],
        ["sync", "--sicne"],
        ["leaderboard", "--limit"],
        ["leaderboard", "--top"],
        ["leaderboard", "--top", "kd", "--season"],
        ["player"],
        ["db"],
        ["post", "--round"],
        ["restore"],
        ["import"],
        ["--config"],
        ["quarantine", "show"],
        ["config", "check"],
    ],
    ids=" ".join,
)
def test_a_secret_in_a_mistyped_line_is_not_repeated(cli: Cli, before: list[str], secret: str) -> None:
    """Wherever it lands, as a word of its own or after an equals sign."""
    for words in ([*before, secret], [*before[:-1], f"{before[-1]}={secret}"] if before else [secret, "-v"]):
        done = cli(*words)
        assert done.code == 2, done.err
        for part in ("hunter2", TOKEN):
            assert part not in done.out + done.err


def test_what_is_no_secret_is_repeated(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, GUIDs, paths and file names are what an error is about."""
    for word in (
        "leaderbord",
        "xXDragonSlayer2000Xx",
        "0123456789ABCDEF0123456789ABCDEF",
        "2025-10-02-232818-erdenberg_t2-round-2.txt",
        "backups/etstats-20251002T053000Z-of-the-Old-Server.zip",
        "https://stats.example.org/players",
    ):
        assert main([word]) == 2
        assert word in capsys.readouterr().err


@given(st.lists(st.text(max_size=50)))
def test_ordinary_words_are_no_secrets(words: list[str]) -> None:
    """Only what has the form of one is hidden; and that is always a word of the line, or a part of it."""
    for secret in typed_secrets(words):
        assert any(secret in word for word in words)
