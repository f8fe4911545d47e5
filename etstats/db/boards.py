"""Read the sums of leaderboards."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from psycopg.rows import kwargs_row

from etstats.db import sealed
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.sealed import Cover
from etstats.db.statements import fetch_column, fetch_one
from etstats.db.sums import UNKNOWN_FLAGS
from etstats.domain.stats import PlayerSums

_WEEK = timedelta(days=7)


class BoardSize(NamedTuple):
    """The number of rounds in a scope, now and a week before its newest round."""

    rounds: int
    rounds_before: int


class BoardPart(NamedTuple):
    """A player's sums over the rounds until a week before the newest one (`is_before`), or since then."""

    is_before: bool
    sums: PlayerSums


def size(conn: Connection, scope: Scope, weapon: str | None = None) -> BoardSize:
    """Return the size of a scope; with a weapon, only of the rounds in which it was used."""
    # Two queries: with a condition on the parameter the planner would read the weapons of all rounds.
    cover, parameters = _bounds(conn, scope)
    name = "scope_size" if weapon is None else "weapon_scope_size"
    return fetch_one(conn, BoardSize, name, {**parameters, "weapon": weapon}, sql=cover.sql)


def player_sums(
    conn: Connection, scope: Scope, shown: Sequence[str] = (), known: str | None = None
) -> list[BoardPart]:
    """Return each player's sums in a scope, in one or two parts, without hidden players except `shown`.

    `known`: only rounds that have this value count.
    """
    cover, parameters = _bounds(conn, scope)
    unknown = UNKNOWN_FLAGS.get(known or "", 0)
    parameters |= {"shown": list(shown), "known": known, "unknown": unknown}
    return _parts(conn, cover.sql("player_sums"), parameters)


def weapon_sums(conn: Connection, scope: Scope, weapon: str) -> list[BoardPart]:
    """Return each player's sums with one weapon in a scope; `deaths` are deaths by it."""
    cover, parameters = _bounds(conn, scope)
    return _parts(conn, cover.sql("weapon_sums"), {**parameters, "weapon": weapon})


def _bounds(conn: Connection, scope: Scope) -> tuple[Cover, dict[str, object]]:
    """Return how to read a scope, and the parameters; `before`: a week before its newest round."""
    (newest,) = fetch_column(conn, "newest_in_scope", scope.parameters)
    before = None if newest is None else newest - _WEEK
    cover = sealed.cover(conn, scope, before)
    return cover, {**scope.parameters, **cover.parameters, "before": before}


def _parts(conn: Connection, statement: str, parameters: dict[str, object]) -> list[BoardPart]:
    def part(**row: object) -> BoardPart:
        return BoardPart(is_before=bool(row.pop("is_before")), sums=PlayerSums(**row))  # type: ignore[arg-type]

    with conn.cursor(row_factory=kwargs_row(part)) as cursor:
        return cursor.execute(statement, parameters).fetchall()
