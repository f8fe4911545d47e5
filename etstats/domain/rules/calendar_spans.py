"""The weeks, months and quarters of recaps, and when their messages are due."""

from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

from etstats.domain.rules.quarters import quarter_of

SpanKind = Literal["week", "month", "season"]

_DUE_AFTER = timedelta(hours=8)
_DUE_FOR = {"week": timedelta(days=3), "month": timedelta(days=7), "season": timedelta(days=14)}
_MORNING, _NOON, _DAY_END = 8, 12, 20  # hours


class Span(NamedTuple):
    """A week (`2025-W40`), month (`2025-10`) or quarter (`2025-Q4`): since (inclusive) and until (exclusive)."""

    kind: SpanKind
    name: str
    since: datetime
    until: datetime


def span_of(kind: SpanKind, moment: datetime, zone: tzinfo) -> Span:
    """Return the span that contains a time; spans begin at midnight in `zone`."""
    day = moment.astimezone(zone).date()
    match kind:
        case "week":
            first = day - timedelta(days=day.weekday())
            year, week, _ = first.isocalendar()
            name, after = f"{year}-W{week:02}", first + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            name, after = f"{first:%Y-%m}", _later(first, 1)
        case _:
            first = day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
            name, after = quarter_of(moment.astimezone(zone)), _later(first, 3)
    return Span(kind, name, _midnight(first, zone), _midnight(after, zone))


def span_before(kind: SpanKind, moment: datetime, zone: tzinfo) -> Span:
    """Return the last span that ended before a time."""
    return span_of(kind, span_of(kind, moment, zone).since - timedelta(hours=1), zone)


def span_named(kind: SpanKind, name: str, zone: tzinfo) -> Span:
    """Return the span with a `Span.name`; ValueError for an invalid name."""
    match kind:
        case "week":
            year, _, week = name.partition("-W")
            day = date.fromisocalendar(int(year), int(week), 1)
        case "month":
            day = date.fromisoformat(f"{name}-01")
        case _:
            year, _, quarter = name.partition("-Q")
            day = date(int(year), 3 * int(quarter) - 2, 1)
    return span_of(kind, _midnight(day, zone), zone)


def is_due(span: Span, now: datetime) -> bool:
    """Return whether the recap of a span is due: from the first morning after it, for some days."""
    return _DUE_AFTER <= now - span.until < _DUE_FOR[span.kind]


def is_morning(now: datetime, zone: tzinfo) -> bool:
    """Return whether the summary of the previous day's sessions is due."""
    return _MORNING <= now.astimezone(zone).hour < _NOON


def is_daytime(now: datetime, zone: tzinfo) -> bool:
    """Return whether the message about this day in earlier years is due."""
    return _MORNING <= now.astimezone(zone).hour < _DAY_END


def noon_to_noon(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the time range of the sessions summarized in the morning of a day: from noon to noon."""
    noon = _midnight(day, zone).replace(hour=_NOON)
    return noon - timedelta(days=1), noon


def _later(first: date, months: int) -> date:
    number = 12 * first.year + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
