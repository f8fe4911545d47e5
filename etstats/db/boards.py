"""The sums that leaderboards are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import kwargs_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_one
from etstats.domain.stats import PlayerSums


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSize:
    """How many rounds a scope holds, when the newest ended, and how many it held a week before that."""

    rounds: int
    rounds_before: int
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPart:
    """A player's sums over the rounds until a week before the newest one (`is_before`), or since then."""

    is_before: bool
    sums: PlayerSums


def size(conn: Connection, scope: Scope, weapon: str | None = None) -> BoardSize:
    """The size of a scope; with a weapon, of the rounds in which somebody used it."""
    # Two queries: with a condition on the parameter the planner would read the weapons of all rounds.
    name = "scope_size" if weapon is None else "weapon_scope_size"
    return fetch_one(conn, BoardSize, name, {**scope.parameters, "weapon": weapon})


def player_sums(conn: Connection, scope: Scope, shown: Sequence[str] = ()) -> list[BoardPart]:
    """Each player's sums in a scope, in one or two parts; hidden players are left out, but for `shown`."""
    return _parts(conn, "player_sums", {**scope.parameters, "shown": list(shown)})


def weapon_sums(conn: Connection, scope: Scope, weapon: str) -> list[BoardPart]:
    """Each player's sums with one weapon in a scope; `deaths` are deaths by it."""
    return _parts(conn, "weapon_sums", {**scope.parameters, "weapon": weapon})


def _parts(conn: Connection, name: str, parameters: dict[str, object]) -> list[BoardPart]:
    def part(**row: object) -> BoardPart:
        return BoardPart(is_before=bool(row.pop("is_before")), sums=PlayerSums(**row))  # type: ignore[arg-type]

    with database_errors(), conn.cursor(row_factory=kwargs_row(part)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
