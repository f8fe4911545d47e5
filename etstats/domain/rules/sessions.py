"""Gaming sessions: rounds of one server with no gap longer than the allowed one between neighbours in time."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter


def group(rounds: Iterable[tuple[datetime, int]], gap: timedelta) -> list[list[int]]:
    """The keys of (ended_at, key) grouped into sessions, both in time order; keys of one moment as given."""
    sessions: list[list[int]] = []
    last: datetime | None = None
    for ended_at, key in sorted(rounds, key=itemgetter(0)):
        if last is None or ended_at - last > gap:
            sessions.append([])
        sessions[-1].append(key)
        last = ended_at
    return sessions
