"""Read single players: names, rounds, maps, sides, weapons and teammates."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from etstats.db import sealed
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.rules.identity_suggestions import SeenName
from etstats.domain.rules.name_matching import KnownName


class PresentName(NamedTuple):
    """The current name of a player, with and without colour codes."""

    player_name: str
    clean_name: str


class _PresentNames(dict[str, PresentName]):
    """Names by GUID; a player without rounds, in a damaged database, is shown by GUID."""

    def __missing__(self, guid: str) -> PresentName:
        return PresentName(guid, guid)


class Alias(NamedTuple):
    """A clean name that a player used, and when."""

    guid: str
    alias: str
    times_seen: int
    first_seen: datetime
    last_seen: datetime


class PlayerListRow(NamedTuple):
    """A person in the list of players."""

    player_guid: str
    player_name: str
    clean_name: str
    rounds: int
    first_seen: datetime
    last_seen: datetime


class PlayedRound(NamedTuple):
    """One round of one player; `is_won` is None without a winner. DPM in HP/min."""

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


class OnMap(NamedTuple):
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


class OnSide(NamedTuple):
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


class WithWeapon(NamedTuple):
    """A player's sums with one weapon; `deaths` are deaths by it. In percent; None for weapons without bullets."""

    weapon_name: str
    rounds: int
    kills: int
    deaths: int
    hits: int
    shots: int
    headshots: int
    accuracy: float | None
    headshot_share: float | None


class Teammate(NamedTuple):
    """Another player: rounds on the same side and on opposite sides, and how many of them the first player won.

    `win_share_*` (0 to 1) excludes rounds without a winner.
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
    """Return the names of one player, or of all, newest first; the GUIDs of a merged player are combined."""
    return fetch_all(conn, Alias, "aliases", {"guid": guid})


def recorded_aliases(conn: Connection) -> list[Alias]:
    """Return the names of every GUID as in the files, newest first."""
    return fetch_all(conn, Alias, "recorded_aliases")


def known_names(conn: Connection) -> list[KnownName]:
    """Return all names with which players can be found."""
    return fetch_all(conn, KnownName, "known_names")


def player_list(conn: Connection, scope: Scope, most: int | None = None) -> list[PlayerListRow]:
    """Return the players with rounds in a scope (`most`: the first), last seen first, without hidden players."""
    cover, parameters = sealed.covered(conn, scope, sealed.BY_MAP if scope.map_name else None)
    return fetch_all(conn, PlayerListRow, "player_list", {**parameters, "most": most}, sql=cover.sql)


def present_names(conn: Connection, guids: Collection[str]) -> dict[str, PresentName]:
    """Return the current names of these players by GUID."""
    rows = conn.execute(query("present_names"), {"guids": list(guids)})
    return _PresentNames((guid, PresentName(*names)) for guid, *names in rows)


def suggestible_names(conn: Connection) -> list[SeenName]:
    """Return the names of all players who are not hidden or anonymized; merged GUIDs are combined."""
    return fetch_all(conn, SeenName, "suggestible_names")


def pairs_that_met(conn: Connection, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs of players who played in the same round."""
    parameters = {"ones": [one for one, _ in pairs], "others": [other for _, other in pairs]}
    return {(one, other) for one, other in conn.execute(query("pairs_that_met"), parameters)}


def linked(conn: Connection, discord_user_id: int) -> str | None:
    """Return the GUID linked to a Discord account, or None."""
    row = conn.execute(query("linked_player"), {"discord_user_id": discord_user_id}).fetchone()
    return row[0] if row else None


def rounds(conn: Connection, scope: Scope, guid: str, limit: int) -> list[PlayedRound]:
    """Return a player's last rounds in a scope, newest first, without cumulative rounds."""
    found = _rounds(conn, _last_month(conn, scope, guid), guid, limit)
    # Of a player who comes rarely, all rounds are read.
    return found if len(found) == limit else _rounds(conn, scope, guid, limit)


def _rounds(conn: Connection, scope: Scope, guid: str, limit: int) -> list[PlayedRound]:
    return fetch_all(conn, PlayedRound, "player_rounds", {**scope.parameters, "guid": guid, "limit": limit})


def _last_month(conn: Connection, scope: Scope, guid: str) -> Scope:
    """Return the part of a scope in the 30 days until the player's last round; of the last rounds all."""
    (last_seen,) = fetch_column(conn, "last_seen", {"guid": guid})
    if (scope.last_rounds, scope.last_sessions) != (None,) * 2:
        return scope
    since = min(last_seen, scope.until or last_seen) - timedelta(days=30)
    return replace(scope, since=max(since, scope.since or since))


def maps(conn: Connection, scope: Scope, guid: str) -> list[OnMap]:
    """Return a player's sums by map, best DPM first."""
    cover, parameters = sealed.covered(conn, scope, sealed.BY_MAP)
    return fetch_all(conn, OnMap, "player_maps", {**parameters, "guid": guid}, sql=cover.sql)


def sides(conn: Connection, scope: Scope, guid: str) -> list[OnSide]:
    """Return a player's sums in attack and in defence; a side without rounds is missing."""
    cover, parameters = sealed.covered(conn, scope)
    return fetch_all(conn, OnSide, "player_sides", {**parameters, "guid": guid}, sql=cover.sql)


def weapons(conn: Connection, scope: Scope, guid: str) -> list[WithWeapon]:
    """Return a player's sums by weapon, most kills first."""
    cover, parameters = sealed.covered(conn, scope)
    return fetch_all(conn, WithWeapon, "player_weapons", {**parameters, "guid": guid}, sql=cover.sql)


def company(conn: Connection, scope: Scope, guid: str, other: str | None = None) -> list[Teammate]:
    """Return a player's teammates and opponents, or only one of them, without hidden players."""
    return fetch_all(conn, Teammate, "player_teammates", {**scope.parameters, "guid": guid, "other": other})
