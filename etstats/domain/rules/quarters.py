"""Seasons are quarters of the year: which one a moment is in, and when each begins and ends."""

import re
from datetime import datetime, tzinfo

from etstats.errors import ConfigError, NotFoundError

_QUARTER = re.compile(r"([12]\d{3})-?Q([1-4])", re.ASCII | re.IGNORECASE)


def quarter_of(moment: datetime) -> str:
    """The quarter of a moment, by the clock that it carries: `2025-Q4`."""
    return f"{moment.year}-Q{(moment.month + 2) // 3}"


def quarters_between(oldest: datetime, newest: datetime) -> list[str]:
    """The quarters from that of the newest moment back to that of the oldest, by the clock that they carry."""
    first, last = (4 * moment.year + (moment.month - 1) // 3 for moment in (oldest, newest))
    return [f"{quarter // 4}-Q{quarter % 4 + 1}" for quarter in range(last, first - 1, -1)]


def quarter_span(
    quarter: str, played: tuple[datetime, datetime] | None, zone: tzinfo
) -> tuple[datetime, datetime]:
    """When a quarter begins and ends in a zone; NotFoundError for one outside what was played."""
    match = _QUARTER.fullmatch(quarter.strip())
    if played is not None:
        oldest, newest = (quarter_of(moment.astimezone(zone)) for moment in played)
        name = f"{match[1]}-Q{match[2]}" if match else ""
        if not oldest <= name <= newest:
            there = oldest if oldest == newest else f"{oldest} to {newest}"
            raise NotFoundError(f"no season is named {quarter}; there are: {there}")
    if match is None:
        raise ConfigError(f"--season {quarter}: a quarter looks like 2025-Q4")
    year, number = int(match[1]), int(match[2])
    opened = datetime(year, 3 * number - 2, 1, tzinfo=zone)
    closed = datetime(year + number // 4, 3 * number % 12 + 1, 1, tzinfo=zone)
    return opened, closed
