"""Tests of the cron entries: their hours, and the other lines of the crontab."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin import crontab
from etstats.config.schema import CronConfig
from etstats.domain.rules.hours import hours_of
from etstats.errors import ConfigError
from tests.conftest import CliResult

MINE = "MAILTO=me@example.org\n\n0 4 * * * /usr/bin/backup-my-box  # mine\n"


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("18-2", (0, 1, 2, 18, 19, 20, 21, 22, 23)),
        ("0-23", tuple(range(24))),
        ("20", (20,)),
        ("12-14, 18-24", (12, 13, 14, 18, 19, 20, 21, 22, 23)),
        ("23-0", (0, 23)),
    ],
)
def test_hour_ranges_are_parsed(text: str, hours: tuple[int, ...]) -> None:
    """A range may pass midnight; `24` means until midnight."""
    assert hours_of(text) == hours


@pytest.mark.parametrize("text", ["", "evening", "18-25", "24-3", "18:00-2:00", "-3", "18-2;rm", "١٨-٢"])
def test_invalid_hour_ranges_are_refused(text: str) -> None:
    """The error quotes the value and shows a valid example."""
    with pytest.raises(ConfigError, match="expected a range such as 18-2"):
        hours_of(text)


@given(st.integers(0, 23), st.integers(0, 23))
def test_hour_field_selects_the_same_hours_in_cron(first: int, last: int) -> None:
    """The hours field means the same to cron as the setting."""
    hours = hours_of(f"{first}-{last}")
    line = next(
        line
        for line in crontab.block(CronConfig(hours=f"{first}-{last}"), ["/bin/etstats"], "/home/et").splitlines()
        if "--poll" in line
    )
    field = line.split()[1]
    read: set[int] = set()
    for part in field.split(","):
        start, _, end = part.partition("-")
        read |= set(range(24)) if part == "*" else set(range(int(start), int(end or start) + 1))
    assert read == set(hours)


def test_entries_use_absolute_paths_and_quiet() -> None:
    """An entry has its own PATH and HOME, quotes special characters, and escapes percent signs."""
    lines = crontab.block(CronConfig(hours="18-2"), ["/opt/my tools/50%/etstats"], "/home/et user").splitlines()
    jobs = [line for line in lines if not line.startswith("#")]
    assert len(jobs) == 5
    for job in jobs:
        guard, call = re.fullmatch(r"\S+ \S+ \* \* \* (test -x .* && )?(HOME=.*)", job).groups()  # type: ignore[union-attr]
        assert re.match(r"HOME='/home/et user' PATH=/\S+ '/opt/my tools/50\\%/etstats' -q ", call)
        assert guard == (None if job.endswith("backup") else r"test -x '/opt/my tools/50\%/etstats' && ")
    assert not [line for line in lines if re.match(r"[A-Z]+=", line)], (
        "a setting of its own would hold for others' lines"
    )


def test_only_the_backup_runs_outside_play_hours() -> None:
    """Play hours 18-2: polling in these hours, one poll in the hour after, the backup at its time."""
    text = crontab.block(CronConfig(hours="18-2", backup_at="05:30"), ["/bin/etstats"], "/root")
    fields = {
        line.split(" 24h ")[1].split()[0] + line.split()[0]: line.split()[1]
        for line in text.splitlines()
        if "-q" in line
    }
    wanted = {"sync*": "0-2,18-23", "sync45": "3", "backup30": "5", "recap3": "8-20", "health7-57/10": "0-2,18-23"}
    assert fields == wanted


@pytest.mark.parametrize("before", ["", MINE, MINE.rstrip("\n"), "# only a comment\n", "bäd\udcff bytes\n"])
def test_install_and_remove_restore_the_crontab(before: str) -> None:
    """Other lines do not change; a second installation changes nothing."""
    block = crontab.block(CronConfig(), ["/bin/etstats"], "/root")
    once = crontab.with_block(before, block)
    assert once.startswith(before)
    assert crontab.installed(once) == block
    assert crontab.with_block(once, block) == once
    assert crontab.without_block(once).rstrip("\n") == before.rstrip("\n")


def test_new_entries_replace_the_old_ones() -> None:
    """Lines after the block stay after it."""
    old = (
        crontab.with_block(MINE, crontab.block(CronConfig(hours="20-22"), ["/bin/etstats"], "/root"))
        + "1 1 * * * mine-too\n"
    )
    block = crontab.block(CronConfig(hours="18-2"), ["/bin/etstats"], "/root")
    assert crontab.with_block(old, block) == MINE + block + "1 1 * * * mine-too\n"


@pytest.mark.parametrize(
    "damaged", [crontab.BEGIN + "\n", crontab.END + "\n", f"{crontab.END}\n{crontab.BEGIN}\n"]
)
def test_damaged_markers_are_refused(damaged: str) -> None:
    """Damaged markers are refused."""
    with pytest.raises(ConfigError, match="crontab -e"):
        crontab.with_block(MINE + damaged, "new\n")


def test_commands_edit_the_users_crontab(cli: Callable[..., CliResult], spool: Path) -> None:
    """Install twice, then remove: the admin's lines are never changed."""
    spool.write_text(MINE)
    first = cli("cron", "install")
    assert first.code == 0
    assert spool.read_text().startswith(MINE)
    assert cli("cron", "show").out in spool.read_text()
    written = spool.read_text()
    assert "already" in cli("cron", "install").err
    assert spool.read_text() == written
    assert cli("cron", "remove").code == 0
    assert spool.read_text() == MINE
    assert "no entries of etstats" in cli("cron", "remove").err


def test_shell_variables_unknown_to_cron_are_reported(cli: Callable[..., CliResult], spool: Path) -> None:
    """Cron does not inherit shell variables, so the affected ones are reported."""
    done = cli("cron", "install")
    assert "ETSTATS_DATABASE_URL" in done.err
    assert "init" in done.err


def test_crontab_rejected_by_cron_is_unchanged(spool: Path) -> None:
    """The error of cron is reported."""
    spool.write_text(MINE)
    with pytest.raises(ConfigError, match="bad minute"):
        crontab.write_crontab("bad line\n")
    assert spool.read_text() == MINE


def test_machine_without_cron_gets_an_alternative(
    cli: Callable[..., CliResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a `crontab` program: exit code 2 and the alternative."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = cli("cron", "install")
    assert done.code == 2
    assert "apt install cron" in done.err
    assert "systemd" in done.err
