"""Publish scheduled posts, each once, and edit them when players are hidden, shown or anonymized."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from etstats.db import journal, notices
from etstats.db.connection import Connection
from etstats.db.notices import NoticeKind
from etstats.domain.rules.calendar_spans import (
    Span,
    SpanKind,
    is_daytime,
    is_due,
    is_morning,
    span_before,
    span_named,
)
from etstats.errors import LockedError
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.notices import NoticePublisher, title
from etstats.post.publish.report import PostReport
from etstats.post.render.calendar_messages import morning_message, on_this_day_message, recap_message
from etstats.post.render.message import Message
from etstats.post.settings import CALENDAR_KINDS, DiscordConfig
from etstats.stats import recaps

RECAP_KINDS: dict[SpanKind, NoticeKind] = {"week": "recap_week", "month": "recap_month", "season": "season"}
_SPANS: dict[NoticeKind, SpanKind] = {kind: span for span, kind in RECAP_KINDS.items()}


class CalendarItem(NamedTuple):
    """A scheduled post: its kind, and its span or day."""

    kind: NoticeKind
    subject: str


def wants_calendar(settings: DiscordConfig) -> bool:
    """Return whether any scheduled post is enabled."""
    return any(settings.posts(kind) for kind in CALENDAR_KINDS)


def due(settings: DiscordConfig, now: datetime, zone: tzinfo) -> list[CalendarItem]:
    """Return the scheduled posts due at this time, posted or not."""
    today = now.astimezone(zone).date().isoformat()
    items = [
        CalendarItem(kind, span.name)
        for span_kind, kind in RECAP_KINDS.items()
        if is_due(span := span_before(span_kind, now, zone), now)
    ]
    items += [CalendarItem("morning", today)] if is_morning(now, zone) else []
    items += [CalendarItem("on_this_day", today)] if is_daytime(now, zone) else []
    return [item for item in items if settings.posts(item.kind)]


def of_span(span: Span) -> CalendarItem:
    """Return the recap of a span as a scheduled post."""
    return CalendarItem(RECAP_KINDS[span.kind], span.name)


def message_of(conn: Connection, item: CalendarItem, zone: tzinfo, language: str) -> Message | None:
    """Return the message about a span or a day, with dates in a language; None if nothing was played."""
    with journal.snapshot(conn):
        if item.kind in _SPANS:
            recap = recaps.recap(conn, span_named(_SPANS[item.kind], item.subject, zone))
            return recap_message(recap, language) if recap.rounds else None
        day = date.fromisoformat(item.subject)
        if item.kind == "morning":
            lines = recaps.last_sessions(conn, day, zone)
            return morning_message(day, lines, language) if lines else None
        found = recaps.anniversary(conn, day)
        return on_this_day_message(found, day) if found else None


def publish(
    conn: Connection,
    settings: DiscordConfig,
    now: datetime,
    zone: tzinfo,
    items: Sequence[CalendarItem],
    *,
    limit_seconds: float,
    is_asked_for: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PostReport:
    """Post these messages, each once, and edit those whose players were hidden, shown or anonymized.

    `is_asked_for`: requested by a user, so their kinds need not be enabled. Commits on `conn`. LockedError:
    another run is posting.
    """
    conn.commit()
    if is_asked_for:
        settings = replace(settings, kinds=(*settings.kinds, *(item.kind for item in items)))
    deadline = Deadline(now, limit_seconds, clock, sleep)
    with journal.poster_lock(conn) as is_ours:
        if not is_ours:
            raise LockedError("another etstats run is posting; try again in a minute")
        run = NoticePublisher(conn, settings, zone, deadline)
        run.recover()
        for item in items:
            before = notices.of_subject(conn, item.kind, item.subject)
            if (
                before is not None
                and before.state != "pending"
                and not (is_asked_for and before.state == "failed")
            ):
                if is_asked_for:
                    run.report.lines.append(f"{title(item.kind, item.subject, None)} was posted already")
                continue
            message = message_of(conn, item, zone, settings.date_language)
            if message is not None:
                run.send(item.kind, item.subject, message, again=is_asked_for)
            elif is_asked_for:
                run.report.lines.append(f"{title(item.kind, item.subject, None)}: nothing was played")
        _correct(conn, run, zone, settings.date_language)
    return run.report


def correct(
    conn: Connection,
    settings: DiscordConfig,
    now: datetime,
    zone: tzinfo,
    *,
    limit_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PostReport:
    """Edit the messages whose players were hidden, shown or anonymized; cheap if there are none."""
    conn.commit()
    if not notices.outdated(conn):
        return PostReport()
    settings = replace(settings, kinds=(*settings.kinds, *CALENDAR_KINDS))  # one can be requested by name
    with journal.poster_lock(conn) as is_ours:
        run = NoticePublisher(conn, settings, zone, Deadline(now, limit_seconds, clock, sleep))
        if is_ours:
            run.recover()
            _correct(conn, run, zone, settings.date_language)
    return run.report


def _correct(conn: Connection, run: NoticePublisher, zone: tzinfo, language: str) -> None:
    for notice in notices.outdated(conn):
        message = message_of(conn, CalendarItem(notice.kind, notice.subject), zone, language)
        if message is not None:
            run.edit(notice, message)
        else:  # its rounds were deleted; the message does not change
            notices.record_edit(conn, notice.id, notice.fingerprint or "")
