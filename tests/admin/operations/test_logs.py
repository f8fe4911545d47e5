"""Tests of the log: one line per event, two formats, rotation by several processes, no secrets."""

import json
import logging
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from etstats import logs
from etstats.logs import LogConfig
from tests.conftest import CliResult
from tests.support.processes import Process

SECRETS = ("postgresql://u:p%40ss@db/x", "https://discord.com/api/webhooks/1/TOKENTOKEN", "phrase")


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """Remove the handlers of each test."""
    yield
    root = logging.getLogger("etstats")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.propagate = True


def _log(folder: Path, **settings: object) -> Path:
    config = LogConfig(**settings)  # type: ignore[arg-type]
    assert logs.configure(config, folder, SECRETS, 0) is None
    return folder / logs.FILE_NAME


def test_event_is_one_line_with_any_name(tmp_path: Path) -> None:
    """Line ends, escapes and quotes in a value do not create a second line or field."""
    path = _log(tmp_path)
    logs.event("imported", file='a\nb\x1b[31m "c"', fetch_ms=3.14159, reason=None)
    (line,) = path.read_text().splitlines()
    assert line.endswith(r'info imported file="a\\nb\\x1b[31m \"c\"" fetch_ms=3.1')


def test_json_log_has_one_object_per_line(tmp_path: Path) -> None:
    """Every field has its name; times are ISO 8601 with zone."""
    path = _log(tmp_path, format="json")
    logs.event("skipped", file="x.txt", layer="memory", count=3)
    found = json.loads(path.read_text())
    assert found.pop("at").endswith("+00:00")
    assert found == {"level": "info", "event": "skipped", "file": "x.txt", "layer": "memory", "count": 3}


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_contains_no_secret(tmp_path: Path, form: str) -> None:
    """Secrets, or parts of them, are removed from fields, messages, arguments and tracebacks."""
    path = _log(tmp_path, format=form)
    logs.event("failed", reason=f"POST {SECRETS[1]}?wait=true", also="the pass p@ss and phrase")
    logger = logging.getLogger("etstats.post")
    try:
        raise ValueError(SECRETS[0])
    except ValueError:
        logger.exception("with %s", SECRETS[2])
    text = path.read_text()
    assert "ValueError" in text
    for part in (*SECRETS, "TOKENTOKEN", "p%40ss", "p@ss"):
        assert part not in text


def test_debug_lines_of_libraries_are_disabled(tmp_path: Path) -> None:
    """The HTTP library's DEBUG lines contain URLs, so they are disabled."""
    _log(tmp_path, level="debug")
    for name in ("urllib3", "paramiko", "PIL"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_log_level_is_respected(tmp_path: Path) -> None:
    """`info` omits debug lines, `debug` includes them."""
    path = _log(tmp_path)
    logs.event("detail", level=logging.DEBUG)
    assert not path.exists()
    _log(tmp_path, level="debug")
    logs.event("detail", level=logging.DEBUG)
    assert "debug detail" in path.read_text()


def test_log_is_private_and_rotated(tmp_path: Path) -> None:
    """Mode 0600; at most the configured size and number of rotated logs."""
    path = _log(tmp_path / "state", max_bytes=10_000, backups=2)
    for number in range(600):
        logs.event("imported", file="x" * 60, number=number)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(log.name for log in path.parent.glob("etstats.log*")) == [
        "etstats.log",
        "etstats.log.1",
        "etstats.log.2",
        "etstats.log.lock",
    ]
    assert all(log.stat().st_size <= 10_000 for log in path.parent.iterdir())
    assert "number=599" in path.read_text()


_WRITER = """
import sys
from pathlib import Path
from etstats import logs
from etstats.logs import LogConfig

logs.configure(LogConfig(max_bytes=20_000, backups=90), Path(sys.argv[1]), (), 0)
for number in range(300):
    logs.event("line", writer=int(sys.argv[2]), number=number)
"""


def test_several_processes_lose_no_line(tmp_path: Path) -> None:
    """Three processes write and rotate one log: every line is there once."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    with ExitStack() as running:
        writers = [running.enter_context(Process([*command, str(number)])) for number in range(3)]
        assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = [line for path in tmp_path.glob("etstats.log*") for line in path.read_text().splitlines()]
    found = sorted(tuple(line.split(" ")[3:]) for line in lines)
    assert found == sorted((f"writer={writer}", f"number={index}") for writer in range(3) for index in range(300))


def test_unwritable_log_stops_no_command(cli: Callable[..., CliResult], home: Path) -> None:
    """Without a writable log the command works and reports it once; with -q it does not report it."""
    state = home / ".local"
    state.parent.mkdir(exist_ok=True)
    state.write_text("a file where a folder should be")
    done = cli("db", "migrate")
    assert done.code == 0
    assert "there is no log" in done.err
    assert cli("-q", "db", "migrate").err == ""


def test_verbose_prints_the_events(cli: Callable[..., CliResult], tmp_path: Path) -> None:
    """`-v` writes the events to stderr."""
    (tmp_path / "2025-10-02-232818-supply-round-1.txt").write_text("half a file")
    assert "supply-round-1" in cli("-v", "import", tmp_path).err


def test_failures_are_logged_at_level_warning(cli: Callable[..., CliResult], home: Path, tmp_path: Path) -> None:
    """With `[log] level = "warning"` the log has only failures: of a file, a server, a command."""
    config = home / ".config" / "etstats" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[log]\nlevel = "warning"\n[[servers]]\nname = "main"\npath = "{tmp_path}/gone"\n')
    bad = tmp_path / "2025-10-02-232818-supply-round-1.txt"
    bad.write_text("half")
    assert cli("import", bad).code == 3
    assert cli("sync").code == 75
    assert cli("player", "nobody").code == 2
    lines = (home / ".local" / "state" / "etstats" / "etstats.log").read_text().splitlines()
    found = [line.split(" ", 2)[1:] for line in lines]
    assert [(level, text.split(" server")[0].split(" reason")[0]) for level, text in found] == [
        ("warning", "quarantined"),
        ("error", "server failed"),
        ("error", "failed"),
    ]
