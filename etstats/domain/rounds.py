"""The things that flow down the line, typed.

    RemoteFile -> bytes -> RawRound (what the file says) -> Round (this round alone) -> stored -> rows -> message

Times: `stamp` is the server's wall clock without a zone; every `*_at` is a timezone-aware moment.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

AXIS, ALLIES, SPECTATOR = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One name in a source's listing: size in bytes, mtime in whole seconds UTC of the source's own clock."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingState:
    """What a look leaves behind so that the next one can be cheap; also across processes.

    `mtime` is the folder's, in the source's clock. `first_seen` and `listed` are seconds of our own clock:
    when this mtime was first seen, and when the last full listing began. `recent` are files young enough
    to be still written to, which moves their own mtime and not the folder's.
    """

    mtime: int
    first_seen: float
    listed: float
    recent: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RoundName:
    """A round file's name taken apart; sorts by time, then map, then round."""

    stamp: datetime
    map_name: str
    round_number: int
    filename: str


class WeaponStats(NamedTuple):
    """One weapon of one player, counted; `deaths` are deaths by this weapon."""

    name: str
    hits: int
    shots: int
    kills: int
    deaths: int
    headshots: int


class Fields(NamedTuple):
    """The numbers behind the first TAB of a player line, in the order of the 38-field layout.

    None where the file's layout has no such field. What each is: `parser/fields.py`.
    """

    damage_given: int
    damage_received: int
    team_damage_given: int
    team_damage_received: int
    gibs: int
    self_kills: int
    team_kills: int
    team_gibs: int
    time_played_percent: float
    xp: int
    killing_spree_best: int
    death_spree_worst: int
    kill_assists: int
    kill_steals: int
    headshot_kills: int
    objectives_stolen: int
    objectives_returned: int
    dynamites_planted: int
    dynamites_defused: int
    times_revived: int
    bullets_fired: int
    dpm: float
    time_played_minutes: float
    tank_meatshield: float
    time_dead_ratio: float
    time_dead_minutes: float
    kd_ratio: float
    most_useful_kills: int
    denied_playtime: int | None
    double_kills: int
    triple_kills: int
    quad_kills: int
    multi_kills: int
    mega_kills: int
    useless_kills: int | None
    full_selfkills: int | None
    constructions: int | None
    revives_given: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPlayer:
    """One player line as the file has it; `line` counts from 1."""

    line: int
    guid: str
    name: str
    rounds: int
    team: int
    weapons: tuple[WeaponStats, ...]
    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRound:
    """A whole file as it stands: header and player lines, nothing subtracted, nothing guessed.

    `actual_time_seconds` is None for the `0:00` of early 2025; `duration_seconds` only where the header has
    its ninth field. `had_bad_bytes` says that the text was not UTF-8 and was decoded with replacement.
    """

    name: RoundName
    server_name: str
    config: str
    defender_team: int
    winner_team: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    duration_seconds: int | None
    players: tuple[RawPlayer, ...]
    had_bad_bytes: bool = False


class PlayerRound(NamedTuple):
    """One player in one round alone; the names are the columns of `player_comprehensive_stats`.

    Damage in HP, `*_seconds` and `denied_playtime` in seconds, `*_minutes` in minutes. `hits`, `shots` are over
    the bullet weapons; `kills`, `deaths`, `headshots`, `bullets_fired` over all. None: the layout lacks the field.
    """

    player_guid: str
    player_name: str
    clean_name: str
    team: int
    was_reset: bool
    kills: int
    deaths: int
    headshots: int
    hits: int
    shots: int
    bullets_fired: int
    damage_given: int
    damage_received: int
    team_damage_given: int
    team_damage_received: int
    gibs: int
    self_kills: int
    team_kills: int
    team_gibs: int
    time_played_seconds: int
    time_played_percent: float
    xp: int
    killing_spree_best: int
    death_spree_worst: int
    kill_assists: int
    kill_steals: int
    headshot_kills: int
    objectives_stolen: int
    objectives_returned: int
    dynamites_planted: int
    dynamites_defused: int
    times_revived: int
    tank_meatshield: float
    time_dead_minutes: float
    most_useful_kills: int
    denied_playtime: int | None
    double_kills: int
    triple_kills: int
    quad_kills: int
    multi_kills: int
    mega_kills: int
    useless_kills: int | None
    full_selfkills: int | None
    constructions: int | None
    revives_given: int | None
    weapons: tuple[WeaponStats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round alone: what is stored.

    `is_cumulative`: a round 2 whose round 1 is missing and whose numbers are both rounds together.
    `played_seconds` is None where that makes the time really played unknowable.
    """

    name: RoundName
    config: str
    defender_team: int
    winner_team: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    round_outcome: str
    is_cumulative: bool
    players: tuple[PlayerRound, ...]


class Severity(StrEnum):
    """How bad a finding is: an error is ours and must not be; a warning is what the game server wrote."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One number that is wrong, or not to be believed; None where the fault is no round's or no player's."""

    severity: Severity
    check: str
    server: str | None
    filename: str | None
    round_id: int | None
    player_guid: str | None
    player_name: str | None
    field: str
    value: str
    expected: str
