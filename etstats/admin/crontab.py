"""The crontab entries: a block between marker lines; other lines of the crontab are not changed."""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from etstats.config.schema import CronConfig
from etstats.domain.rules.hours import hours_of, time_of_day
from etstats.errors import ConfigError

BEGIN = "# >>> etstats >>> (written by `etstats cron install`; changes between the markers are lost)"
END = "# <<< etstats <<<"
_BEGIN_MARK, _END_MARK = "# >>> etstats >>>", "# <<< etstats <<<"
_SANE_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_POLL_FOR = "55s"
_REMIND = "24h"
_DAEMONS = frozenset({"cron", "crond", "fcron", "dcron", "systemd-cron", "anacron"})


def block(cron: CronConfig, command: Sequence[str], home: str) -> str:
    """Return the marked block: sync each minute of the play hours, backup nightly, recaps hourly, health checks.

    `command` is the absolute command with its options. PATH and HOME are part of each entry, because a separate
    setting would apply to all later entries of the crontab. After an uninstall only the nightly entry fails, with
    a line that names the missing program; the others do nothing.
    """
    hours = hours_of(cron.hours)
    nightly = f"HOME={shlex.quote(home)} PATH={_SANE_PATH} {shlex.join(command)} -q --remind {_REMIND}"
    call = f"test -x {shlex.quote(command[0])} && {nightly}"
    hour, minute = time_of_day(cron.backup_at)
    field = _hour_field(hours)
    lines = [
        BEGIN,
        "# Fetch, import and post: each minute of the play hours, polling within the minute.",
        f"* {field} * * * {call} sync --post --poll {shlex.quote(cron.poll)} --for {_POLL_FOR}",
    ]
    if last := _hours_after(hours):
        lines += [
            "# One poll after the play hours, for a session that ended with them.",
            f"45 {_hour_field(last)} * * * {call} sync --post",
        ]
    lines += [
        "# A verified backup each night.",
        f"{minute} {hour} * * * {nightly} backup",
        "# Recaps and other scheduled posts of [discord] kinds.",
        f"3 8-20 * * * {call} recap --post",
        "# Reports problems, each of them once a day.",
        f"7-57/10 {field} * * * {call} health",
        END,
    ]
    # Cron ends the command at an unescaped %.
    return "".join(line.replace("%", r"\%") + "\n" for line in lines)


def _hour_field(hours: Sequence[int]) -> str:
    if len(hours) == 24:
        return "*"
    parts: list[str] = []
    start = previous = hours[0]
    for hour in [*hours[1:], 99]:
        if hour == previous + 1:
            previous = hour
            continue
        parts.append(str(start) if start == previous else f"{start}-{previous}")
        start = previous = hour
    return ",".join(parts)


def _hours_after(hours: Sequence[int]) -> tuple[int, ...]:
    """Return each hour that directly follows play hours."""
    return tuple(sorted({(hour + 1) % 24 for hour in hours} - set(hours)))


def with_block(crontab: str, new: str) -> str:
    """Return the crontab with our block, in place of the old one or at the end; other lines do not change."""
    before, after, had = _split(crontab)
    if not had and before and not before.endswith("\n"):
        before += "\n"
    return before + new + after


def without_block(crontab: str) -> str:
    """Return the crontab without our block; other lines do not change."""
    before, after, _ = _split(crontab)
    return before + after


def installed(crontab: str) -> str | None:
    """Return our block in this crontab, or None."""
    before, after, had = _split(crontab)
    return crontab[len(before) : len(crontab) - len(after)] if had else None


def is_installed() -> bool:
    """Return whether this user's crontab has our block; False also without cron."""
    try:
        return installed(read_crontab()) is not None
    except ConfigError:
        return False


def is_daemon_running() -> bool:
    """Return whether a cron daemon runs on this machine; True if this is unknown."""
    names = [_process_name(path) for path in Path("/proc").glob("[0-9]*/comm")]
    return not names or any(name in _DAEMONS for name in names)


def _process_name(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # the process has ended
        return ""


def _split(crontab: str) -> tuple[str, str, bool]:
    """Return the text before and after our block, and whether there is one; ConfigError for damaged markers."""
    lines = crontab.splitlines(keepends=True)
    begins = [index for index, line in enumerate(lines) if line.startswith(_BEGIN_MARK)]
    ends = [index for index, line in enumerate(lines) if line.startswith(_END_MARK)]
    if not begins and not ends:
        return crontab, "", False
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise ConfigError(
            f"the crontab's markers are damaged: expected one line that starts with {_BEGIN_MARK!r}, and "
            f"after it one with {_END_MARK!r}. Repair them with `crontab -e`, then run the command again"
        )
    return "".join(lines[: begins[0]]), "".join(lines[ends[0] + 1 :]), True


def read_crontab() -> str:
    """Return this user's crontab, empty if there is none. ConfigError without cron."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if "no crontab" in done.stderr.lower() or not done.stderr.strip():
        return ""
    raise ConfigError(f"the crontab cannot be read: {_reason(done)}")


def write_crontab(text: str) -> None:
    """Replace the user's crontab; ConfigError with cron's error if it refuses."""
    done = _crontab("-", text)
    if done.returncode:
        raise ConfigError(f"crontab rejected the new entries; the crontab is unchanged: {_reason(done)}")


def _crontab(argument: str, text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # the program from the admin's PATH
            ["crontab", argument],  # noqa: S607
            input=text,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=30,
        )
    except FileNotFoundError as error:
        raise ConfigError(
            "the `crontab` program is not installed: install cron (Debian: apt install cron), or run: etstats "
            "systemd install"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"`crontab` cannot be run: {error}") from error


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split())[:300] or f"crontab ended with {done.returncode}"
