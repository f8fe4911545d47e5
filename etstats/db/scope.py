"""Which rounds a question is about: the same seven parameters for every reading query.

    FROM rounds_in_scope(%(since)s, %(until)s, %(map_name)s, %(server)s, %(last_rounds)s, %(last_sessions)s) r

The WHERE is written once, in that SQL function, which PostgreSQL inlines into the query.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from etstats.db.connection import Connection
from etstats.db.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The rounds with since <= ended_at < until, of one map, of one server, the last of these; None: no limit.

    `last_rounds` and `last_sessions` count back from the newest round, or gaming session, of those.
    """

    since: datetime | None = None
    until: datetime | None = None
    map_name: str | None = None
    server: str | None = None
    last_rounds: int | None = None
    last_sessions: int | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The named parameters of `rounds_in_scope`, to be handed to `execute` with the query's own."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def is_everything(self) -> bool:
        """True when no round is left out."""
        return self == Scope()


def map_names(conn: Connection) -> list[str]:
    """The maps that were ever played, most played first."""
    return [name for (name,) in conn.execute(query("map_names"))]


def server_names(conn: Connection) -> list[str]:
    """The servers that rounds came from, by name."""
    return [name for _, name in conn.execute(query("servers"))]


def played_span(conn: Connection) -> tuple[datetime, datetime] | None:
    """When the oldest and the newest round ended; None for a database without rounds."""
    oldest, newest = conn.execute(query("played_span")).fetchone() or (None, None)
    return None if oldest is None else (oldest, newest)
