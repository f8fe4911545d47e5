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
from tests.support.processes import HANG_SECONDS

Cli = Callable[..., CliResult]
NAMES = ("Žiga Č", "Дмитрий", "日本語", "плохо ♥")
TOKEN = "aB3" + "xY7_-Qz9" * 8


@pytest.fixture
def played(db: psycopg.Connection, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import two rounds of players whose names fit in no single legacy encoding."""
    lines = [line(f"ABCDEF0{number}", name=name) for number, name in enumerate(NAMES)]
    take(db, [round_file("2025-10-02-213000", lines=lines), round_file("2025-10-02-213700", 2, lines=lines)])
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)


def etstats(*words: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the installed command in the environment of the test; `shell` is a redirection."""
    command = " ".join(["exec", sys.executable, "-m", "etstats", *(f"'{word}'" for word in words), shell])
    return subprocess.run(
        ["sh", "-c", command],
        env=os.environ | environment,
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
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
def test_any_console_encoding_works(played: None, encoding: str) -> None:
    """Characters missing in the encoding are replaced; no command ends in the middle of its output."""
    program = f"""
import sys
from etstats.cli import run
codes = []
for words in {READING!a}:
    sys.argv = ["etstats", *words]
    try:
        run()
    except SystemExit as end:
        codes.append(end.code)
print(codes)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    expected = [2 if words[0].startswith("nonsense") else 0 for words in READING]
    assert done.stdout.endswith(f"{expected}\n".encode(encoding.partition(":")[0])), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"fault" not in done.stderr
    (done.stdout + done.stderr).decode(encoding.partition(":")[0])


@pytest.mark.parametrize("encoding", ["ascii", "koi8-r"])
def test_json_is_complete_in_any_encoding(played: None, encoding: str) -> None:
    """Characters missing in the encoding are written as escapes."""
    done = etstats("leaderboard", "--top", "kills", "--json", PYTHONIOENCODING=encoding)
    plain = etstats("leaderboard", "--top", "kills", "--json", PYTHONIOENCODING="utf-8")
    assert json.loads(done.stdout.decode("ascii")) == json.loads(plain.stdout)
    assert all(any(name in row.values() for row in json.loads(plain.stdout)) for name in NAMES)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "nonsense"])
def test_any_locale_works(played: None, locale: str) -> None:
    """A locale without UTF-8, as in cron and containers, or one that does not exist."""
    done = etstats("leaderboard", LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error"},  # no docstrings and no assertions
        {"PYTHONUTF8": "0", "TZ": "Nonsense/Zone", "TMPDIR": "/nonexistent"},
        {"COLUMNS": "-5", "LINES": "x", "TERM": "nonsense"},
    ],
    ids=" ".join,
)
def test_any_environment_keeps_exit_codes(played: None, variables: dict[str, str]) -> None:
    """Variables of Python, the terminal and the system change no exit code."""
    for words in (["leaderboard"], ["sync", "--help"]):
        done = etstats(*words, **variables)
        assert (done.returncode, done.stderr) == (0, b""), words
        assert done.stdout


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        *(
            (["leaderboard", "--top", "kd"], closed)
            for closed in (">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-")
        ),
        (["leaderboard", "--json"], ">&-"),
        (["backup"], "<&- >&- 2>&-"),
        (["import", "/dev/null"], "2>&-"),
        (["import", "/dev/null"], "<&- >&- 2>&-"),
    ],
)
def test_closed_streams_are_ignored(played: None, words: list[str], closed: str) -> None:
    """The exit code is the same, and there is no traceback."""
    done = etstats(*words, shell=closed)
    assert done.returncode == (2 if words[0] == "import" else 0), done.stderr
    assert b"Traceback" not in done.stderr
    if ">&-" in closed and closed[0] != "2":
        assert done.stdout == b""


def test_closed_stream_is_not_written_into_a_file(played: None, home: Path) -> None:
    """A backup made without stdout and stderr is valid: it contains no output."""
    assert etstats("backup", shell="<&- >&- 2>&-").returncode == 0
    done = etstats("restore", "latest", "--yes")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["--config", "PIPE", "health"], ""),
        (["health"], "[discord]\nwebhook_url_file = 'PIPE'"),
        (["health"], "[database]\nread_url_file = 'PIPE'"),
        (["init", "--yes", "--path", ".", "--webhook-url-file", "PIPE"], ""),
        (["init", "--yes", "--path", ".", "--database-url-file", "PIPE"], ""),
        (["init", "--yes", "--path", ".", "--from-env", "PIPE"], ""),
        (["--config", "PIPE", "init", "--yes", "--path", "."], ""),
        (["import", "PIPE"], ""),
        (["restore", "PIPE", "--yes"], ""),
    ],
    ids=" ".join,
)
def test_named_pipe_is_refused(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], settings: str
) -> None:
    """Any option that names a file refuses a pipe without waiting for a writer."""
    pipe, file = home / "pipe", home / "config.toml"
    os.mkfifo(pipe, 0o600)
    file.write_text(settings.replace("PIPE", str(pipe)))
    monkeypatch.setenv("ETSTATS_CONFIG", str(file))
    done = cli(*(word.replace("PIPE", str(pipe)) for word in words))
    assert done.code == 2, done.err
    assert "not a regular file" in done.err
    assert done.err.count("\n") == 1


def test_log_to_a_pipe_stops_no_command(played: None, home: Path) -> None:
    """A log that nobody reads does not block a command."""
    os.mkfifo(home / "pipe")
    done = etstats("maps", ETSTATS_LOG_PATH=str(home / "pipe"))
    assert (done.returncode, done.stderr) == (0, b"")


def test_null_device_is_an_empty_file(played: None) -> None:
    """As in `ssh -F /dev/null`."""
    assert etstats("--config", os.devnull, "maps").returncode == 0


@pytest.mark.parametrize("words", [["player", "nobody"], ["frob"], ["restore", "latest"]], ids=" ".join)
def test_unwritable_stderr_keeps_the_exit_code(played: None, words: list[str]) -> None:
    """A closed pipe or a full disk as stderr does not change the exit code."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "etstats", *words]
    for target in (writer, os.open("/dev/full", os.O_WRONLY)):
        done = subprocess.run(command, stderr=target, check=False, timeout=HANG_SECONDS)
        os.close(target)
        assert done.returncode == 2


@pytest.mark.parametrize("variable", ["ETSTATS_DATA_DIR", "ETSTATS_STATE_DIR", "ETSTATS_CONFIG"])
def test_circular_link_is_reported(
    played: None, home: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """With a message, not as an internal error."""
    (home / "loop").symlink_to("loop")
    if variable == "ETSTATS_DATA_DIR":
        monkeypatch.delenv("ETSTATS_DATABASE_URL")
    done = etstats("init", "--yes", "--path", str(home), "--no-webhook", **{variable: str(home / "loop")})
    assert done.returncode == (0 if variable == "ETSTATS_STATE_DIR" else 2), done.stderr
    assert b"internal error" not in done.stderr


@pytest.mark.parametrize("target", ["1</dev/null", ">/dev/full"])
def test_unwritable_stdout_exits_with_75(played: None, target: str) -> None:
    """A read-only or full stdout exits with 75 and a message."""
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
def test_secret_in_a_mistyped_command_is_not_repeated(cli: Cli, before: list[str], secret: str) -> None:
    """Neither as a separate word nor after an equals sign."""
    for words in ([*before, secret], [*before[:-1], f"{before[-1]}={secret}"] if before else [secret, "-v"]):
        done = cli(*words)
        assert done.code == 2, done.err
        for part in ("hunter2", TOKEN):
            assert part not in done.out + done.err


def test_harmless_values_are_repeated(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors quote names, GUIDs, paths and file names."""
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
def test_ordinary_words_are_not_secrets(words: list[str]) -> None:
    """Only text in the form of a secret is hidden, and only words of the command line or parts of them."""
    for secret in typed_secrets(words):
        assert any(secret in word for word in words)
