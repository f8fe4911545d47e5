"""Parse ranges of hours and times of day in settings."""

import re

from etstats.errors import InvalidValueError

_RANGE = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def hours_of(text: str) -> tuple[int, ...]:
    """Return the hours of `18-2` (past midnight, through 2:59), `20`, `12-14,18-24`; raises InvalidValueError."""
    hours: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (99, 99)
        if first > 23 or last > 24:
            raise InvalidValueError(f'invalid hours "{text}"; expected a range such as 18-2 or 12-14,18-23')
        last = last - 1 if last == 24 else last  # "until midnight"
        span = last - first if last >= first else last + 24 - first
        hours |= {(first + step) % 24 for step in range(span + 1)}
    return tuple(sorted(hours))


def time_of_day(text: str) -> tuple[int, int]:
    """Return hour and minute of a time such as `05:30`; raises InvalidValueError."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise InvalidValueError(f'invalid time of day "{text}"; expected one such as 05:30')
    return int(match[1]), int(match[2])
