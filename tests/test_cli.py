"""Tests of main(): errors become exit codes and one or two lines."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from etstats import __version__, errors
from etstats.cli import main, run
from etstats.config import loader
from etstats.output import consoles
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
Capture = pytest.CaptureFixture[str]
ETSTATS = [sys.executable, "-m", "etstats"]


@pytest.fixture
def fails(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Callable[..., tuple[int, str, str]]:
    """Run a command that raises this error, after these options; return its code and output."""

    def run(what: BaseException, *options: str) -> tuple[int, str, str]:
        def load(_path: Path | None) -> None:
            raise what

        monkeypatch.setattr(loader, "load", load)
        code = main([*options, "config", "show"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["leaderboard", "--nonsense"], "No such option: --nonsense"),
        (["leaderboard", "--tpo", "kills"], "No such option: --tpo. Did you mean --top? Try: etstats leaderboard"),
        (["player", "-=WS=-Zed"], "goes after --, as in: etstats player -- -=WS=-Zed"),
        (["find", "--top-fragger"], "goes after --, as in: etstats find -- --top-fragger"),
        (["player", "-Mr. X", "--json"], "goes after --, as in: etstats player -- '-Mr. X'"),
        (["maps", "-q"], "No such option: -q. It goes before the command: etstats -q maps"),
        (["rounds", "--config", "x"], "It goes before the command: etstats --config rounds"),
        (["leaderboard", "--top"], "--top needs a value. Try: etstats leaderboard --help"),
        (["quarantine", "show", "--json=yes", "1"], "--json takes no value. Try: etstats quarantine show --help"),
        (["leaderboard", "--limit", "many"], "'--limit': 'many' is not a whole number. Try"),
        (["leaderboard", "--limit", "0"], "1 or more is expected. Try"),
        (["rebuild", "--from", "2025-10-02", "--to", "2025-10-01"], "2025-10-02 is after --to 2025-10-01. Try"),
        (["rebuild", "--from", "May"], "'May' is not a valid date; expected one such as 2025-10-01"),
        (["sync", "one", "two"], "Unexpected argument: one two. Try: etstats sync --help"),
        (["maps", "--json", "--csv"], "Choose one of"),
        (["--log-format", "xml", "maps"], "xml"),
        (["weapons", "\x1b[2Jtoo much"], "too much"),
        (["\x1b[2Jevil\nword"], "evil"),
        (["db", "nonsense"], "Try: etstats db --help"),
        (["nonsense"], "No such command 'nonsense'"),
        (["leaderbord"], "Did you mean 'leaderboard'?"),
        (["--config", "/nowhere/at/all.toml", "maps"], "/nowhere/at/all.toml"),
    ],
    ids=lambda value: ascii(" ".join(value)) if isinstance(value, list) else "",
)
def test_usage_error_is_one_line(home: Path, capsys: Capture, words: list[str], expected: str) -> None:
    """Usage errors exit with 2 and one line that names the word and a suggestion, and nothing on stdout."""
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("etstats: ")
    assert expected in captured.err
    assert "\x1b" not in captured.err


@pytest.mark.parametrize("words", [[], ["db"], ["quarantine", "--help"]], ids=["no command", "group", "help"])
def test_help_is_shown_once(home: Path, capsys: Capture, words: list[str]) -> None:
    """Without a command the help is shown once; it is a usage error unless requested."""
    assert main(words) == (0 if "--help" in words else 2)
    captured = capsys.readouterr()
    assert captured.out.count("Usage:") == 1
    assert captured.err == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.EtstatsError("details"), 1),
        (errors.ConfigError("details"), 2),
        (errors.NotFoundError("details"), 2),
        (errors.CheckError("details"), 3),
        (errors.PermanentDiscordError("details"), 3),
        (errors.AccessError("details"), 4),
        (errors.HostKeyError("details"), 4),
        (errors.SourceError("details"), 75),
        (errors.DatabaseError("details"), 75),
        (errors.DiscordError("details"), 75),
        (errors.LockedError("details"), 75),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_error_has_its_exit_code(
    fails: Callable[..., tuple[int, str, str]], error: errors.EtstatsError, code: int
) -> None:
    """Each class of errors has its exit code, and its message is printed unchanged."""
    assert fails(error) == (code, "", "etstats: details\n")


def test_parse_error_names_file_and_line(fails: Callable[..., tuple[int, str, str]]) -> None:
    """The line in the file is reported."""
    error = errors.ParseError("a.txt", 7, "too short")
    assert fails(error) == (3, "", "etstats: a.txt, line 7: too short\n")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\v", "\x85", "\u2028"], ids=ascii)
def test_error_is_one_line_with_any_value(fails: Callable[..., tuple[int, str, str]], ends: str) -> None:
    """A line break in a name that was typed does not break the message."""
    error = errors.NotFoundError(f"no player is named a{ends}b; search with: etstats find TEXT")
    assert fails(error) == (2, "", "etstats: no player is named a b; search with: etstats find TEXT\n")


def test_verbose_shows_the_traceback(fails: Callable[..., tuple[int, str, str]]) -> None:
    """With -v the traceback is shown before the error."""
    code, _, said = fails(errors.ConfigError("details"), "-v")
    assert code == 2
    assert "Traceback" in said
    assert said.endswith("etstats: details\n")


def test_quiet_does_not_report_a_lock(fails: Callable[..., tuple[int, str, str]]) -> None:
    """With -q a lock of another run is not reported; other errors are."""
    assert fails(errors.LockedError("details"), "-q") == (75, "", "")
    assert "Traceback" not in fails(errors.LockedError("details"), "-v")[2]
    assert fails(errors.SourceError("details"), "-q") == (75, "", "etstats: details\n")


def test_interrupt_exits_with_130(fails: Callable[..., tuple[int, str, str]]) -> None:
    """Ctrl-C exits with 130 and says that completed work was kept."""
    code, out, said = fails(KeyboardInterrupt())
    assert (code, out) == (130, "")
    assert said.startswith("etstats: interrupted; ")
    assert said.count("\n") == 1


def test_unexpected_error_is_two_lines(fails: Callable[..., tuple[int, str, str]]) -> None:
    """An unexpected error exits with 1 and two lines, with a traceback only for -v."""
    code, out, said = fails(RuntimeError("the un[bold]expected\x1b[2J"))
    assert (code, out) == (1, "")
    assert said.splitlines()[0] == "etstats: internal error: RuntimeError: the un[bold]expected[2J"
    assert said.count("\n") == 2
    code, _, said = fails(RuntimeError("the unexpected"), "--verbose")
    assert code == 1
    assert "Traceback" in said
    assert "RuntimeError: the unexpected" in said


@pytest.mark.parametrize("words", [["--help"], ["config", "show"], ["--version"]], ids=" ".join)
def test_closed_pipe_is_not_a_failure(home: Path, words: list[str]) -> None:
    """A closed pipe is not a failure, and not reported."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*ETSTATS, *words], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_piped_into_head_has_no_error(home: Path) -> None:
    """The first line arrives, without errors on either side."""
    line = 'set -o pipefail; "$0" -m etstats --help | head -n 2'
    done = subprocess.run(["bash", "-c", line, sys.executable], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: etstats" in done.stdout


def test_module_equals_the_command(home: Path, tmp_path: Path) -> None:
    """`python -m etstats` equals the installed command: the same version and exit codes."""
    done = subprocess.run([*ETSTATS, "--version"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"etstats {__version__}\n", "")
    done = subprocess.run([*ETSTATS, "leaderbord"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Did you mean 'leaderboard'?" in done.stderr


HEAVY = {"psycopg", "rich", "paramiko", "PIL", "discord_webhook", "pydantic", "requests"}


@pytest.mark.parametrize(
    ("words", "used"),
    [(["--help"], {"rich"}), (["db", "status", "--json"], {"psycopg"})],
    ids=["--help", "db status"],
)
def test_start_imports_no_heavy_module(home: Path, words: list[str], used: set[str]) -> None:
    """Heavy modules are not imported, because each costs tens of milliseconds per start."""
    code = f"import sys; from etstats.cli import main; main({words!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert HEAVY & set(done.stderr.split()) == used


@pytest.mark.parametrize(
    "words", [("--version",), ("--help",), ("leaderboard",), ("leaderboard", "--json"), ("config", "show")]
)
def test_full_disk_behind_stdout_exits_with_75(home: Path, words: tuple[str, ...]) -> None:
    """Unwritable output is reported in one line with 75; with stderr full too, only the exit code remains."""
    command = [sys.executable, "-m", "etstats", *words]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == 75
    assert done.returncode == 75
    assert done.stderr.startswith("etstats: stdout cannot be written: No space left on device. ")
    assert done.stderr.count("\n") == 1


def test_unexpected_error_without_a_log_prints_no_traceback(home: Path) -> None:
    """Before the settings are read there is no log, and the terminal shows none."""
    program = (
        "import sys, etstats.cli as cli\n"
        "def broken(*_, **__): raise RuntimeError('details')\n"
        "cli.typer.main.get_command = broken\n"
        "sys.exit(cli.main(['maps']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2
    assert "RuntimeError: details" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without an entry in /etc/passwd")
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["config", "show"], 0, "data_dir"),
        (["db", "status"], 0, "embedded"),
        (["leaderboard", "--top", "kd"], 2, "has no entry in /etc/passwd, which PostgreSQL requires"),
        (["sync"], 2, "no game server is configured"),
    ],
)
def test_user_without_passwd_entry_is_supported(
    cli: Cli, reachable_dir: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, expected: str
) -> None:
    """A random user id without HOME, as in containers, works, or is refused for the embedded PostgreSQL."""
    cli(*arguments)  # loads the modules, which may lie in a folder that other users cannot read
    folder = Path(tempfile.mkdtemp(dir=reachable_dir))
    folder.chmod(0o777)
    for name in ("HOME", "USER", "LOGNAME", "ETSTATS_DATABASE_URL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ETSTATS_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("ETSTATS_STATE_DIR", str(folder / "state"))
    monkeypatch.setattr(sys, "argv", ["etstats", *arguments])
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(2**30)
            os.setuid(2**30)
            sys.stdout = sys.stderr = os.fdopen(writer, "w")
            consoles.out.cache_clear()
            consoles.err.cache_clear()
            run()
        except SystemExit as leaving:
            sys.stdout.flush()
            os._exit(int(str(leaving.code)))
        finally:
            os._exit(99)
    os.close(writer)
    with os.fdopen(reader) as output:
        text = output.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == code, text
    assert expected in text


def test_lost_connection_is_temporary(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """If the database ends the connection at any statement: one line and exit code 75, no internal error."""

    def fail(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("server closed the connection unexpectedly\n\tThis probably means ...")

    monkeypatch.setattr("etstats.pipeline.database.connect", fail)
    monkeypatch.setattr("etstats.pipeline.database.database_url", fail)
    assert main(["sessions"]) == 75
    said = capsys.readouterr().err
    assert "server closed the connection unexpectedly" in said
    assert said.count("\n") == 1
