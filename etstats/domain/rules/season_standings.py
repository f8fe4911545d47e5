"""A season's standings: points for the places on a few boards, so that no single number makes a champion."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from etstats.domain.rules.ranking import Ranking
from etstats.domain.stats import Standing

POINTS = (10, 8, 6, 5, 4, 3, 2, 1)
SEASON_BOARDS = ("kd", "dpm", "accuracy", "headshots", "kills", "revives", "objectives", "useful")
"""Half of them reward skill in a fight whatever was played, half what was done for the team and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonStanding:
    """A line of a season's standings: points, boards led, and rounds played; ties share a rank."""

    rank: int
    player_guid: str
    player_name: str
    clean_name: str
    points: int
    boards_led: int
    rounds: int


def standings(rankings: Mapping[str, Ranking]) -> list[SeasonStanding]:
    """Add up the points of everybody who has a place on a season's boards; most points first."""
    points: Counter[str] = Counter()
    led: Counter[str] = Counter()
    placed: dict[str, Standing] = {}
    for name in SEASON_BOARDS:
        for s in rankings[name].standings:
            placed[s.player_guid] = s
            points[s.player_guid] += POINTS[s.rank - 1] if s.rank <= len(POINTS) else 0
            led[s.player_guid] += s.rank == 1
    better = Counter(points.values())
    ranks = {value: 1 + sum(count for other, count in better.items() if other > value) for value in better}
    lines = [
        SeasonStanding(
            rank=ranks[points[guid]],
            player_guid=guid,
            player_name=s.player_name,
            clean_name=s.clean_name,
            points=points[guid],
            boards_led=led[guid],
            rounds=s.rounds,
        )
        for guid, s in placed.items()
    ]
    return sorted(lines, key=lambda line: (line.rank, -line.boards_led, -line.rounds, line.player_guid))
