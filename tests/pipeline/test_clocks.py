"""Game servers with a wrong clock: their files are imported at the right time, and reported."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CliResult
from tests.pipeline.conftest import Database
from tests.support.files import GUIDS, line, round_file

Cli = Callable[..., CliResult]
DAY = 86_400


def at(seconds: float, number: int = 1, map_name: str = "supply") -> tuple[str, bytes]:
    """A round file whose name has this time (UTC, seconds since the epoch)."""
    players = [
        line(guid, team=team, xp=int(seconds) % 10**6) for guid, team in zip(GUIDS[:2], (1, 2), strict=True)
    ]
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.gmtime(seconds))
    file = round_file(stamp, number, players, map_name=map_name)
    return file.name, file.content


@pytest.fixture
def put(home: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a file into the server's folder, with an mtime."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    config = home / ".config" / "etstats" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[[servers]]\nname = "main"\npath = "{folder}"\n')

    def write(file: tuple[str, bytes], mtime: float) -> Path:
        path = folder / file[0]
        path.write_bytes(file[1])
        os.utime(path, (mtime, mtime))
        return path

    return write


def maps(cli: Cli, *options: str) -> list[str]:
    return [row["map_name"] for row in json.loads(cli("rounds", *options, "--json").out)]


@pytest.mark.parametrize("command", ["sync", "import"])
@pytest.mark.parametrize("mtime_ahead", [0, 3650 * DAY], ids=["only the name", "name and time"])
def test_future_file_is_reported_and_fetched_once(
    cli: Cli, database: Database, put: Callable[..., Path], command: str, mtime_ahead: float
) -> None:
    """It is not sorted after later rounds; health reports it; later runs do not fetch it again."""
    now = time.time()
    folder = put(at(now - 2400, map_name="earlier"), now - 2400).parent
    words = [command] + ([str(folder)] if command == "import" else [])
    assert cli(*words).code == 0
    name = put(at(now + 3650 * DAY, map_name="future"), now - 1800 + mtime_ahead).name
    assert cli(*words).code == 0
    put(at(now + 120, map_name="latest"), now + 120)
    assert cli(*words).code == 0
    assert maps(cli) == ["latest", "future", "earlier"]
    assert maps(cli, "--since", "7d") == ["latest", "future", "earlier"]
    assert len(json.loads(cli("sessions", "--json").out)) == 1
    year = time.gmtime(now + 3650 * DAY).tm_year
    assert f"{year}-" not in cli("rounds").out + cli("session", "last").out
    day = json.loads(cli("rounds", "--json").out)[1]["ended_at"][:10]
    assert cli("session", day).code == 0
    health = cli("health")
    assert health.code == 3
    assert f"file dates     {name}: date in the name and file time differ" in " ".join(health.out.split("\n"))
    assert ("skipped" in cli("sync").err, "imported" in cli("sync").err) == (True, False)
    before = database.value("SELECT array_agg(ended_at ORDER BY id) FROM rounds")
    assert "known" in cli("import", folder).err
    assert database.value("SELECT array_agg(ended_at ORDER BY id) FROM rounds") == before
    assert cli("rebuild", "--verify").code == 0
    assert cli("rebuild", "--yes").code == 0
    assert database.value("SELECT array_agg(ended_at ORDER BY id) FROM rounds") == before
    assert json.loads(cli("validate", "--errors", "--json").out) == []


def test_files_with_old_names_are_fetched_by_mtime(cli: Cli, database: Database, put: Callable[..., Path]) -> None:
    """New files with old names are fetched by mtime, and reported until names are correct again."""
    now = time.time()
    put(at(now - 3 * DAY, map_name="known"), now - 3 * DAY)
    put(at(now - 3600, map_name="newest"), now - 3600)
    assert cli("sync").code == 0
    name = put(at(now - 400 * DAY, map_name="behind"), now - 60).name
    put(at(now - 500 * DAY, map_name="old"), now - 500 * DAY)
    done = cli("sync")
    assert done.code == 0
    assert f"main: {name}: date in the name and file time differ" in done.err
    assert sorted(maps(cli)) == ["behind", "known", "newest"]
    assert name in cli("health").out
    assert "imported" not in cli("sync").err
    put(at(now - 30, map_name="right"), now - 30)
    assert cli("sync").code == 0
    assert "file dates" not in cli("health").out


def test_files_with_old_names_and_mtimes_are_reported(cli: Cli, put: Callable[..., Path]) -> None:
    """Files with old names and old mtimes are not fetched, and reported once."""
    now = time.time()
    put(at(now - 900 * DAY, map_name="on_purpose"), now - 900 * DAY)
    put(at(now - 3600, map_name="newest"), now - 3600)
    assert cli("sync", "--since", "7d").code == 0
    assert "clock" not in cli("sync").err
    name = put(at(now - 400 * DAY, map_name="behind"), now - 400 * DAY).name
    done = cli("sync")
    assert (done.code, f"main: 1 new file, such as {name}, dated before" in done.err) == (0, True)
    assert name in cli("health").out
    assert "clock" not in cli("-v", "sync").err.split("sync:")[-1]
    assert maps(cli) == ["newest"]
    assert cli("sync", "--since", "all").code == 0
    assert sorted(maps(cli)) == ["behind", "newest", "on_purpose"]


def test_known_file_with_a_new_mtime_is_fetched_once(cli: Cli, put: Callable[..., Path]) -> None:
    """A known old file with a new mtime is fetched once and changes nothing."""
    now = time.time()
    old = put(at(now - 3 * DAY, map_name="known"), now - 3 * DAY)
    put(at(now - 3600, map_name="newest"), now - 3600)
    assert cli("sync").code == 0
    os.utime(old, (now, now))
    assert "1 known" in cli("sync").err
    assert "known" not in cli("sync").err
    assert sorted(maps(cli)) == ["known", "newest"]


@pytest.mark.parametrize("mtime", [0, 1, 315_532_800, 1_000_000_000])
def test_implausible_mtimes_are_ignored(cli: Cli, put: Callable[..., Path], mtime: float) -> None:
    """mtimes of 1970 or 1980 from an archive are ignored."""
    now = time.time()
    put(at(now - 3600), mtime)
    assert cli("sync").code == 0
    assert maps(cli, "--since", "1d") == ["supply"]
    assert "file dates" not in cli("health").out
