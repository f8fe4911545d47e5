"""Read single players: names, rounds, maps, sides, weapons and teammates."""

from dataclasses import dataclass
from datetime import datetime

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all


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
class OnMap:
    """A player's sums on one map; `win_share` (0 to 1) is of the rounds won or lost."""

    map_name: str
    rounds: int
    won: int
    lost: int
    win_share: float | None
    kills: int
    deaths: int
    kd_ratio: float
    dpm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSide:
    """A player's sums in attack or in defence; as `OnMap`."""

    is_attack: bool
    rounds: int
    won: int
    lost: int
    win_share: float | None
    kills: int
    deaths: int
    kd_ratio: float
    dpm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithWeapon:
    """A player's sums with one weapon; `deaths` are deaths by it. In per cent; None where no bullet flies."""

    weapon_name: str
    rounds: int
    kills: int
    deaths: int
    hits: int
    shots: int
    headshots: int
    accuracy: float | None
    headshot_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Teammate:
    """Another player: rounds on the same side and on opposite sides, and how many the first player won of them.

    Rounds without a winner are neither won nor lost; `win_share_*` (0 to 1) leaves them out.
    """

    player_guid: str
    player_name: str
    clean_name: str
    rounds_with: int
    won_with: int
    lost_with: int
    win_share_with: float | None
    rounds_against: int
    won_against: int
    lost_against: int
    win_share_against: float | None


def aliases(conn: Connection, guid: str | None = None) -> list[Alias]:
    """The names of one player, or of all, the last seen first."""
    return fetch_all(conn, Alias, "aliases", {"guid": guid})


def linked(conn: Connection, discord_user_id: int) -> str | None:
    """The GUID that is linked to a Discord account; None when there is none."""
    row = conn.execute(query("linked_player"), {"discord_user_id": discord_user_id}).fetchone()
    return row[0] if row else None


def rounds(conn: Connection, scope: Scope, guid: str, limit: int) -> list[PlayedRound]:
    """A player's last rounds in a scope, the newest first; without rounds that are two together."""
    return fetch_all(conn, PlayedRound, "player_rounds", {**scope.parameters, "guid": guid, "limit": limit})


def maps(conn: Connection, scope: Scope, guid: str) -> list[OnMap]:
    """A player's sums by map, the best DPM first."""
    return fetch_all(conn, OnMap, "player_maps", {**scope.parameters, "guid": guid})


def sides(conn: Connection, scope: Scope, guid: str) -> list[OnSide]:
    """A player's sums in attack and in defence, as far as there were any."""
    return fetch_all(conn, OnSide, "player_sides", {**scope.parameters, "guid": guid})


def weapons(conn: Connection, scope: Scope, guid: str) -> list[WithWeapon]:
    """A player's sums by weapon, most kills first."""
    return fetch_all(conn, WithWeapon, "player_weapons", {**scope.parameters, "guid": guid})


def company(conn: Connection, scope: Scope, guid: str, other: str | None = None) -> list[Teammate]:
    """Return a player's teammates and opponents, or only one of them; hidden players are left out."""
    return fetch_all(conn, Teammate, "player_teammates", {**scope.parameters, "guid": guid, "other": other})
