"""Sealed periods: past months, years and all past years (UTC) of a server whose sums are stored.

A query reads the sums of the sealed periods in its scope and the rounds of the rest. A period is sealed while it
has a row in `sealed`. The database's triggers delete that row when one of its rounds changes, so no answer depends
on what is sealed. See "Sealed periods" in `sql/migrations/0001_initial.sql`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class SealedPeriod(NamedTuple):
    """A sealed period; `id` 0: a server without any, the other values are undefined."""

    server_id: int
    id: int
    level: int
    start: datetime
    stop: datetime
    split_sessions: list[int]


class Cover(NamedTuple):
    """How the rounds of a query are read: the sealed periods, and the time ranges between them by server.

    `split_sessions`: the sessions that are not in the session sums of these periods.
    """

    sealed_ids: list[int]
    servers: list[int]
    starts: list[datetime]
    stops: list[datetime]
    split_sessions: list[int]

    @property
    def parameters(self) -> dict[str, object]:
        """Return the named parameters of queries that read sealed periods."""
        return self._asdict()

    @property
    def is_sealed(self) -> bool:
        """Whether rounds are read by time ranges, and the sums of sealed periods where there are any."""
        return bool(self.sealed_ids or self.servers)

    def sql(self, name: str) -> str:
        """Return a named query that reads the rounds this way."""
        return query_with_columns(name, sealed=self.is_sealed)


NOTHING = Cover([], [], [], [], [])
"""No period is sealed: all rounds in scope are read."""


def covered(conn: Connection, scope: Scope, *, by_map: bool = False) -> tuple[Cover, dict[str, object]]:
    """Return how to read a scope, and the parameters; `by_map`: the query chooses the map itself."""
    found = cover(conn, replace(scope, map_name=None) if by_map else scope)
    return found, {**scope.parameters, **found.parameters}


def uncovered(scope: Scope) -> tuple[Cover, dict[str, object]]:
    """Return how to read a scope without sealed periods, and the parameters."""
    return NOTHING, {**scope.parameters, **NOTHING.parameters}


def cover(conn: Connection, scope: Scope, until: datetime | None = None) -> Cover:
    """Return how to read a scope; periods that end after `until` are read from rounds.

    Sums are of all maps, and of all rounds that are counted: of one map, all rounds are read.
    """
    if scope.uncounted or (scope.last_rounds, scope.last_sessions) != (None,) * 2:
        return NOTHING
    stored: dict[int, list[SealedPeriod]] = defaultdict(list)
    for period in fetch_all(conn, SealedPeriod, "sealed_periods", {"server": scope.server}):
        stored[period.server_id].append(period)
    first, last = scope.since or _FIRST, scope.until or _LAST
    found = Cover([], [], [], [], [])
    for server_id, periods in stored.items():
        at = first
        used = [] if scope.map_name else _used(periods, first, min(last, until or last))
        for period in used:
            found.sealed_ids.append(period.id)
            found.split_sessions.extend(period.split_sessions)
            _add_gap(found, server_id, at, period.start)
            at = period.stop
        _add_gap(found, server_id, at, last)
    return found if found.sealed_ids or scope.map_name else NOTHING


def _used(periods: Iterable[SealedPeriod], first: datetime, last: datetime) -> list[SealedPeriod]:
    """Return the largest sealed periods between two times, in order, without overlap."""
    used: list[SealedPeriod] = []
    at = first
    # All past years before the first of them, a year before its months.
    sealed = [period for period in periods if period.id]
    for period in sorted(sealed, key=lambda period: (period.start, -period.level)):
        if at <= period.start and period.stop <= last:
            used.append(period)
            at = period.stop
    return used


def _add_gap(found: Cover, server_id: int, start: datetime, stop: datetime) -> None:
    if start < stop:
        found.servers.append(server_id)
        found.starts.append(start)
        found.stops.append(stop)
