"""The rounds that a query selects, as parameters common to all queries.

    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r

The WHERE clause is in that SQL function, which PostgreSQL inlines into the query.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_column


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The rounds with since <= ended_at < until, of a map, of a server, the last of these; None: no limit.

    `last_rounds` and `last_sessions` count back from the newest of these rounds or sessions. `uncounted`: include
    rounds that are not counted, in lists of rounds and sessions.
    """

    since: datetime | None = None
    until: datetime | None = None
    map_name: str | None = None
    server: str | None = None
    last_rounds: int | None = None
    last_sessions: int | None = None
    uncounted: bool = False

    @property
    def parameters(self) -> dict[str, object]:
        """Return the named parameters of `rounds_in_scope` for `execute`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def is_everything(self) -> bool:
        """Whether all rounds are selected."""
        return self == Scope()


def map_names(conn: Connection) -> list[str]:
    """Return the maps that were played, most played first."""
    return [name for (name,) in conn.execute(query("map_names"))]


def is_played(conn: Connection, map_name: str) -> bool:
    """Return whether a map of exactly this name was played; counting the rounds of all maps takes longer."""
    return bool(fetch_column(conn, "is_map_played", {"map_name": map_name})[0])


def server_names(conn: Connection) -> list[str]:
    """Return the names of the servers with rounds, sorted."""
    return [name for _, name in conn.execute(query("servers"))]


def played_span(conn: Connection) -> tuple[datetime, datetime] | None:
    """Return the ends of the oldest and the newest round; None without rounds."""
    oldest, newest = conn.execute(query("played_span")).fetchone() or (None, None)
    return None if oldest is None else (oldest, newest)
