"""The most valuable player of a session: a rating of each round against its average, summed over all rounds.

The shape is that of HLTV's first player rating (2010): each part is the player's number over the average, and
the parts are weighed. What is different, and why, stands in `docs/metrics.md`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from etstats.domain.stats import Performance

# A dynamite in a round where nobody else planted one is twelve times the average; it is not worth twelve rounds.
CAP = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MvpComponent:
    """One part of a rating: its weight, and the number that is held against the round's average."""

    name: str
    weight: float
    number: Callable[[Performance], float]


PARTS = (
    MvpComponent(name="kills", weight=0.30, number=lambda p: p.kills),
    MvpComponent(name="damage", weight=0.30, number=lambda p: max(0, p.damage_given - p.team_damage_given)),
    MvpComponent(name="teamplay", weight=0.15, number=lambda p: p.revives_given + p.kill_assists / 2),
    MvpComponent(name="objectives", weight=0.10, number=lambda p: p.objectives),
)
SURVIVAL = 0.15


def round_ratings(players: Sequence[Performance]) -> dict[str, float]:
    """Each player's rating of one round by GUID; 1 is the round's average player, spectators have none."""
    there = [p for p in players if p.team in (1, 2) and p.time_played_seconds > 0]
    longest = max((p.time_played_seconds for p in there), default=0)
    deaths = sum(p.deaths for p in there) / len(there) if there else 0.0
    averages = {part.name: sum(map(part.number, there)) / len(there) for part in PARTS} if there else {}
    ratings: dict[str, float] = {}
    for p in there:
        presence = p.time_played_seconds / longest
        rating = SURVIVAL * presence * (2 * deaths / (deaths + p.deaths) if deaths else 1.0)
        for part in PARTS:
            average = averages[part.name]
            # Where nobody scored, everybody is average.
            rating += part.weight * (min(CAP, part.number(p) / average) if average else presence)
        ratings[p.player_guid] = rating
    return ratings


def ratings(rounds: Iterable[Sequence[Performance]]) -> dict[str, float]:
    """Each player's rating of several rounds by GUID: the sum over the rounds, divided by all of them.

    A round that a player missed counts as 0, so one good round of a substitute never beats a whole session.
    """
    sums: dict[str, float] = {}
    count = 0
    for players in rounds:
        count += 1
        for guid, rating in round_ratings(players).items():
            sums[guid] = sums.get(guid, 0.0) + rating
    return {guid: total / count for guid, total in sums.items()}
