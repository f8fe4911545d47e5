"""Pure rules: times, sessions, stopwatch."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from etstats.domain.rules.clock import moment
from etstats.domain.rules.sessions import group
from etstats.domain.rules.stopwatch import MatchOutcome, map_score

ZONE = ZoneInfo("Europe/Ljubljana")
START = datetime(2025, 10, 2, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "mtime", "utc"),
    [
        ("2025-07-01 21:30:00", None, "19:30"),
        ("2025-12-01 21:30:00", None, "20:30"),
        ("2025-10-26 02:30:00", None, "00:30"),
        ("2025-10-26 02:30:00", "2025-10-26 00:30:02", "00:30"),
        ("2025-10-26 02:30:00", "2025-10-26 01:30:02", "01:30"),
        ("2025-10-26 02:30:00", "2026-01-26 12:00:00", "00:30"),
        ("2025-03-30 02:30:00", None, "01:30"),
        ("2025-07-01 21:30:00", "2025-07-02 03:00:00", "19:30"),
    ],
)
def test_local_times_are_converted_across_clock_changes(stamp: str, mtime: str | None, utc: str) -> None:
    """Summer, winter, the repeated hour with and without mtime, the missing hour."""
    seconds = None if mtime is None else int(datetime.fromisoformat(mtime).replace(tzinfo=UTC).timestamp())
    assert f"{moment(datetime.fromisoformat(stamp), ZONE, seconds):%H:%M}" == utc


def test_sessions_do_not_depend_on_order() -> None:
    """Rounds in any order are grouped by the gaps in time."""
    rounds = [(START + timedelta(minutes=minute), minute) for minute in (0, 30, 90, 151, 200)]
    for given in permutations(rounds):
        assert group(given, timedelta(minutes=60)) == [[0, 30, 90], [151, 200]]
    assert group([], timedelta(minutes=60)) == []


@pytest.mark.parametrize(
    ("round1", "round2", "score"),
    [
        ((1, 2), (1, 2), (2, 0)),
        ((1, 2), (1, 1), (0, 2)),
        ((1, 1), (1, 2), (2, 0)),
        ((1, 1), (1, 1), (1, 1)),
        ((2, 2), (2, 2), (1, 1)),
        ((2, 1), (2, 2), (2, 0)),
        ((2, 1), (2, 1), (0, 2)),
        ((1, 0), (1, 2), None),
        (None, (1, 2), None),
    ],
)
def test_stopwatch_scores(
    round1: tuple[int, int] | None, round2: tuple[int, int], score: tuple[int, int] | None
) -> None:
    """Beating the time is 2:0, two holds are 1:1; for round 1's Axis and Allies."""
    one, two = (
        None if outcome is None else MatchOutcome(defender_team=outcome[0], winner_team=outcome[1])
        for outcome in (round1, round2)
    )
    assert map_score(one, two) == score


@pytest.mark.parametrize(
    ("limit1", "limit2", "score"), [(600, 300, (0, 2)), (600, 600, (1, 1)), (600, 0, (1, 1)), (0, 300, (1, 1))]
)
def test_shorter_limit_means_round_1_set_a_time(limit1: int, limit2: int, score: tuple[int, int]) -> None:
    """Round 1's attackers win if round 2 was held, even if round 1's file names the defenders as winners."""
    one = MatchOutcome(defender_team=1, winner_team=1, time_limit_seconds=limit1)
    two = MatchOutcome(defender_team=1, winner_team=1, time_limit_seconds=limit2)
    assert map_score(one, two) == score
