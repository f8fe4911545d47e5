"""The syntax of `--since` and `--until`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from etstats.errors import ConfigError
from etstats.sync.time_range import default_since, parse_when, server_clock

LJUBLJANA = ZoneInfo("Europe/Ljubljana")
NOW = datetime(2025, 10, 2, 21, 30, tzinfo=UTC)  # a Thursday, 23:30 in Ljubljana


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", "2025-10-01 23:30"),
        ("1 hour", "2025-10-02 22:30"),
        ("36hours", "2025-10-01 11:30"),
        ("7d", "2025-09-25 23:30"),
        ("1day", "2025-10-01 23:30"),
        ("2weeks", "2025-09-18 23:30"),
        ("2w", "2025-09-18 23:30"),
        ("3months", "2025-07-04 23:30"),
        ("1mo", "2025-09-02 23:30"),
        ("1y", "2024-10-02 23:30"),
        ("today", "2025-10-02 00:00"),
        (" Today ", "2025-10-02 00:00"),
        ("yesterday", "2025-10-01 00:00"),
        ("week", "2025-09-29 00:00"),
        ("month", "2025-10-01 00:00"),
        ("year", "2025-01-01 00:00"),
        ("2025-10-01", "2025-10-01 00:00"),
        ("2025-10-01T20:15", "2025-10-01 20:15"),
        ("2025-10-01 20:15:30", "2025-10-01 20:15"),
    ],
)
def test_every_time_form_is_parsed(text: str, expected: str) -> None:
    """Spans count back from now; names and dates are midnights in the server's zone."""
    moment = parse_when(text, NOW, LJUBLJANA)
    assert moment is not None
    assert moment.tzinfo is LJUBLJANA
    assert f"{moment:%Y-%m-%d %H:%M}" == expected


def test_all_has_no_bound() -> None:
    """`all` returns None."""
    assert parse_when("all", NOW, LJUBLJANA) is None


def test_date_is_in_the_zone_of_the_server() -> None:
    """23:30 in Ljubljana is today there and tomorrow in Tokyo."""
    tokyo = parse_when("today", NOW, ZoneInfo("Asia/Tokyo"))
    assert tokyo is not None
    assert server_clock(tokyo, ZoneInfo("Asia/Tokyo")) == datetime.fromisoformat("2025-10-03")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-10-01", "2025-10-02 00:00"),
        ("today", "2025-10-03 00:00"),
        ("yesterday", "2025-10-02 00:00"),
        ("24h", "2025-10-01 23:30"),
        ("2025-10-01T20:15", "2025-10-01 20:15"),
    ],
)
def test_until_a_date_includes_that_day(text: str, expected: str) -> None:
    """`--until 2025-10-01` includes the session of that day."""
    moment = parse_when(text, NOW, LJUBLJANA, until=True)
    assert moment is not None
    assert f"{moment:%Y-%m-%d %H:%M}" == expected


def test_span_counts_elapsed_hours() -> None:
    """24 hours are 24 hours on the day when clocks are set back."""
    after = datetime(2025, 10, 26, 12, 0, tzinfo=LJUBLJANA)
    moment = parse_when("24h", after, LJUBLJANA)
    assert moment is not None
    assert server_clock(moment, LJUBLJANA) == datetime.fromisoformat("2025-10-25 13:00")


@pytest.mark.parametrize(
    "text",
    ["", "soon", "5", "h", "-3d", "1.5h", "2025-13-01", "2025-02-30", "25-10-01", "999999y", "٣d", "all day"],
)
def test_invalid_time_lists_the_forms(text: str) -> None:
    """The error lists the valid forms."""
    with pytest.raises(ConfigError, match=r"24h, 7d, 2weeks.*2025-10-01.*all"):
        parse_when(text, NOW, LJUBLJANA)


def test_default_since_is_all_then_one_day() -> None:
    """Without --since: everything for an empty database, else a day before the newest file."""
    assert default_since(None) is None
    assert default_since(datetime.fromisoformat("2025-10-02 23:28:18")) == datetime.fromisoformat(
        "2025-10-01 23:28:18"
    )
