"""Group rounds of a server to gaming sessions, with no gap longer than the configured one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter


def group(
    rounds: Iterable[tuple[datetime, int]], gap: timedelta, matches: Iterable[tuple[datetime, datetime]] = ()
) -> list[list[int]]:
    """Group the keys of (ended_at, key) into sessions in time order; equal times keep the given order.

    `matches`: the times of the first and last round of each match; no session ends within a match.
    """
    spans = sorted(matches, reverse=True)
    sessions: list[list[int]] = []
    last: datetime | None = None
    match_end: datetime | None = None
    for ended_at, key in sorted(rounds, key=itemgetter(0)):
        if last is None or (ended_at - last > gap and (match_end is None or match_end < ended_at)):
            sessions.append([])
        sessions[-1].append(key)
        while spans and spans[-1][0] <= ended_at:
            end = spans.pop()[1]
            match_end = end if match_end is None else max(match_end, end)
        last = ended_at
    return sessions


ENOUGH_PEOPLE = 2
"""The number of players from which a server counts as in use: one player alone plays no round."""
