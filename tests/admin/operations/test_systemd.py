"""Tests of the systemd units: contents, calls of systemctl, and removal."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from etstats.admin import systemd
from etstats.config.schema import CronConfig
from etstats.errors import ConfigError
from tests.conftest import CliResult

Cli = Callable[..., CliResult]
COMMAND = ["/home/et/.local/bin/etstats"]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spool: Path) -> Path:
    """Return the recorded calls of a stand-in for `systemctl`."""
    calls = tmp_path / "calls"
    program = spool.parent / "bin" / "systemctl"
    program.write_text(
        f'#!/bin/sh\nif test -e {tmp_path}/refuses; then echo "Failed to connect to bus" >&2; exit 1; fi\n'
        f'echo "$*" >>{calls}\n'
    )
    program.chmod(stat.S_IRWXU)
    return calls


def calendars(units: dict[str, str], name: str) -> list[str]:
    """Return the times of a timer."""
    return [line.partition("=")[2] for line in units[name].splitlines() if line.startswith("OnCalendar=")]


def test_timers_follow_the_settings() -> None:
    """Each interval of play hours has a start and an end; without an end there is one permanent service."""
    units = systemd.units(CronConfig(hours="12-13,18-2", backup_at="4:05"), COMMAND)
    assert calendars(units, "etstats-watch.timer") == ["*-*-* 12:00:00", "*-*-* 18:00:00"]
    assert calendars(units, "etstats-watch-stop.timer") == ["*-*-* 03:00:00", "*-*-* 14:00:00"]
    assert calendars(units, "etstats-backup.timer") == ["*-*-* 04:05:00"]
    assert "etstats-watch.timer" not in systemd.units(CronConfig(hours="0-23"), COMMAND)


def complaints(folder: Path, units: dict[str, str]) -> list[str]:
    """Return what systemd says of these units."""
    paths = [folder / name for name in units]
    for path in paths:
        path.write_text(units[path.name])
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", *paths],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},  # without one it verifies nothing and says nothing
    )
    return [line for line in done.stderr.splitlines() if "etstats" in line and "network-online" not in line]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("hours", ["0-23", "18-2"])
@pytest.mark.parametrize(
    "name", ["plain", "my 50% $tools", "$$x", "${HOME}", "%h", "a;b", "#a", "-x", "~", "ünï", "a\u2028b"]
)
def test_systemd_finds_the_program_whatever_its_folder_is_called(tmp_path: Path, hours: str, name: str) -> None:
    """The program of each unit is found; one that is not there is noticed."""
    program = tmp_path / name / "etstats"
    program.parent.mkdir()
    units = systemd.units(CronConfig(hours=hours), [str(program), "--config", f"/{name}'\"\\.toml"])
    assert any("is not executable" in line for line in complaints(tmp_path, units))
    program.write_text("#!/bin/sh\n")
    program.chmod(stat.S_IRWXU)
    assert complaints(tmp_path, units) == []


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\b"])
def test_invalid_program_path_is_refused(name: str) -> None:
    """A quote or a backslash is refused in the path of the program."""
    with pytest.raises(ConfigError, match="contains a quote or a backslash"):
        systemd.units(CronConfig(hours="0-23"), [f"/{name}/etstats"])


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1bb", "a\udcffb"])
@pytest.mark.parametrize("command", [("systemd", "show"), ("cron", "show")])
def test_settings_path_with_a_line_break_is_refused(
    cli: Cli, home: Path, name: str, command: tuple[str, ...]
) -> None:
    """A line end in the path of the settings cannot add a line to a crontab or unit."""
    settings = home / name / "config.toml"
    settings.parent.mkdir()
    settings.write_text("")
    done = cli("--config", settings, *command)
    assert (done.code, done.out) == (2, "")
    assert "cron and systemd cannot use it" in done.err


def test_install_and_remove(cli: Cli, home: Path, calls: Path) -> None:
    """The units are written and started; changed hours change them; remove deletes them."""
    config = home / ".config" / "etstats" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("")
    folder = home / ".config" / "systemd" / "user"
    done = cli("systemd", "install")
    assert done.code == 0, done.err
    assert "loginctl enable-linger" in done.err
    assert (folder / "etstats-watch.service").read_text().count("-q watch") == 1
    assert "restart etstats-watch.service" in calls.read_text()
    config.write_text('[cron]\nhours = "18-2"\n')
    assert cli("systemd", "install").code == 0
    assert (folder / "etstats-watch-stop.timer").exists()
    assert "already" in cli("systemd", "install").err
    assert "etstats systemd remove" in cli("cron", "install").err
    assert "etstats cron remove" in cli("systemd", "install").err
    shown = cli("systemd", "show").out
    assert all(path.read_text() in shown for path in folder.iterdir())
    config.write_text("")
    assert cli("systemd", "install").code == 0
    assert not (folder / "etstats-watch-stop.timer").exists()
    assert cli("systemd", "remove").code == 0
    assert list(folder.iterdir()) == []
    assert "no units" in cli("systemd", "remove").err


def test_missing_session_bus_is_reported_with_solutions(cli: Cli, home: Path, calls: Path, tmp_path: Path) -> None:
    """Without a session bus: exit code 2, systemd's error and two solutions; nothing is installed."""
    (tmp_path / "refuses").touch()
    done = cli("systemd", "install")
    assert done.code == 2
    assert "Failed to connect to bus" in done.err
    assert not systemd.is_installed()
    assert "etstats cron install" in done.err
