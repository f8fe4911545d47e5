"""Gaming sessions: rounds of one server with no gap longer than the allowed one between neighbours in time."""

from collections.abc import Iterable
from datetime import datetime, timedelta


def group(rounds: Iterable[tuple[datetime, int]], gap: timedelta) -> list[list[int]]:
    """The keys of (ended_at, key) grouped into sessions, both in time order, whatever order they came in."""
    sessions: list[list[int]] = []
    last: datetime | None = None
    for ended_at, key in sorted(rounds):
        if last is None or ended_at - last > gap:
            sessions.append([])
        sessions[-1].append(key)
        last = ended_at
    return sessions
