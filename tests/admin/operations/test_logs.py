"""The log: one line an event, two formats, rotated by several processes, and never a secret."""

import json
import logging
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etstats import logs
from etstats.logs import LogConfig
from tests.conftest import CliResult

SECRETS = ("postgresql://u:p%40ss@db/x", "https://discord.com/api/webhooks/1/TOKENTOKEN", "phrase")


@pytest.fixture(autouse=True)
def quiet_after() -> Iterator[None]:
    """No handler of one test is left for the next."""
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


def test_an_event_is_one_line_whatever_a_name_holds(tmp_path: Path) -> None:
    """Line ends, escapes and quotes in a value do not make a second line or a second field."""
    path = _log(tmp_path)
    logs.event("imported", file='a\nb\x1b[31m "c"', fetch_ms=3.14159, reason=None)
    (line,) = path.read_text().splitlines()
    assert line.endswith(r'info imported file="a\\nb\\x1b[31m \"c\"" fetch_ms=3.1')


def test_json_is_one_object_a_line(tmp_path: Path) -> None:
    """Every field under its own name, moments in ISO 8601 with their zone."""
    path = _log(tmp_path, format="json")
    logs.event("skipped", file="x.txt", layer="memory", count=3)
    found = json.loads(path.read_text())
    assert found.pop("at").endswith("+00:00")
    assert found == {"level": "info", "event": "skipped", "file": "x.txt", "layer": "memory", "count": 3}


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_gets_in(tmp_path: Path, form: str) -> None:
    """Not in a field, a message, an argument or a traceback; nor a part of one."""
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


def test_libraries_are_held_back(tmp_path: Path) -> None:
    """The HTTP library's DEBUG lines carry addresses; they are never made."""
    _log(tmp_path, level="debug")
    for name in ("urllib3", "paramiko", "PIL"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_the_level_is_kept(tmp_path: Path) -> None:
    """`info` leaves debug out, `debug` takes it in."""
    path = _log(tmp_path)
    logs.event("detail", level=logging.DEBUG)
    assert not path.exists()
    _log(tmp_path, level="debug")
    logs.event("detail", level=logging.DEBUG)
    assert "debug detail" in path.read_text()


def test_the_log_is_private_and_rotated(tmp_path: Path) -> None:
    """Mode 0600; never larger than set, and no more old ones than set."""
    path = _log(tmp_path / "state", max_bytes=10_000, backups=2)
    for number in range(600):
        logs.event("imported", file="x" * 60, number=number)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in path.parent.glob("etstats.log*")) == [
        "etstats.log",
        "etstats.log.1",
        "etstats.log.2",
        "etstats.log.lock",
    ]
    assert all(p.stat().st_size <= 10_000 for p in path.parent.iterdir())
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
    writers = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = [line for p in tmp_path.glob("etstats.log*") for line in p.read_text().splitlines()]
    found = sorted(tuple(line.split(" ")[3:]) for line in lines)
    assert found == sorted((f"writer={w}", f"number={n}") for w in range(3) for n in range(300))


def test_a_log_that_cannot_be_written_stops_nothing(cli: Callable[..., CliResult], home: Path) -> None:
    """The command does its work and says once that there is no log; with -q not even that."""
    state = home / ".local"
    state.parent.mkdir(exist_ok=True)
    state.write_text("a file where a folder should be")
    done = cli("db", "migrate")
    assert done.code == 0
    assert "there is no log" in done.err
    assert cli("-q", "db", "migrate").err == ""


def test_verbose_says_the_events(cli: Callable[..., CliResult], tmp_path: Path) -> None:
    """`-v` shows on stderr what the log gets."""
    (tmp_path / "2025-10-02-232818-supply-round-1.txt").write_text("half a file")
    assert "supply-round-1" in cli("-v", "import", tmp_path).err
