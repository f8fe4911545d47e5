"""Tests of scheduled posts: when they are due, posted once, and with which players."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.demo.generator import GeneratedSession
from etstats.domain.rules.calendar_spans import span_before, span_named, span_of
from etstats.post.publish import PostReport, calendar
from etstats.post.publish.calendar import CalendarItem
from etstats.post.render.dates import LANGUAGES, day_in_words, month_in_words
from etstats.post.settings import CALENDAR_KINDS
from tests.post.publish.conftest import START, ZONE, Stage
from tests.post.render.faults import CHANNEL_REFUSALS, Fault

LJUBLJANA = ZoneInfo(ZONE)
MONDAY = datetime(2025, 10, 6, 9, 30, tzinfo=LJUBLJANA)
"""The first Monday after the session of the fixture, which is on Thursday 2 October."""


@pytest.fixture
def played(stage: Stage, session: GeneratedSession) -> Stage:
    """Return a stage with a session and all kinds of scheduled posts enabled."""
    stage.set(kinds=CALENDAR_KINDS)
    stage.load(*session.files)
    return stage


def publish(stage: Stage, now: datetime) -> PostReport:
    """Publish what is due at a time."""
    items = calendar.due(stage.settings, now, LJUBLJANA)
    return calendar.publish(
        stage.conn,
        stage.settings,
        now,
        LJUBLJANA,
        items,
        limit_seconds=30,
        clock=stage.clock,
        sleep=stage.clock.sleep,
    )


@given(st.integers(0, 4_000_000_000), st.sampled_from(["week", "month", "season"]))
def test_time_spans_are_consecutive(seconds: int, kind: str) -> None:
    """A time is in its span, the previous span ends where it starts, and a name selects the span."""
    at = datetime.fromtimestamp(seconds, UTC)
    span = span_of(kind, at, LJUBLJANA)
    assert span.since <= at < span.until
    before = span_before(kind, at, LJUBLJANA)
    assert before.until == span.since
    assert span_named(kind, span.name, LJUBLJANA) == span


def test_recaps_are_due_from_the_first_morning() -> None:
    """Recaps are due for some days from the first morning on, others at their hours."""
    from etstats.post.settings import DiscordConfig

    settings = DiscordConfig(kinds=CALENDAR_KINDS)

    def due(day: int, hour: int) -> set[str]:
        now = datetime(2025, 10, day, hour, tzinfo=LJUBLJANA)
        return {item.kind for item in calendar.due(settings, now, LJUBLJANA)}

    assert due(1, 7) == {"recap_week"}
    assert due(1, 9) == {"recap_month", "season", "morning", "on_this_day", "recap_week"}
    assert due(6, 9) == {"recap_week", "recap_month", "season", "morning", "on_this_day"}
    assert due(9, 13) == {"season", "on_this_day"}
    assert due(20, 3) == set()
    assert calendar.due(DiscordConfig(), MONDAY, LJUBLJANA) == []


def test_each_recap_is_posted_once(played: Stage) -> None:
    """Runs of weeks post the week, the month and the next morning once; nothing if nobody played."""
    now = START + timedelta(hours=4)
    while now < datetime(2025, 11, 12, tzinfo=UTC):
        publish(played, now)
        now += timedelta(hours=3)
        played.clock.sleep(60)
    rows = played.conn.execute("SELECT kind, subject, state FROM notices ORDER BY id").fetchall()
    played.conn.commit()
    assert rows == [
        ("morning", "2025-10-03", "sent"),
        ("recap_week", "2025-W40", "sent"),
        ("recap_month", "2025-10", "sent"),
    ]
    assert len(played.discord.posts) == 3
    assert not played.discord.pinged


def test_on_this_day_and_season_are_posted(played: Stage) -> None:
    """A year later, and after the quarter."""
    publish(played, datetime(2026, 1, 2, 10, tzinfo=LJUBLJANA))
    publish(played, datetime(2026, 10, 2, 10, tzinfo=LJUBLJANA))
    publish(played, datetime(2026, 10, 2, 11, tzinfo=LJUBLJANA))
    titles = [post.payload["embeds"][0]["title"] for post in played.discord.posts]
    assert titles == ["Season 2025-Q4 is over", "On this day a year ago"]


@pytest.mark.parametrize("kind", CALENDAR_KINDS)
def test_hidden_players_are_removed_by_an_edit(played: Stage, kind: str) -> None:
    """The message is edited when a player is hidden, and again when shown."""
    subjects = {"recap_week": "2025-W40", "recap_month": "2025-10", "season": "2025-Q4", "morning": "2025-10-03"}
    item = CalendarItem(kind, subjects.get(kind, "2026-10-02"))
    now = MONDAY
    calendar.publish(
        played.conn, played.settings, now, LJUBLJANA, [item], limit_seconds=30,
        clock=played.clock, sleep=played.clock.sleep,
    )  # fmt: skip
    (message,) = played.discord.posts
    before = str(message.payload)
    for name in _names(played):
        if name not in before:
            continue
        ((guid,),) = played.conn.execute("SELECT guid FROM player_aliases WHERE alias = %s", [name]).fetchall()
        played.conn.commit()
        _hide(played, guid)
        assert _correct(played, now).counts["edited"] == 1
        assert name not in str(message.payload)
        played.show(guid)
        assert _correct(played, now).counts["edited"] == 1
        break
    assert _correct(played, now).counts == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_are_written_in_every_language(language: str) -> None:
    """Every language has twelve months, and each day of a year has a different text."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    words = {day_in_words(day, language) for day in days}
    assert len(words) == 365
    assert all(text.endswith("2026") for text in words)
    assert len({month_in_words(day, language) for day in days}) == 12


def test_language_applies_to_titles(played: Stage) -> None:
    """The language applies to titles; Discord formats other dates."""
    played.set(date_language="sl")
    publish(played, datetime(2025, 10, 3, 9, tzinfo=LJUBLJANA))
    publish(played, datetime(2025, 11, 1, 10, tzinfo=LJUBLJANA))
    titles = [post.payload["embeds"][0]["title"] for post in played.discord.posts]
    assert titles == ["Sessions of 2. oktobra 2025", "oktober 2025"]


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
def test_every_fault_is_handled_without_duplicates(played: Stage, fault: Fault) -> None:
    """The recap is posted once, or is unknown or failed and reported; nothing is posted twice."""
    played.set(kinds=("recap_week", "morning"))
    played.discord.faults = [fault]
    reports = []
    for hour in (*range(8), 12, 24, 39):
        reports.append(publish(played, MONDAY + timedelta(hours=hour)))
        played.clock.sleep(3600)
    rows = played.conn.execute("SELECT state FROM notices WHERE kind = 'recap_week'").fetchall()
    played.conn.commit()
    titles = [post.payload["embeds"][0]["title"] for post in played.discord.posts]
    assert titles.count("Week 40 of 2025") <= 1
    if rows == [("sent",)]:
        assert titles.count("Week 40 of 2025") == 1
    else:
        assert rows in ([("unknown",)], [("failed",)])
        assert any(report.exit_code == 3 for report in reports)
        assert fault not in CHANNEL_REFUSALS


def test_run_with_a_fast_clock_posts_nothing(played: Stage) -> None:
    """In 2036 nothing was played; later posts are not affected."""
    publish(played, datetime(2036, 1, 7, 10, tzinfo=LJUBLJANA))
    assert played.discord.posts == []
    assert publish(played, MONDAY).counts["posted"] >= 1


def test_february_29_has_no_previous_year(played: Stage) -> None:
    """29 February has no year before it."""
    assert calendar.message_of(played.conn, CalendarItem("on_this_day", "2028-02-29"), UTC, "en") is None


def _names(stage: Stage) -> list[str]:
    rows = stage.conn.execute(
        "SELECT alias FROM player_aliases WHERE alias ~ '^[a-z]{4,}$' ORDER BY alias"
    ).fetchall()
    stage.conn.commit()
    return [name for (name,) in rows]


def _hide(stage: Stage, guid: str) -> None:
    from etstats.db import identity

    with stage.conn.transaction():
        identity.hide(stage.conn, guid)


def _correct(stage: Stage, now: datetime) -> PostReport:
    return calendar.correct(
        stage.conn, stage.settings, now, LJUBLJANA, limit_seconds=30, clock=stage.clock, sleep=stage.clock.sleep
    )
