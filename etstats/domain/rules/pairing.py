"""Pair each round 2 with its round 1, first by the player lines, then by the file names."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, takewhile
from operator import attrgetter
from typing import NamedTuple

LONGEST_GAP = timedelta(minutes=60)
"""The longest time from a round 1 to its round 2 without evidence in the player lines."""

LONGEST_BREAK = timedelta(hours=12)
"""The longest time between two rounds, in either order, that player lines can prove to be one match."""

ENOUGH_LINES = 3
"""The number of player lines that prove a match although others were reset."""

_ROUNDING_SECONDS = 1  # the game rounds the time that was set and the limit that follows from it separately
_PROVEN_NEAR, _PROVEN, _BY_NAME = range(3)


class RoundKey(NamedTuple):
    """The values of a stored or new round that decide its pairing; `key` is chosen by the caller."""

    key: int
    ended_at: datetime
    stamp: datetime
    map_name: str
    round_number: int
    time_limit_seconds: int
    actual_time_seconds: int | None


class Edge(NamedTuple):
    """A possible pair of a round 2 and a round 1; of two edges that share a round, the smaller one is preferred.

    `off_limit`: the difference of the limit from the time set in seconds, at most 2. Ties are decided by times and
    stamps, so that the order of import does not matter.
    """

    rank: int
    off_limit: int
    distance: timedelta
    ended_at: datetime
    stamp: datetime
    first_ended_at: datetime
    first_stamp: datetime
    second: RoundKey
    first: RoundKey


class Pairing:
    """The pairs among the rounds of one server, computed on demand.

    `nearby` returns the rounds with the other number on the same map within a time of a round. `holds(second,
    first)` returns how many lines of a round 2 show that its counters include that round 1; 0: they do not.

    Edges are accepted in order, and each round belongs to one pair: first a round 1 that the round 2 includes and
    that fits by name (saved at most `LONGEST_GAP` before it, its actual time within a second of the limit), then
    any other that it includes within `LONGEST_BREAK`, last one that fits only by name. An edge depends only on
    smaller edges of its rounds, so that only a few rounds must be processed.
    """

    def __init__(
        self,
        nearby: Callable[[RoundKey, timedelta], Iterable[RoundKey]],
        holds: Callable[[RoundKey, RoundKey], int],
    ) -> None:
        self._nearby = nearby
        self._holds = holds
        self._by_name: dict[int, list[Edge]] = {}
        self._proven: dict[int, list[Edge]] = {}
        self._held: dict[tuple[int, int], int] = {}
        self._is_pair: dict[tuple[int, int], bool] = {}

    def partner(self, round_: RoundKey) -> RoundKey | None:
        """Return the other round of the match; None when there is none."""
        return self._partner(round_, _BY_NAME)

    def near_partner(self, round_: RoundKey) -> RoundKey | None:
        """Return the other round of the match if both the names and the player lines pair them."""
        return self._partner(round_, _PROVEN_NEAR)

    def is_repeat(self, round_: RoundKey) -> bool:
        """Return whether a round 2 includes a round 1 that is paired with another round 2 (a map continued twice).

        Names and at least three lines must match, because fewer lines may match by chance.
        """
        return (
            round_.round_number == 2
            and self.partner(round_) is None
            and any(self._is_held(edge) >= ENOUGH_LINES for edge in self._edges(round_, _PROVEN_NEAR))
        )

    def _partner(self, round_: RoundKey, rank: int) -> RoundKey | None:
        for edge in self._edges(round_, rank):
            if self._decide(edge):
                return edge.first if edge.second.key == round_.key else edge.second
        return None

    def _edges(self, round_: RoundKey, rank: int) -> Iterator[Edge]:
        """Yield the edges of a round up to a rank, smallest first."""
        named = self._edges_by_name(round_)
        yield from (edge._replace(rank=_PROVEN_NEAR) for edge in named if self._is_held(edge))
        if rank >= _PROVEN:
            yield from self._edges_by_lines(round_)
        if rank >= _BY_NAME:
            yield from (edge for edge in named if not self._is_held(edge))

    def _edges_by_name(self, round_: RoundKey) -> list[Edge]:
        if round_.key not in self._by_name:
            edges = (_edge(round_, other, _BY_NAME) for other in self._nearby(round_, LONGEST_GAP))
            self._by_name[round_.key] = sorted(filter(_fits_by_name, edges))
        return self._by_name[round_.key]

    def _edges_by_lines(self, round_: RoundKey) -> list[Edge]:
        if self.near_partner(round_) is not None:
            return []  # it has a smaller pair, so no lines need to be compared
        if round_.key not in self._proven:
            edges = (
                _edge(round_, other, _PROVEN)
                for other in self._nearby(round_, LONGEST_BREAK)
                if self.near_partner(other) is None
            )
            self._proven[round_.key] = sorted(
                edge for edge in edges if not _fits_by_name(edge) and self._is_held(edge)
            )
        return self._proven[round_.key]

    def _is_held(self, edge: Edge) -> int:
        ends = (edge.second.key, edge.first.key)
        if ends not in self._held:
            self._held[ends] = self._holds(edge.second, edge.first)
        return self._held[ends]

    def _decide(self, edge: Edge) -> bool:
        """Return whether an edge is a pair: no smaller edge of either round is one."""
        stack = [(edge, self._smaller(edge))]
        while stack:
            current, smaller = stack[-1]
            ends = (current.second.key, current.first.key)
            for other in smaller:
                known = self._is_pair.get((other.second.key, other.first.key))
                if known is None:
                    stack[-1] = (current, chain([other], smaller))
                    stack.append((other, self._smaller(other)))
                    break
                if known:
                    self._is_pair[ends] = False
                    stack.pop()
                    break
            else:
                self._is_pair[ends] = True
                stack.pop()
        return self._is_pair[edge.second.key, edge.first.key]

    def _smaller(self, edge: Edge) -> Iterator[Edge]:
        for end in (edge.second, edge.first):
            yield from takewhile(lambda other: other < edge, self._edges(end, edge.rank))


class RoundIndex:
    """Rounds by map and number in time order."""

    def __init__(self, rounds: Iterable[RoundKey] = ()) -> None:
        self._rounds: dict[tuple[str, int], list[RoundKey]] = {}
        for round_ in rounds:
            self.add(round_)

    def add(self, round_: RoundKey) -> None:
        """Add a round."""
        rounds = self._rounds.setdefault((round_.map_name, round_.round_number), [])
        rounds.insert(bisect_right(rounds, round_.ended_at, key=_ended_at), round_)

    def remove(self, round_: RoundKey) -> None:
        """Remove a round."""
        self._rounds[round_.map_name, round_.round_number].remove(round_)

    def nearby(self, round_: RoundKey, reach: timedelta) -> list[RoundKey]:
        """Return the rounds of the other number of the same map at most `reach` before or after a round."""
        rounds = self._rounds.get((round_.map_name, 3 - round_.round_number), [])
        start = bisect_left(rounds, round_.ended_at - reach, key=_ended_at)
        return rounds[start : bisect_right(rounds, round_.ended_at + reach, key=_ended_at)]


def pair(rounds: Iterable[RoundKey], holds: Callable[[RoundKey, RoundKey], int]) -> dict[int, int]:
    """Pair all rounds of a server; return the key of each paired round 2 -> the key of its round 1."""
    rounds = list(rounds)
    pairing = Pairing(RoundIndex(rounds).nearby, holds)
    partners = ((round_.key, pairing.partner(round_)) for round_ in rounds if round_.round_number == 2)
    return {key: first.key for key, first in partners if first is not None}


_ended_at = attrgetter("ended_at")


def _edge(one: RoundKey, other: RoundKey, rank: int) -> Edge:
    second, first = (one, other) if one.round_number == 2 else (other, one)
    set_time = first.actual_time_seconds  # None: unknown, and no difference is known
    return Edge(
        rank=rank,
        off_limit=0 if set_time is None else min(abs(set_time - second.time_limit_seconds), _ROUNDING_SECONDS + 1),
        distance=abs(second.ended_at - first.ended_at),
        ended_at=second.ended_at,
        stamp=second.stamp,
        first_ended_at=first.ended_at,
        first_stamp=first.stamp,
        second=second,
        first=first,
    )


def _fits_by_name(edge: Edge) -> bool:
    # A clock set back may give both the same second.
    return (
        edge.first.ended_at <= edge.second.ended_at <= edge.first.ended_at + LONGEST_GAP
        and edge.off_limit <= _ROUNDING_SECONDS
    )
