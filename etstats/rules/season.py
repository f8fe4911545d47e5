"""A season's standings: points for the places on a few boards, so that no single number makes a champion."""

from collections.abc import Mapping
from dataclasses import dataclass

from etstats.rules.ranking import Ranking

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
    placed = [s for name in SEASON_BOARDS for s in rankings[name].standings]
    points: dict[str, int] = {}
    for s in placed:
        points[s.player_guid] = points.get(s.player_guid, 0) + (POINTS[s.rank - 1] if s.rank <= len(POINTS) else 0)
    order = sorted(points.values(), reverse=True)
    lines = {
        s.player_guid: SeasonStanding(
            rank=order.index(points[s.player_guid]) + 1,
            player_guid=s.player_guid,
            player_name=s.player_name,
            clean_name=s.clean_name,
            points=points[s.player_guid],
            boards_led=sum(p.rank == 1 for p in placed if p.player_guid == s.player_guid),
            rounds=s.rounds,
        )
        for s in placed
    }
    return sorted(lines.values(), key=lambda line: (line.rank, -line.boards_led, -line.rounds, line.player_guid))
