"""Which round 1 a round 2 belongs to: the nearest one before it that can have set its time limit."""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter

LONGEST_GAP = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundKey:
    """What pairing has to know of a stored or new round; `key` is the caller's own."""

    key: int
    ended_at: datetime
    map_name: str
    round_number: int
    time_limit_seconds: int
    actual_time_seconds: int | None


def pair(heads: Collection[RoundKey]) -> dict[int, int]:
    """Pair the rounds of one server: the key of each round 2 that has one -> the key of its round 1.

    Same map, round 1 saved before round 2 by at most 60 minutes, and its actual time (where known) equal to
    round 2's time limit. A round 1 serves one round 2; when two want it the nearer takes it, of two equally
    near ones the earlier, of two of one moment the one given first: never a question of who came first.
    """
    firsts: dict[str, list[RoundKey]] = {}
    for head in sorted(heads, key=attrgetter("ended_at")):
        if head.round_number == 1:
            firsts.setdefault(head.map_name, []).append(head)
    candidates = [
        (second.ended_at - first.ended_at, second.ended_at, second.key, first.key)
        for second in heads
        if second.round_number == 2
        for first in _lately(firsts.get(second.map_name, []), second.ended_at)
        if first.actual_time_seconds in (None, second.time_limit_seconds)
    ]
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, second_key, first_key in sorted(candidates, key=itemgetter(0, 1)):
        if second_key not in partner and first_key not in taken:
            partner[second_key] = first_key
            taken.add(first_key)
    return partner


def _lately(firsts: list[RoundKey], ended_at: datetime) -> list[RoundKey]:
    """Of these, in time order, the ones that ended before this moment and not too long before."""
    begin = bisect_left(firsts, ended_at - LONGEST_GAP, key=attrgetter("ended_at"))
    return firsts[begin : bisect_left(firsts, ended_at, key=attrgetter("ended_at"))]
