"""The most valuable player of a session: a rating of each round relative to its average, summed over all rounds.

As in HLTV's first player rating (2010), each component is the player's number divided by the average, and the
components are weighted. The differences are explained in `docs/metrics.md`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from etstats.domain.stats import Performance
from etstats.domain.views import RoundRow

# Limit: a dynamite in a round without others is twelve times the average, but not worth twelve rounds.
CAP = 3.0


class MvpComponent(NamedTuple):
    """A component of the rating: its weight, and the number compared with the round's average."""

    name: str
    weight: float
    number: Callable[[Performance], float]


PARTS = (
    MvpComponent(name="kills", weight=0.30, number=lambda player: player.kills),
    MvpComponent(
        name="damage", weight=0.30, number=lambda player: max(0, player.damage_given - player.team_damage_given)
    ),
    MvpComponent(
        name="teamplay", weight=0.15, number=lambda player: player.revives_given + player.kill_assists / 2
    ),
    MvpComponent(name="objectives", weight=0.10, number=lambda player: player.objectives),
)
SURVIVAL = 0.15


class MostValuable(NamedTuple):
    """The player with the highest rating, and the rating."""

    player_guid: str
    rating: float


def round_ratings(players: Sequence[Performance]) -> dict[str, float]:
    """Return each player's rating of a round by GUID, without spectators; 1 is the round's average."""
    there = [player for player in players if player.team in (1, 2) and player.time_played_seconds > 0]
    longest = max((player.time_played_seconds for player in there), default=0)
    deaths = sum(player.deaths for player in there) / len(there) if there else 0.0
    presences = [player.time_played_seconds / longest for player in there]
    ratings = [
        SURVIVAL * presence * (2 * deaths / (deaths + player.deaths) if deaths else 1.0)
        for player, presence in zip(there, presences, strict=True)
    ]
    for part in PARTS:
        numbers = list(map(part.number, there))
        average = sum(numbers) / len(there) if there else 0.0
        for place, number in enumerate(numbers):
            # If no player has a count, all players are average.
            ratings[place] += part.weight * (min(CAP, number / average) if average else presences[place])
    return {player.player_guid: rating for player, rating in zip(there, ratings, strict=True)}


def ratings(rounds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return each player's rating of several rounds by GUID: the sum divided by the number of all rounds.

    A missed round counts as 0, so that a substitute's one good round does not beat a whole session.
    """
    sums: dict[str, float] = {}
    count = 0
    for rated in rounds:
        count += 1
        for guid, rating in rated.items():
            sums[guid] = sums.get(guid, 0.0) + rating
    return {guid: total / count for guid, total in sums.items()}


def ratings_of(rounds: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]]) -> dict[str, float]:
    """Return the ratings over single rounds; cumulative rounds are rated only if there are no others."""
    return ratings(round_ratings(played[round_.id]) for round_ in _rated(rounds))


def most_valuable(
    rounds: Sequence[RoundRow],
    played: Mapping[int, Sequence[Performance]],
    rated_rounds: Mapping[int, Mapping[str, float]],
    hidden: Collection[str],
) -> MostValuable | None:
    """Return the shown player with the highest rating (ties: by damage); None if nobody played.

    `rated_rounds`: the `round_ratings` of each round by id.
    """
    rated = ratings(rated_rounds[round_.id] for round_ in _rated(rounds))
    damage: Counter[str] = Counter()
    for round_ in rounds:
        for player in played[round_.id]:
            damage[player.player_guid] += player.damage_given
    best = max(rated.keys() - hidden, key=lambda guid: (rated[guid], damage[guid], guid), default=None)
    return None if best is None else MostValuable(best, rated[best])


def _rated(rounds: Sequence[RoundRow]) -> Sequence[RoundRow]:
    return [round_ for round_ in rounds if not round_.is_cumulative] or rounds
