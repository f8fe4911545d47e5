"""Which round 1 a round 2 belongs to: the nearest one before it that can have set its time limit."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter

LONGEST_GAP = timedelta(minutes=60)
_ROUNDING_SECONDS = (
    1  # the game may round the time that was set in another way than the limit that follows from it
)


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

    Same map, round 1 saved at most 60 minutes before round 2 (a clock set back may give both the same second), and
    its actual time (where known) equal to round 2's time limit; a second of difference is accepted where no other
    round 1 fits. A round 1 serves one round 2; when two want it the nearer takes it, of two equally near ones the
    earlier, of two at the same time the one given first: the order of import does not matter.
    """
    firsts: dict[str, list[RoundKey]] = {}
    for head in sorted(heads, key=attrgetter("ended_at")):
        if head.round_number == 1:
            firsts.setdefault(head.map_name, []).append(head)
    candidates = [
        (_mismatch(first, second), second.ended_at - first.ended_at, second.ended_at, second.key, first.key)
        for second in heads
        if second.round_number == 2
        for first in _lately(firsts.get(second.map_name, []), second.ended_at)
        if _mismatch(first, second) <= _ROUNDING_SECONDS
    ]
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, _, second_key, first_key in sorted(candidates, key=itemgetter(0, 1, 2)):
        if second_key not in partner and first_key not in taken:
            partner[second_key] = first_key
            taken.add(first_key)
    return partner


def _mismatch(first: RoundKey, second: RoundKey) -> int:
    """Return by how many seconds a round 2's limit differs from the time that its round 1 set; 0 when unknown."""
    set_time = first.actual_time_seconds
    return 0 if set_time is None else abs(set_time - second.time_limit_seconds)


def _lately(firsts: list[RoundKey], ended_at: datetime) -> list[RoundKey]:
    """Return those, in time order, that ended at this time or at most `LONGEST_GAP` before."""
    begin = bisect_left(firsts, ended_at - LONGEST_GAP, key=attrgetter("ended_at"))
    return firsts[begin : bisect_right(firsts, ended_at, key=attrgetter("ended_at"))]
