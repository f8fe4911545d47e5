"""Tests of the detection of time zones from names and mtimes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from etstats.admin.setup.timezones import propose

WINTER, SUMMER = datetime(2025, 1, 15, 20, tzinfo=UTC), datetime(2025, 7, 15, 20, tzinfo=UTC)


def files(zone: str, *days: datetime, late: int = 2) -> list[tuple[datetime, int]]:
    """Return a file for each time, as named by a server in this zone."""
    return [(day.astimezone(ZoneInfo(zone)).replace(tzinfo=None), int(day.timestamp()) + late) for day in days]


@pytest.mark.parametrize("zone", ["Europe/Ljubljana", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "UTC"])
def test_files_of_summer_and_winter_determine_the_zone(zone: str) -> None:
    """With files of summer and winter the true zone is among those that match all files."""
    found = propose(files(zone, WINTER, SUMMER))
    assert zone in found.zones
    assert (found.agreeing, found.judged) == (2, 2)


def test_zone_without_daylight_saving_time_is_detected() -> None:
    """Phoenix has no daylight saving time, Denver has."""
    found = propose(files("America/Phoenix", WINTER, SUMMER))
    assert "America/Phoenix" in found.zones
    assert "America/Denver" not in found.zones


def test_preferred_zone_is_first_if_it_matches() -> None:
    """Many zones have equal offsets; the preferred zone is first if it matches."""
    given = files("Europe/Ljubljana", WINTER, SUMMER)
    assert propose(given, prefer=["Europe/Ljubljana"]).zones[0] == "Europe/Ljubljana"
    assert propose(given, prefer=["Asia/Tokyo"]).zones[0] == "Europe/Berlin"
    assert propose(given, prefer=["No/Where"]).zones[0] == "Europe/Berlin"


def test_copied_files_determine_no_zone() -> None:
    """Copied files have the time of copying: no zone is proposed."""
    copied = [(stamp, mtime + 7 * 86400 + 407) for stamp, mtime in files("Europe/Berlin", WINTER, SUMMER)]
    assert propose(copied).zones == ()
    assert propose([]).judged == 0


def test_few_deviating_files_do_not_change_the_zone() -> None:
    """The zone that matches most files is first, with its number of files."""
    many = [WINTER + timedelta(days=index) for index in range(30)]
    found = propose([*files("Europe/Berlin", *many), *files("Asia/Tokyo", SUMMER)])
    assert "Europe/Berlin" in found.zones
    assert (found.agreeing, found.judged) == (30, 31)
