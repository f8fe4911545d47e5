"""Compute a season's standings: points for the ranks on several boards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etstats.domain.stats import Standing

POINTS = (10, 8, 6, 5, 4, 3, 2, 1)
SEASON_BOARDS = ("kd", "dpm", "accuracy", "headshots", "kills", "revives", "objectives", "useful")
"""Half of the boards measure combat skill, half teamwork and participation."""


class SeasonStanding(NamedTuple):
    """A line of a season's standings: points, boards led, and rounds played; ties share a rank."""

    rank: int
    player_guid: str
    player_name: str
    clean_name: str
    points: int
    boards_led: int
    rounds: int


def standings(places: Mapping[str, Sequence[Standing]]) -> list[SeasonStanding]:
    """Return the sum of the points of each player with a place on a season's boards, most points first."""
    points: Counter[str] = Counter()
    led: Counter[str] = Counter()
    placed: dict[str, Standing] = {}
    for name in SEASON_BOARDS:
        for standing in places[name]:
            placed[standing.player_guid] = standing
            points[standing.player_guid] += POINTS[standing.rank - 1] if standing.rank <= len(POINTS) else 0
            led[standing.player_guid] += standing.rank == 1
    better = Counter(points.values())
    ranks = {value: 1 + sum(count for other, count in better.items() if other > value) for value in better}
    lines = [
        SeasonStanding(
            rank=ranks[points[guid]],
            player_guid=guid,
            player_name=standing.player_name,
            clean_name=standing.clean_name,
            points=points[guid],
            boards_led=led[guid],
            rounds=standing.rounds,
        )
        for guid, standing in placed.items()
    ]
    return sorted(lines, key=lambda line: (line.rank, -line.boards_led, -line.rounds, line.player_guid))
