"""Read maps, weapons and records."""

from datetime import datetime
from typing import NamedTuple

from etstats.db import sealed
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all, fetch_column, fetch_one


class MapSums(NamedTuple):
    """The statistics of a map; `attack_share` (0 to 1) of the rounds with a winner, times of successful attacks.

    `full_holds`: rounds held to the end, either the map's limit (`limit_holds`) or the time set in round 1
    (`set_time_holds`).
    """

    map_name: str
    times_played: int
    rounds: int
    attacks_won: int
    attack_share: float | None
    average_attack_seconds: float | None
    best_attack_seconds: int | None
    full_holds: int
    limit_holds: int
    set_time_holds: int
    surrenders: int
    last_played: datetime


class WeaponUse(NamedTuple):
    """The sums of a weapon and its best player; shares of hits in percent, None for weapons without bullets.

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


class RecordValue(NamedTuple):
    """A record of a round or a session (`id`); `map_name` None: of all maps.

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


class Facts(NamedTuple):
    """The counts of a scope."""

    rounds: int
    maps: int
    sessions: int
    played_seconds: int


class AttackRow(NamedTuple):
    """An attack on a map: how long it took, in seconds, and whether it succeeded."""

    round_id: int
    server_id: int
    match_id: str
    round_number: int
    ended_at: datetime
    is_won: bool
    seconds: int


class SetTimeRow(NamedTuple):
    """A time set in round 1, in seconds; see the query."""

    round_id: int
    server_id: int
    match_id: str
    map_name: str
    ended_at: datetime
    seconds: int
    advantage: float | None
    is_beaten: bool | None


class FastAttack(NamedTuple):
    """A successful attack with its line-up: raw names, hidden players left out."""

    round_id: int
    ended_at: datetime
    round_number: int
    server: str
    seconds: int
    player_names: list[str]


class AttackFirst(NamedTuple):
    """The results of the teams that attacked first; `win_share` is 0 to 1, a draw counts half, None: no result."""

    matches: int
    won: int
    drawn: int
    lost: int
    win_share: float | None


def attacks(conn: Connection, scope: Scope) -> list[AttackRow]:
    """Return the attacks in a scope, in time order."""
    return [AttackRow(*row) for row in conn.execute(query("attacks"), scope.parameters)]


def set_times(conn: Connection, *, map_name: str | None = None, round_id: int | None = None) -> list[SetTimeRow]:
    """Return the times set on a map, or on all, in time order; or that of one round."""
    rows = conn.execute(query("set_times"), {"map_name": map_name, "round_id": round_id})
    return [SetTimeRow(*row) for row in rows]


def fastest_attacks(conn: Connection, scope: Scope, limit: int) -> list[FastAttack]:
    """Return the fastest successful attacks in a scope."""
    return fetch_all(conn, FastAttack, "fastest_attacks", {**scope.parameters, "limit": limit})


def attack_first(conn: Connection, scope: Scope) -> AttackFirst:
    """Return the results of the teams that attacked first; the ratings must be up to date."""
    return fetch_one(conn, AttackFirst, "attack_first", scope.parameters)


def maps(conn: Connection, scope: Scope) -> list[MapSums]:
    """Return every map that was played, most played first."""
    cover, parameters = sealed.covered(conn, scope)
    return fetch_all(conn, MapSums, "maps", parameters, sql=cover.sql)


def weapons(conn: Connection, scope: Scope) -> list[WeaponUse]:
    """Return every weapon that was used, most kills first."""
    cover, parameters = sealed.covered(conn, scope)
    return fetch_all(conn, WeaponUse, "weapons", parameters, sql=cover.sql)


def round_records(
    conn: Connection, scope: Scope, *, dpm_seconds: int, accuracy_shots: int, guid: str | None = None
) -> list[RecordValue]:
    """Return the records of single rounds, overall and then by map, of all players or of one.

    `dpm_seconds`, `accuracy_shots`: the minimum time and shots for DPM and accuracy.
    """
    # Sealed bests of rounds are those of everybody.
    levels = sealed.EVERY_LEVEL  # by map
    cover, parameters = sealed.covered(conn, scope, levels) if guid is None else sealed.uncovered(scope)
    bounds = {"dpm_seconds": dpm_seconds, "accuracy_shots": accuracy_shots, "guid": guid}
    return fetch_all(conn, RecordValue, "round_records", {**parameters, **bounds}, sql=cover.sql)


def player_records(
    conn: Connection, scope: Scope, guid: str, *, dpm_seconds: int, accuracy_shots: int
) -> list[RecordValue]:
    """Return the best single rounds of one player, overall; see `round_records`, which reads all of them."""
    cover, parameters = sealed.covered(conn, scope)
    bounds = {"dpm_seconds": dpm_seconds, "accuracy_shots": accuracy_shots, "guid": guid}
    return fetch_all(conn, RecordValue, "player_records", {**parameters, **bounds}, sql=cover.sql)


def session_records(
    conn: Connection, scope: Scope, *, dpm_seconds: int, guid: str | None = None
) -> list[RecordValue]:
    """Return the records of whole sessions, of all players or of one; `dpm_seconds` as in `round_records`."""
    is_of_map = scope.map_name is not None and guid is None
    cover, parameters = sealed.covered(conn, scope, sealed.EVERY_LEVEL if is_of_map else None)
    if is_of_map:
        # Sealed bests of a map have no player: the sessions that hold them are read from their rounds.
        best = fetch_column(conn, "best_sessions_on_map", parameters, sql=cover.sql)
        parameters["split_sessions"] = [*cover.split_sessions, *best]
    bounds = {"session_dpm_seconds": dpm_seconds, "guid": guid}
    return fetch_all(conn, RecordValue, "session_records", {**parameters, **bounds}, sql=cover.sql)


def facts(conn: Connection, scope: Scope) -> Facts:
    """Return the counts of a scope."""
    cover, parameters = sealed.covered(conn, scope)
    return fetch_one(conn, Facts, "scope_facts", parameters, sql=cover.sql)
