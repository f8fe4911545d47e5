"""Read the sums of leaderboards."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from etstats.db import sealed
from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.sealed import Cover
from etstats.db.statements import fetch_column, fetch_one
from etstats.db.sums import UNKNOWN_FLAGS
from etstats.domain.stats import PlayerSums

_WEEK = timedelta(days=7)
_ALWAYS = {"rounds", "last_seen", "shots"}


class BoardSize(NamedTuple):
    """The number of rounds in a scope, now and a week before its newest round."""

    rounds: int
    rounds_before: int


class BoardPart(NamedTuple):
    """A player's sums over the rounds until a week before the newest one (`is_before`), or since then."""

    is_before: bool
    sums: PlayerSums


def size(conn: Connection, scope: Scope, weapon: str | None = None, *, with_before: bool = True) -> BoardSize:
    """Return the size of a scope; with a weapon, only of the rounds in which it was used.

    `with_before`: if false, the size before is that of all.
    """
    # Two queries: with a condition on the parameter the planner would read the weapons of all rounds.
    levels = sealed.EVERY_LEVEL if weapon is None else None
    cover, parameters = (_bounds if with_before else _no_bounds)(conn, scope, levels)
    name = "scope_size" if weapon is None else "weapon_scope_size"
    return fetch_one(conn, BoardSize, name, {**parameters, "weapon": weapon}, sql=cover.sql)


def player_sums(
    conn: Connection,
    scope: Scope,
    shown: Sequence[str] = (),
    known: str | None = None,
    *,
    only: Sequence[str] | None = None,
    with_before: bool = True,
    with_names: bool = True,
    guids: Sequence[str] | None = None,
) -> list[BoardPart]:
    """Return each player's sums in a scope, in one or two parts, without hidden players except `shown`.

    `guids`: only of these players. `known`: only rounds that have this value count. `only`: read these sums, and
    leave the others unset.
    `with_before`: if false, there is one part. `with_names`: if false, the names are the GUIDs.
    """
    levels = sealed.BY_MAP if scope.map_name else sealed.EVERY_LEVEL
    cover, parameters = (_bounds if with_before else _no_bounds)(conn, scope, levels)
    unknown = UNKNOWN_FLAGS.get(known or "", 0)
    parameters |= {"shown": list(shown), "known": known, "unknown": unknown}
    parameters |= {"guids": guids, "with_names": with_names}
    columns = None if only is None else frozenset(only) | _ALWAYS
    return _parts(conn, query_with_columns("player_sums", sealed=cover.is_sealed, only=columns), parameters)


def weapon_sums(conn: Connection, scope: Scope, weapon: str, *, with_names: bool = True) -> list[BoardPart]:
    """Return each player's sums with one weapon in a scope; `deaths` are deaths by it; see `player_sums`."""
    cover, parameters = _bounds(conn, scope)
    return _parts(conn, cover.sql("weapon_sums"), {**parameters, "weapon": weapon, "with_names": with_names})


def _bounds(
    conn: Connection, scope: Scope, levels: Collection[int] | None = None
) -> tuple[Cover, dict[str, object]]:
    """Return how to read a scope, and the parameters; `before`: a week before its newest round."""
    (newest,) = fetch_column(conn, "newest_in_scope", scope.parameters)
    before = None if newest is None else newest - _WEEK
    cover = sealed.cover(conn, scope, before, levels)
    return cover, {**scope.parameters, **cover.parameters, "before": before}


def _no_bounds(
    conn: Connection, scope: Scope, levels: Collection[int] | None = None
) -> tuple[Cover, dict[str, object]]:
    """Return the same with `before` after every round, so that all sealed periods are used."""
    cover = sealed.cover(conn, scope, levels=levels)
    return cover, {**scope.parameters, **cover.parameters, "before": datetime.max.replace(tzinfo=UTC)}


def _parts(conn: Connection, statement: str, parameters: dict[str, object]) -> list[BoardPart]:
    cursor = conn.execute(statement, parameters)
    names = [column.name for column in cursor.description or ()]
    # Of thousands of rows, picked by position: keyword arguments take several times as long.
    defaults = PlayerSums._field_defaults
    others = [name for name in PlayerSums._fields if name not in names]
    in_order = itemgetter(*map([*names, *others].index, PlayerSums._fields))
    unread, is_before = tuple(defaults[name] for name in others), names.index("is_before")
    return [BoardPart(row[is_before], PlayerSums._make(in_order(row + unread))) for row in cursor]
