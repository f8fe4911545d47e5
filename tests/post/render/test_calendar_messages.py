"""Tests of scheduled posts with any names of players, teams and servers."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given

from etstats.demo.discord_rules import breaches, complaints, is_empty, pings
from etstats.domain.names import coded_name
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.season_standings import SeasonStanding
from etstats.domain.stats import Standing
from etstats.domain.views import RecordRow, SessionRow
from etstats.post.render.calendar_messages import morning_message, recap_message
from etstats.post.render.message import Message
from etstats.stats.recaps import MorningLine, Recap
from etstats.stats.seasons import Leader
from tests.support.hostile_names import hostile

SINCE = datetime(2025, 9, 29, tzinfo=UTC)
GUID = "0000000A"


def recap(name: str, span: str = "week") -> Recap:
    """Return a recap with the maximum of lines, ties on every board, and one name everywhere."""
    standing = Standing(1, None, GUID, name, name, 1234.5, 1000, 10, 30)
    session = SessionRow(1, name, SINCE, SINCE, SINCE, 3600, 12, 24, 12, (10, 14), (name, name), 1)
    return Recap(
        span=span,
        name="2025-W40",
        since=SINCE,
        until=SINCE + timedelta(days=7),
        rounds=168,
        maps=84,
        sessions=7,
        players=12,
        played_seconds=100_000,
        standings=[SeasonStanding(rank, GUID, name, name, 60 - rank, 1, 30) for rank in (1, 1, 3, 4, 5, 6)],
        leaders=[Leader(board, standing) for board in BOARDS for _ in range(3)],
        records=[RecordRow("damage in a round", GUID, coded_name([("#ffffff", name)]), 9999, 9998, True)] * 9,
        played=[session] * 9,
    )


def assert_accepted(message: Message) -> None:
    """Assert that Discord accepts the message, which is not empty and pings nobody."""
    payload = message.to_payload()
    assert complaints(payload, {}) == []
    assert list(breaches(payload, {})) == []
    assert not is_empty(payload, {})
    assert pings(payload) == set()


@given(hostile)
@example("[" * 64)
@example("a\u0301\u0301" * 30)
@pytest.mark.parametrize("span", ["week", "month", "season"])
def test_any_name_fits_into_a_recap(span: str, name: str) -> None:
    """Rows that do not fit into a field go into the next one."""
    assert_accepted(recap_message(recap(name, span)))


@given(hostile)
@example("@" * 64)
def test_any_name_fits_into_the_morning_after(name: str) -> None:
    """64 players, some of which are only counted."""
    lines = [MorningLine(GUID, name, 24, 199, 199, 999.0, -99.0)] * 64
    assert_accepted(morning_message(date(2025, 10, 3), lines))


def test_first_three_ranks_have_medals() -> None:
    """Equal players have the same one; the others have their rank, which begins no list."""
    (embed,) = recap_message(recap("Anvil", "season")).embeds
    standings = next(field.value for field in embed.fields if field.name == "Standings")
    assert standings.split("\n") == [
        "🥇 Anvil · 59", "🥇 Anvil · 59", "🥉 Anvil · 57", "4\\. Anvil · 56", "5\\. Anvil · 55",
    ]  # fmt: skip
    assert "🏆 Champion: **Anvil**, **Anvil** with 59 points" in embed.description
