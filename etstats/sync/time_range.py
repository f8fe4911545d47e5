"""Parse `--since` and `--until`, for all commands that take a time range."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from etstats.errors import ConfigError

FORMS = "24h, 7d, 2weeks, 3months, today, yesterday, week, month, year, 2025-10-01, 2025-10-01T20:30, all"

_SPAN = re.compile(r"(\d{1,6})\s*(h|hours?|d|days?|w|weeks?|mo|months?|y|years?)", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "mo": 30 * 24, "y": 365 * 24}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(:\d{2})?", re.ASCII)


def parse_when(text: str, now: datetime, zone: tzinfo, *, until: bool = False) -> datetime | None:
    """Return the time that `text` names, aware and in `zone`; None for `all`. `now` is aware.

    `24h`, `7d`, `2weeks` count back from now (a month is 30 days, a year 365). `today`, `yesterday`, `week`,
    `month`, `year` and a date mean their first midnight in `zone`; with `until`, a date, `today` and `yesterday`
    mean the midnight at their end, so that the day is included. Raises ConfigError.
    """
    word = text.strip().lower()
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    day_end = timedelta(days=1) if until else timedelta()
    named = {
        "today": midnight + day_end,
        "yesterday": midnight - timedelta(days=1) + day_end,
        "week": midnight - timedelta(days=midnight.weekday()),
        "month": midnight.replace(day=1),
        "year": midnight.replace(month=1, day=1),
    }
    if word == "all":
        return None
    if word in named:
        return named[word]
    try:
        if span := _SPAN.fullmatch(word):
            unit = "mo" if span[2].startswith("mo") else span[2][0]
            return (now.astimezone(UTC) - timedelta(hours=int(span[1]) * _HOURS[unit])).astimezone(zone)
        if _DAY.fullmatch(word):
            return datetime.fromisoformat(word).replace(tzinfo=zone) + day_end
        if _MINUTE.fullmatch(word):
            return datetime.fromisoformat(word).replace(tzinfo=zone)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{text!r} is not a valid date or time; use one of: {FORMS}") from error
    raise ConfigError(f"{text!r} is not a valid time; use one of: {FORMS}")


def server_clock(moment: datetime, zone: tzinfo) -> datetime:
    """Convert an aware time to the game server's clock without zone, as in file names."""
    return moment.astimezone(zone).replace(tzinfo=None)


def default_since(newest_known: datetime | None, hours: int = 24) -> datetime | None:
    """Return the start of a sync without `--since`: `hours` before the newest known stamp; None: everything."""
    return None if newest_known is None else newest_known - timedelta(hours=hours)
