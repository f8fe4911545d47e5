"""The lines for cron, and putting them into a crontab between marks of our own without touching the rest."""

import re
import shlex
import subprocess
from collections.abc import Sequence

from etstats.config.schema import CronConfig
from etstats.errors import ConfigError

BEGIN = "# >>> etstats >>> (written by `etstats cron install`; what is changed between the marks is lost)"
END = "# <<< etstats <<<"
_BEGIN_MARK, _END_MARK = "# >>> etstats >>>", "# <<< etstats <<<"
_SANE_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_POLL_FOR = "55s"
_RANGE = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def play_hours(text: str) -> tuple[int, ...]:
    """Return the hours of `18-2` (past midnight, through 2:59), `20`, `12-14,18-24`; raises ConfigError."""
    hours: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (99, 99)
        if first > 23 or last > 24:
            raise ConfigError(
                f"[cron] hours: {text!r} is not a range of hours; expected a range such as 18-2 or 12-14,18-23"
            )
        last = last - 1 if last == 24 else last  # "until midnight"
        span = last - first if last >= first else last + 24 - first
        hours |= {(first + step) % 24 for step in range(span + 1)}
    return tuple(sorted(hours))


def block(cron: CronConfig, command: Sequence[str], home: str) -> str:
    """Return the marked lines: fetch and post each minute in play hours, a nightly backup, a check of health.

    `command` is the absolute way to call etstats, options included. PATH and HOME stand inside each line, because
    a setting on a line of its own would hold for all that follows in the crontab.
    """
    hours = play_hours(cron.hours)
    call = f"HOME={shlex.quote(home)} PATH={_SANE_PATH} {shlex.join(command)} -q"
    backup = _CLOCK.fullmatch(cron.backup_at)
    if backup is None:
        raise ConfigError(
            f"[cron] backup_at: {cron.backup_at!r} is not a time of day; expected a time such as 05:30"
        )
    field = _hour_field(hours)
    lines = [
        BEGIN,
        "# Fetch, import and post: each minute of the play hours, looking again within the minute.",
        f"* {field} * * * {call} sync --post --poll {shlex.quote(cron.poll)} --for {_POLL_FOR}",
    ]
    if last := _hours_after(hours):
        lines += [
            "# One poll after the play hours, for a session that ended with them.",
            f"45 {_hour_field(last)} * * * {call} sync --post",
        ]
    lines += [
        "# A verified backup each night.",
        f"{int(backup[2])} {int(backup[1])} * * * {call} backup",
        "# Speaks up when something is wrong, and only then.",
        f"37 {field} * * * {call} health",
        END,
    ]
    # To cron a bare % is the end of the command.
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
    """Return each hour that follows a stretch of play hours."""
    return tuple(sorted({(hour + 1) % 24 for hour in hours} - set(hours)))


def with_block(crontab: str, new: str) -> str:
    """Return the crontab with our lines, in the place of the old ones or at the end; all else stays as it is."""
    before, after, had = _split(crontab)
    if not had and before and not before.endswith("\n"):
        before += "\n"
    return before + new + after


def without_block(crontab: str) -> str:
    """Return the crontab without our lines; all else stays as it is."""
    before, after, _ = _split(crontab)
    return before + after


def installed(crontab: str) -> str | None:
    """Return our lines as they stand in this crontab, None when there are none."""
    before, after, had = _split(crontab)
    return crontab[len(before) : len(crontab) - len(after)] if had else None


def _split(crontab: str) -> tuple[str, str, bool]:
    """Return what stands before and after our lines, and whether there are any; refuses damaged marks."""
    lines = crontab.splitlines(keepends=True)
    begins = [n for n, line in enumerate(lines) if line.startswith(_BEGIN_MARK)]
    ends = [n for n, line in enumerate(lines) if line.startswith(_END_MARK)]
    if not begins and not ends:
        return crontab, "", False
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise ConfigError(
            f"the crontab's marks are damaged: one line with {_BEGIN_MARK!r} is expected, and after it one with "
            f"{_END_MARK!r}. Repair it with `crontab -e`, then run this again"
        )
    return "".join(lines[: begins[0]]), "".join(lines[ends[0] + 1 :]), True


def read_crontab() -> str:
    """Return this user's crontab; an absent one is empty. ConfigError when there is no cron here."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    if "no crontab" in done.stderr.lower() or not done.stderr.strip():
        return ""
    raise ConfigError(f"the crontab cannot be read: {_reason(done)}")


def write_crontab(text: str) -> None:
    """Make this the user's crontab; ConfigError with cron's own reason when it refuses."""
    done = _crontab("-", text)
    if done.returncode:
        raise ConfigError(f"crontab rejected the new entries; the crontab is unchanged: {_reason(done)}")


def _crontab(argument: str, text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # the program of the admin's own PATH
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
            "there is no `crontab` program here: install cron (Debian: apt install cron), or use the units in "
            "docs/systemd"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"`crontab` cannot be run: {error}") from error


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split())[:300] or f"crontab ended with {done.returncode}"
