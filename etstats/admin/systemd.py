"""Install and remove the units for `systemctl --user`, generated from `docs/systemd`."""

import re
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from etstats.admin.manual import docs_root
from etstats.config.loader import environment
from etstats.config.schema import CronConfig
from etstats.domain.rules.hours import hours_of, time_of_day
from etstats.errors import ConfigError

_TEMPLATE_COMMAND = "%h/.local/bin/etstats"
_WATCH, _BEGIN, _END = "etstats-watch.service", "etstats-watch.timer", "etstats-watch-stop.timer"
_UNQUOTED = re.compile(r"[\w./:=@+-]+")
_REFUSED = re.compile(r"""['"\\]""")
_ALWAYS = ("etstats-backup.timer", "etstats-health.timer", "etstats-recap.timer")


def folder() -> Path:
    """Return the folder of this user's units."""
    return Path(environment().get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "systemd" / "user"


def units(cron: CronConfig, command: Sequence[str]) -> dict[str, str]:
    """Return the text of each unit by its name, for these play hours and this command (absolute, with options)."""
    hours = hours_of(cron.hours)
    hour, minute = time_of_day(cron.backup_at)
    begins = [hour for hour in hours if (hour - 1) % 24 not in hours]
    calendars = {
        "etstats-backup.timer": [f"*-*-* {hour:02}:{minute:02}:00"],
        _BEGIN: [f"*-*-* {hour:02}:00:00" for hour in begins],
        _END: [f"*-*-* {(hour + 1) % 24:02}:00:00" for hour in hours if (hour + 1) % 24 not in hours],
    }
    found: dict[str, str] = {}
    for path in sorted((docs_root() / "systemd").glob("etstats-*")):
        is_for_hours = path.name in {_BEGIN, _END, "etstats-watch-stop.service"}
        if is_for_hours and not begins:
            continue
        text = path.read_text(encoding="utf-8").replace(_TEMPLATE_COMMAND, _command_line(command))
        lines = text.removesuffix("\n").split("\n")  # a path may contain another line separator
        if path.name in calendars:
            at = next(number for number, line in enumerate(lines) if line.startswith("OnCalendar="))
            lines[at : at + 1] = [f"OnCalendar={calendar}" for calendar in calendars[path.name]]
        found[path.name] = "\n".join(line for line in lines if not line.startswith("#")) + "\n"
    return found


def install(cron: CronConfig, command: Sequence[str], now: datetime) -> bool:
    """Write and enable the units; return whether any of them changed.

    ConfigError: they cannot be written, or systemd refuses.
    """
    wanted, place = units(cron, command), folder()
    _systemctl("show-environment")  # write nothing without a running systemd
    before = {path.name: path.read_text(encoding="utf-8") for path in _installed()}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in wanted.items():
            if before.get(name) != text:
                (place / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{place}: the units cannot be written: {error.strerror}") from error
    _disable([name for name in before if name not in wanted])
    _systemctl("daemon-reload")
    if _BEGIN in wanted:
        _systemctl("disable", "--quiet", _WATCH)
        _systemctl("enable", "--quiet", "--now", _BEGIN, _END, *_ALWAYS)
        if now.hour in hours_of(cron.hours):
            _systemctl("restart", _WATCH)
    else:
        _systemctl("enable", "--quiet", "--now", *_ALWAYS)
        _systemctl("enable", "--quiet", _WATCH)
        _systemctl("restart", _WATCH)
    return before != wanted


def remove() -> bool:
    """Stop the units and delete them; return whether there were any."""
    names = [path.name for path in _installed()]
    if names:
        _disable(names)
        _systemctl("daemon-reload")
    return bool(names)


def is_installed() -> bool:
    """Return whether this user has our units."""
    return bool(_installed())


def _installed() -> list[Path]:
    return sorted(folder().glob("etstats-*"))


def _disable(names: Sequence[str]) -> None:
    if names:
        _systemctl("disable", "--quiet", "--now", *names)
    for name in names:
        (folder() / name).unlink(missing_ok=True)


def _command_line(command: Sequence[str]) -> str:
    """Return a command quoted for a unit file; only in its arguments, `$` stands for a variable.

    ConfigError: systemd does not run a program whose path contains a quote or a backslash.
    """
    if _REFUSED.search(command[0]):
        raise ConfigError(f"{command[0]} contains a quote or a backslash, so systemd cannot run it; use cron")
    program, *arguments = map(_quoted, command)
    return " ".join([program, *(word.replace("$", "$$") for word in arguments)])


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if _UNQUOTED.fullmatch(word) is None else word


def _systemctl(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["systemctl", "--user", *arguments],  # noqa: S607  # the program from the admin's PATH
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError as error:
        raise ConfigError("the `systemctl` program is not installed; use cron: etstats cron install") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"`systemctl --user {arguments[0]}` cannot be run: {error}") from error
    if done.returncode:
        reason = " ".join(done.stderr.split())[:300] or f"exit code {done.returncode}"
        raise ConfigError(
            f"`systemctl --user {arguments[0]}` failed: {reason}. Log in as this user, not by su or sudo; or use "
            "cron: etstats cron install"
        )
