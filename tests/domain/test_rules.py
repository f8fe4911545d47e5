"""The pure rules: moments, sessions, line-ups, stopwatch."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from etstats.domain.rules.clock import moment
from etstats.domain.rules.lineups import Sides, follow
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
def test_moments(stamp: str, mtime: str | None, utc: str) -> None:
    """Summer, winter, the doubled hour with and without a witness, the hour that is none."""
    seconds = None if mtime is None else int(datetime.fromisoformat(mtime).replace(tzinfo=UTC).timestamp())
    assert f"{moment(datetime.fromisoformat(stamp), ZONE, seconds):%H:%M}" == utc


def test_sessions_do_not_depend_on_order() -> None:
    """However the rounds are given, they are grouped by the gaps between neighbours in time."""
    rounds = [(START + timedelta(minutes=m), m) for m in (0, 30, 90, 151, 200)]
    for given in permutations(rounds):
        assert group(given, timedelta(minutes=60)) == [[0, 30, 90], [151, 200]]
    assert group([], timedelta(minutes=60)) == []


def test_line_ups_cross_sides_and_maps() -> None:
    """Sides swap between rounds and maybe between maps; who changed camps is where most rounds were."""
    maps = [
        Sides(match_id="a", round_number=1, sides={"A": 1, "B": 1, "C": 2, "D": 2}),
        Sides(match_id="a", round_number=2, sides={"A": 2, "B": 2, "C": 1, "D": 1, "E": 3}),
        Sides(match_id="b", round_number=1, sides={"A": 2, "B": 2, "C": 1, "D": 1}),
        Sides(match_id="c", round_number=1, sides={"A": 2, "C": 1, "D": 2, "F": 1}),
    ]
    followed = follow(maps)
    assert followed.team == {"A": 1, "B": 1, "C": 2, "D": 2, "F": 2}
    assert followed.axis_first == {"a": 1, "b": 2, "c": 2}


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
def test_stopwatch(round1: tuple[int, int] | None, round2: tuple[int, int], score: tuple[int, int] | None) -> None:
    """Who beats the time wins 2:0, both held is 1:1; given as round 1's Axis against its Allies."""
    one, two = (
        None if r is None else MatchOutcome(defender_team=r[0], winner_team=r[1]) for r in (round1, round2)
    )
    assert map_score(one, two) == score
