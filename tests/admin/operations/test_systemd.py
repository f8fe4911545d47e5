"""Tests of the systemd units: contents, calls of systemctl, and removal."""

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from etstats.admin import systemd
from etstats.config.schema import CronConfig
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


def test_the_timers_follow_the_settings() -> None:
    """Each interval of play hours has a start and an end; without an end there is one permanent service."""
    units = systemd.units(CronConfig(hours="12-13,18-2", backup_at="4:05"), COMMAND)
    assert calendars(units, "etstats-watch.timer") == ["*-*-* 12:00:00", "*-*-* 18:00:00"]
    assert calendars(units, "etstats-watch-stop.timer") == ["*-*-* 03:00:00", "*-*-* 14:00:00"]
    assert calendars(units, "etstats-backup.timer") == ["*-*-* 04:05:00"]
    assert "etstats-watch.timer" not in systemd.units(CronConfig(hours="0-23"), COMMAND)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("hours", ["0-23", "18-2"])
def test_systemd_accepts_the_units(tmp_path: Path, hours: str) -> None:
    """A command with a space, a percent sign and a dollar sign is quoted."""
    program = tmp_path / "my 50% $tools" / "etstats"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(stat.S_IRWXU)
    paths = []
    for name, text in systemd.units(CronConfig(hours=hours), [str(program), "--config", "/x y.toml"]).items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", *paths], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "etstats" in line and "network-online" not in line]
    assert ours == []


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


def test_a_refusal_says_what_to_do(cli: Cli, home: Path, calls: Path, tmp_path: Path) -> None:
    """Without a session bus: exit code 2, systemd's error and two solutions; nothing is installed."""
    (tmp_path / "refuses").touch()
    done = cli("systemd", "install")
    assert done.code == 2
    assert "Failed to connect to bus" in done.err
    assert not systemd.is_installed()
    assert "etstats cron install" in done.err
