"""What the base knows of single players: names, rounds, maps, sides, weapons and company."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from psycopg.rows import class_row

from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query
from etstats.db.scope import Scope

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A clean name that a player was seen under, and when."""

    guid: str
    alias: str
    times_seen: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRound:
    """One round of one player; `is_won` is None where nobody won. DPM in HP/min."""

    round_id: int
    ended_at: datetime
    map_name: str
    round_number: int
    is_attack: bool
    is_won: bool | None
    kills: int
    deaths: int
    damage_given: int
    dpm: float
    time_played_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A player's sums on one map in attack, in defence, or (None) on neither side; `decided` had a winner."""

    map_name: str
    is_attack: bool | None
    rounds: int
    decided: int
    won: int
    kills: int
    deaths: int
    damage_given: int
    time_played_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeaponSums:
    """A player's sums with one weapon; `deaths` are deaths by it."""

    weapon_name: str
    rounds: int
    kills: int
    deaths: int
    hits: int
    shots: int
    headshots: int
    is_bullet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Another player: rounds on the same side and on opposite sides, those with a winner, and those won."""

    player_guid: str
    player_name: str
    clean_name: str
    rounds_with: int
    decided_with: int
    won_with: int
    rounds_against: int
    decided_against: int
    won_against: int


def aliases(conn: Connection, guid: str | None = None) -> list[Alias]:
    """The names of one player, or of all, the last seen first."""
    return _rows(conn, Alias, "aliases", {"guid": guid})


def names(conn: Connection) -> list[str]:
    """Every name that was ever seen, each once, the last seen first."""
    return list(dict.fromkeys(alias.alias for alias in aliases(conn)))


def linked(conn: Connection, discord_user_id: int) -> str | None:
    """The GUID that is linked to a Discord account; None when there is none."""
    row = conn.execute(query("linked_player"), {"discord_user_id": discord_user_id}).fetchone()
    return row[0] if row else None


def rounds(conn: Connection, scope: Scope, guid: str, limit: int) -> list[PlayedRound]:
    """A player's last rounds in a scope, the newest first; without rounds that are two together."""
    return _rows(conn, PlayedRound, "player_rounds", {**scope.parameters, "guid": guid, "limit": limit})


def splits(conn: Connection, scope: Scope, guid: str) -> list[Split]:
    """A player's sums by map and by attack and defence."""
    return _rows(conn, Split, "player_splits", {**scope.parameters, "guid": guid})


def weapons(conn: Connection, scope: Scope, guid: str) -> list[WeaponSums]:
    """A player's sums by weapon, most kills first."""
    return _rows(conn, WeaponSums, "player_weapons", {**scope.parameters, "guid": guid})


def company(conn: Connection, scope: Scope, guid: str, other: str | None = None) -> list[Company]:
    """Who a player stood beside and opposite to, or only one of them; hidden players are left out."""
    return _rows(conn, Company, "player_company", {**scope.parameters, "guid": guid, "other": other})


def _rows(conn: Connection, row: type[_Row], name: str, parameters: dict[str, object]) -> list[_Row]:
    with database_errors(), conn.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()
