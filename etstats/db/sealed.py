"""Sealed periods: past months, years and all past years of a server whose sums are stored.

A query reads the sums of the sealed periods in its scope and the rounds of the rest. A period is sealed while it
has a row in `sealed`. The database's triggers delete that row when one of its rounds changes, so no answer depends
on what is sealed. See "Sealed periods" in `sql/migrations/0001_initial.sql`.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all

EVERY_LEVEL, BY_MAP = (0, 1, 2), (2,)
"""The levels of sealed periods, and those with sums of players by map."""

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class SealedPeriod(NamedTuple):
    """A sealed period; `id` 0: a server without any, the other values are None."""

    server_id: int
    id: int
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


def covered(
    conn: Connection, scope: Scope, levels: Collection[int] | None = None
) -> tuple[Cover, dict[str, object]]:
    """Return how to read a scope, and the parameters; `levels` as in `cover`."""
    found = cover(conn, scope, levels=levels)
    return found, {**scope.parameters, **found.parameters}


def uncovered(scope: Scope) -> tuple[Cover, dict[str, object]]:
    """Return how to read a scope without sealed periods, and the parameters."""
    return NOTHING, {**scope.parameters, **NOTHING.parameters}


def cover(
    conn: Connection, scope: Scope, until: datetime | None = None, levels: Collection[int] | None = None
) -> Cover:
    """Return how to read a scope; periods that end after `until` are read from rounds.

    Sums are of all rounds that are counted. `levels`: those of the sums that the query reads; by default all, and
    none for a scope of one map.
    """
    if scope.uncounted or (scope.last_rounds, scope.last_sessions) != (None,) * 2:
        return NOTHING
    if levels is None:
        levels = () if scope.map_name else EVERY_LEVEL
    first, last = scope.since or _FIRST, scope.until or _LAST
    parameters = {"server": scope.server, "levels": list(levels), "first": first, "last": min(last, until or last)}
    at: dict[int, datetime] = {}
    found = Cover([], [], [], [], [])
    for period in fetch_all(conn, SealedPeriod, "sealed_periods", parameters):
        start = at.setdefault(period.server_id, first)
        if period.id:
            found.sealed_ids.append(period.id)
            found.split_sessions.extend(period.split_sessions)
            _add_gap(found, period.server_id, start, period.start)
            at[period.server_id] = period.stop
    for server_id, start in at.items():
        _add_gap(found, server_id, start, last)
    return found if found.sealed_ids or scope.map_name else NOTHING


def _add_gap(found: Cover, server_id: int, start: datetime, stop: datetime) -> None:
    if start < stop:
        found.servers.append(server_id)
        found.starts.append(start)
        found.stops.append(stop)
