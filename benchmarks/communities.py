"""Compare how ratings, K/D and results recover the true order of players in generated communities.

python -m benchmarks.communities [FIRST_SEED] [COMMUNITIES OF EACH KIND]
"""

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.measuring import table
from etstats.domain.rules.rating import matches_of
from etstats.domain.rules.rating_check import check_ratings
from tests.support.communities import Community, correlations, play

KINDS: dict[str, dict[str, Any]] = {
    "24 players, 200 matches": {},
    "14 players": {"size": 14},
    "60 players, 600 matches": {"size": 60, "matches": 600},
    "60 matches": {"matches": 60},
    "1,500 matches": {"matches": 1_500},
    "no styles": {"style_strength": 0.0},
    "strong styles": {"style_strength": 2.0},
    "very strong styles": {"style_strength": 3.0},
    "more luck": {"luck": 0.6},
    "teams always even": {"balanced": 1.0},
    "friends always together": {"together": 1.0, "balanced": 0.0},
    "6 v 6, 300 matches": {"team_sizes": (6,), "matches": 300},
    "10 players, 1 v 1 and 2 v 2": {"team_sizes": (1, 2), "size": 10},
    "kills say little": {"skill_to_combat": 0.1},
    "results say little": {"skill_to_time": 0.08},
}


class _Measured(NamedTuple):
    """Rank correlation and log loss of one community, by rating, K/D and results only."""

    order: tuple[float, ...]
    log_loss: tuple[float, ...]


def run(first_seed: int, count: int) -> str:
    """Measure communities of each kind and return a table in Markdown."""
    measured = {
        name: [_measure(Community(seed=seed, **kind)) for seed in range(first_seed, first_seed + count)]
        for name, kind in KINDS.items()
    }
    everything = [one for communities in measured.values() for one in communities]
    return table(
        ["community", "rating", "K/D", "results", "closer than K/D", "than results", "log loss", "K/D", "results"],
        [_row(name, communities) for name, communities in [*measured.items(), ("**all**", everything)]],
    )


def _measure(community: Community) -> _Measured:
    played = play(community)
    check = check_ratings(matches_of(played.rounds))
    scores = [check.scores, *(check.baselines[name].scores for name in ("kd", "results"))]
    return _Measured(correlations(played), tuple(one.log_loss or 0 for one in scores))


def _row(name: str, communities: Sequence[_Measured]) -> list[str]:
    count = len(communities)
    order, log_loss = (
        [f"{sum(values) / count:.3f}" for values in zip(*rows, strict=True)]
        for rows in zip(*communities, strict=True)
    )
    closer = [f"{sum(one.order[0] > one.order[other] for one in communities)} of {count}" for other in (1, 2)]
    return [name, *order, *closer, *log_loss]


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    print(run(*given, *(8001, 12)[len(given) :]))
