"""The most even split of any number of players into two teams."""

import math
import random
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from itertools import combinations, product
from typing import NamedTuple

from etstats.domain.rules.rating import NUMBERS_WEIGHT, RatingBook, win_chance

FEWEST_PLAYERS, MOST_PLAYERS = 2, 64
# Up to this number of players all splits are compared (1,716 for 14 players), above it a local search is used.
MOST_EXACT_PLAYERS = 14
DESCENTS = 12
# Smaller improvements are rounding errors and could cause an endless loop.
SMALLEST_STEP = 1e-9


class TeamSplit(NamedTuple):
    """Two teams by GUID, and the chance of the first to win (0 to 1)."""

    team1: tuple[str, ...]
    team2: tuple[str, ...]
    chance1: float


def even_splits(book: RatingBook, guids: Sequence[str], count: int = 5) -> list[TeamSplit]:
    """Return the `count` most even splits, most even first; of an odd number of players team 1 has one more.

    Players without a rating count as average. Raise ValueError for fewer than 2 or more than 64 players, and
    when a player is named twice.
    """
    if not FEWEST_PLAYERS <= len(guids) <= MOST_PLAYERS:
        raise ValueError(f"expected {FEWEST_PLAYERS} to {MOST_PLAYERS} players, got {len(guids)}")
    if len(set(guids)) < len(guids):
        raise ValueError("a player is named more than once")
    players = sorted(guids)
    exact = len(players) <= MOST_EXACT_PLAYERS
    teams = _all_teams(players) if exact else _even_teams(book, players, count)
    splits = []
    for team1 in teams:
        members = set(team1)
        team2 = tuple(guid for guid in players if guid not in members)
        splits.append(TeamSplit(team1, team2, win_chance(book, team1, team2)))
    return nsmallest(count, splits, key=lambda split: (round(abs(split.chance1 - 0.5), 9), split.team1))


def _all_teams(players: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield team 1 of each split; with equal teams the first player is always in it, so that none comes twice."""
    if len(players) % 2:
        yield from combinations(players, len(players) // 2 + 1)
    else:
        first, *others = players
        for team in combinations(others, len(players) // 2 - 1):
            yield first, *team


def _even_teams(book: RatingBook, players: Sequence[str], count: int) -> set[tuple[str, ...]]:
    """Return team 1 of at least `count` even splits: swap two players while that makes a split more even."""
    mu = {guid: book.player(guid).mu for guid in players}
    size = (len(players) + 1) // 2
    goal = _even_sum(book, sum(mu.values()), size, len(players) - size)
    shuffle = random.Random(0).shuffle  # noqa: S311 - a fixed seed: the same players give the same splits
    order = list(players)
    found: set[tuple[str, ...]] = set()
    for _ in range(DESCENTS):
        shuffle(order)
        team1, team2 = set(order[:size]), set(order[size:])
        while True:
            gap = goal - sum(mu[guid] for guid in sorted(team1))
            swaps = nsmallest(
                count,
                product(sorted(team1), sorted(team2)),
                key=lambda swap: abs(gap - mu[swap[1]] + mu[swap[0]]),
            )
            found.update(_team1(players, team1 - {out} | {into}) for out, into in swaps)
            out, into = swaps[0]
            if abs(gap - mu[into] + mu[out]) > abs(gap) - SMALLEST_STEP:
                found.add(_team1(players, team1))
                break
            team1, team2 = team1 - {out} | {into}, team2 - {into} | {out}
    return found


def _even_sum(book: RatingBook, total: float, size1: int, size2: int) -> float:
    """Return the sum of ratings of team 1 at which both teams are equally likely to win.

    Solves the log odds of `rating.win_chance` for that sum; without a side or map bias.
    """
    scale = math.sqrt(2 * size1 * size2 / (size1 + size2))
    numbers = NUMBERS_WEIGHT * math.log(size1 / size2) / (scale * book.slope.slope)
    return (total / size2 - numbers) / (1 / size1 + 1 / size2)


def _team1(players: Sequence[str], team1: set[str]) -> tuple[str, ...]:
    """Return the team in order; of two equal teams the one with the first player, so that none comes twice."""
    if len(players) == 2 * len(team1) and players[0] not in team1:
        team1 = set(players) - team1
    return tuple(sorted(team1))
