"""Seasons are quarters of the year."""

import re
from datetime import datetime, tzinfo

from etstats.errors import ConfigError, NotFoundError

_QUARTER = re.compile(r"([12]\d{3})-?Q([1-4])", re.ASCII | re.IGNORECASE)


def quarter_of(moment: datetime) -> str:
    """Return the quarter of a time in its own time zone: `2025-Q4`."""
    return f"{moment.year}-Q{(moment.month + 2) // 3}"


def quarters_between(oldest: datetime, newest: datetime) -> list[str]:
    """Return the quarters from that of the newest time back to that of the oldest, in their own time zone."""
    first, last = (4 * moment.year + (moment.month - 1) // 3 for moment in (oldest, newest))
    return [f"{quarter // 4}-Q{quarter % 4 + 1}" for quarter in range(last, first - 1, -1)]


def quarter_span(
    quarter: str, played: tuple[datetime, datetime] | None, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Return start and end of a quarter in a zone; NotFoundError for a quarter without rounds."""
    match = _QUARTER.fullmatch(quarter.strip())
    if played is not None:
        oldest, newest = (quarter_of(moment.astimezone(zone)) for moment in played)
        name = f"{match[1]}-Q{match[2]}" if match else ""
        if not oldest <= name <= newest:
            there = oldest if oldest == newest else f"{oldest} to {newest}"
            raise NotFoundError(f"no season is named {quarter}; there are: {there}")
    if match is None:
        raise ConfigError(f'invalid season "{quarter}"; expected a quarter such as 2025-Q4')
    year, number = int(match[1]), int(match[2])
    opened = datetime(year, 3 * number - 2, 1, tzinfo=zone)
    closed = datetime(year + number // 4, 3 * number % 12 + 1, 1, tzinfo=zone)
    return opened, closed
