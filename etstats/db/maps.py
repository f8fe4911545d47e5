"""Read maps, weapons and records."""

from dataclasses import dataclass
from datetime import datetime

from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all, fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSums:
    """How one map went; `attack_share` (0 to 1) is of rounds with a winner, times are of successful attacks."""

    map_name: str
    times_played: int
    rounds: int
    attacks_won: int
    attack_share: float | None
    average_attack_seconds: float | None
    best_attack_seconds: int | None
    full_holds: int
    surrenders: int
    last_played: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WeaponUse:
    """What was done with one weapon, and by whom most; shares of hits in per cent, None where no bullet flies.

    `kill_share` (0 to 1) is of all kills. Hidden players count, but are not named.
    """

    weapon_name: str
    players: int
    kills: int
    kill_share: float | None
    hits: int
    shots: int
    headshots: int
    accuracy: float | None
    headshot_share: float | None
    player_guid: str | None
    player_name: str | None
    player_kills: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordValue:
    """A record: the best of one round, or of one session (`id`); `map_name` None: of all maps.

    `played_on` is the map of a round. DPM (HP/min) and accuracy (%) have one decimal.
    """

    record: str
    map_name: str | None
    value: float
    player_guid: str
    player_name: str
    clean_name: str
    played_on: str | None
    ended_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How much was played in a scope."""

    rounds: int
    maps: int
    sessions: int
    played_seconds: int


def maps(conn: Connection, scope: Scope) -> list[MapSums]:
    """Every map that was played, most played first."""
    return fetch_all(conn, MapSums, "maps", scope.parameters)


def weapons(conn: Connection, scope: Scope) -> list[WeaponUse]:
    """Every weapon that was used, most kills first."""
    return fetch_all(conn, WeaponUse, "weapons", scope.parameters)


def round_records(
    conn: Connection, scope: Scope, *, dpm_seconds: int, accuracy_shots: int, guid: str | None = None
) -> list[RecordValue]:
    """The bests of single rounds, overall and then by map, of all players or of one.

    `dpm_seconds`, `accuracy_shots`: how long one must have played, how often fired, for the ratio to count.
    """
    bounds = {"dpm_seconds": dpm_seconds, "accuracy_shots": accuracy_shots, "guid": guid}
    return fetch_all(conn, RecordValue, "round_records", {**scope.parameters, **bounds})


def session_records(
    conn: Connection, scope: Scope, *, dpm_seconds: int, guid: str | None = None
) -> list[RecordValue]:
    """The bests of whole sessions, of all players or of one; `dpm_seconds` as in `round_records`."""
    return fetch_all(
        conn, RecordValue, "session_records", {**scope.parameters, "dpm_seconds": dpm_seconds, "guid": guid}
    )


def facts(conn: Connection, scope: Scope) -> Facts:
    """How much was played in a scope."""
    return fetch_one(conn, Facts, "scope_facts", scope.parameters)
