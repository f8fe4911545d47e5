"""The things that flow down the line, typed.

    RemoteFile -> bytes -> RawRound (what the file says) -> Round (this round alone) -> stored -> rows -> message

Times: `stamp` is the server's wall clock without a zone; every `*_at` is a timezone-aware moment.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

AXIS, ALLIES, SPECTATOR = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One name in a source's listing: size in bytes, mtime in whole seconds UTC of the source's own clock."""

    name: str
    size: int
    mtime: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingState:
    """The state of a listing that lets the next one be skipped; also across processes.

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


CUMULATIVE = "cumulative"  # round 2 shows both rounds together: subtract
PER_ROUND = "per round"  # round 2 shows round 2: take it
SHARE = "cumulative share"  # a percentage of both rounds' time: weigh by time
RATIO = "ratio"  # follows from other numbers: compute it
OLDEST_LAYOUT = 33


class FieldSpec(NamedTuple):
    """How a field behaves over two rounds, its unit, and the number of fields of the first layout that has it."""

    behaviour: str
    unit: str = ""
    since: int = OLDEST_LAYOUT


class Fields(NamedTuple):
    """The numbers after the first TAB of a player line, in the order of the newest layout.

    This is the table of the format: the parser, the split of round 2, `explain` and the layouts derive from it.
    None where the file's layout has no such field, or the value is unreadable; never for damage and time played.
    """

    damage_given: Annotated[int, FieldSpec(CUMULATIVE, "HP")]
    damage_received: Annotated[int, FieldSpec(CUMULATIVE, "HP")]
    team_damage_given: Annotated[int | None, FieldSpec(CUMULATIVE, "HP")]
    team_damage_received: Annotated[int | None, FieldSpec(CUMULATIVE, "HP")]
    gibs: Annotated[int | None, FieldSpec(CUMULATIVE)]
    self_kills: Annotated[int | None, FieldSpec(CUMULATIVE)]
    team_kills: Annotated[int | None, FieldSpec(CUMULATIVE)]
    team_gibs: Annotated[int | None, FieldSpec(CUMULATIVE)]
    time_played_percent: Annotated[float | None, FieldSpec(SHARE, "%")]
    xp: Annotated[int | None, FieldSpec(PER_ROUND, "points")]
    killing_spree_best: Annotated[int | None, FieldSpec(PER_ROUND, "kills")]
    death_spree_worst: Annotated[int | None, FieldSpec(PER_ROUND, "deaths")]
    kill_assists: Annotated[int | None, FieldSpec(PER_ROUND)]
    kill_steals: Annotated[int | None, FieldSpec(PER_ROUND)]
    headshot_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    objectives_stolen: Annotated[int | None, FieldSpec(PER_ROUND)]
    objectives_returned: Annotated[int | None, FieldSpec(PER_ROUND)]
    dynamites_planted: Annotated[int | None, FieldSpec(PER_ROUND)]
    dynamites_defused: Annotated[int | None, FieldSpec(PER_ROUND)]
    times_revived: Annotated[int | None, FieldSpec(PER_ROUND)]
    bullets_fired: Annotated[int | None, FieldSpec(CUMULATIVE, "shots")]
    dpm: Annotated[float | None, FieldSpec(RATIO, "HP/min")]
    time_played_minutes: Annotated[float, FieldSpec(CUMULATIVE, "min")]
    tank_meatshield: Annotated[float | None, FieldSpec(PER_ROUND, "ratio")]
    time_dead_ratio: Annotated[float | None, FieldSpec(RATIO, "%")]
    time_dead_minutes: Annotated[float | None, FieldSpec(PER_ROUND, "min")]
    kd_ratio: Annotated[float | None, FieldSpec(RATIO, "ratio")]
    most_useful_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    denied_playtime: Annotated[int | None, FieldSpec(PER_ROUND, "s", since=36)]
    double_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    triple_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    quad_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    multi_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    mega_kills: Annotated[int | None, FieldSpec(PER_ROUND)]
    useless_kills: Annotated[int | None, FieldSpec(PER_ROUND, since=36)]
    full_selfkills: Annotated[int | None, FieldSpec(PER_ROUND, since=36)]
    constructions: Annotated[int | None, FieldSpec(PER_ROUND, since=37)]
    revives_given: Annotated[int | None, FieldSpec(PER_ROUND, since=38)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPlayer:
    """One player line as the file has it; `line` counts from 1."""

    line: int
    guid: str
    name: str
    rounds: int | None
    team: int
    weapons: tuple[WeaponStats, ...]
    fields: Fields


class UnreadableValue(NamedTuple):
    """A value of a line that is not a number the game could mean; it is unknown, and the line counts."""

    guid: str
    name: str
    line: int
    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRound:
    """A whole file as written: header and player lines, nothing subtracted, nothing guessed.

    `actual_time_seconds` is None for the `0:00` of early 2025; `duration_seconds` only where the header has
    its ninth field. `had_bad_bytes` says that the text was not UTF-8 and was decoded with replacement.
    `players` are identified persons; `bots` and `anonymous` are the other lines. `extra_fields`: the number of
    fields past the newest known layout.
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
    bots: tuple[RawPlayer, ...] = ()
    anonymous: tuple[RawPlayer, ...] = ()
    unreadable: tuple[UnreadableValue, ...] = ()
    extra_fields: int = 0
    had_bad_bytes: bool = False


class PlayerRound(NamedTuple):
    """One player in one round alone; the names are the columns of `player_comprehensive_stats`.

    Damage in HP, `*_seconds` and `denied_playtime` in seconds, `*_minutes` in minutes. `hits`, `shots` are over
    the bullet weapons; `kills`, `deaths`, `headshots`, `bullets_fired` over all. None: unknown.
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
    team_damage_given: int | None
    team_damage_received: int | None
    gibs: int | None
    self_kills: int | None
    team_kills: int | None
    team_gibs: int | None
    time_played_seconds: int
    time_played_percent: float | None
    xp: int | None
    killing_spree_best: int | None
    death_spree_worst: int | None
    kill_assists: int | None
    kill_steals: int | None
    headshot_kills: int | None
    objectives_stolen: int | None
    objectives_returned: int | None
    dynamites_planted: int | None
    dynamites_defused: int | None
    times_revived: int | None
    tank_meatshield: float | None
    time_dead_minutes: float | None
    most_useful_kills: int | None
    denied_playtime: int | None
    double_kills: int | None
    triple_kills: int | None
    quad_kills: int | None
    multi_kills: int | None
    mega_kills: int | None
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
    `duration_seconds`: how long the round was, None when unknown. `held`: what the defenders held until, `limit`
    (the map's time limit) or `set_time` (the time set in round 1); None when they did not, or it is unknown.
    `bots`, `anonymous`: lines that are not an identified person.
    """

    name: RoundName
    config: str
    defender_team: int
    winner_team: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    duration_seconds: int | None
    held: str | None
    round_outcome: str
    is_cumulative: bool
    players: tuple[PlayerRound, ...]
    bots: int = 0
    anonymous: int = 0

    @property
    def is_counted(self) -> bool:
        """Whether boards and posts use the round: not when it is mostly, or all but one player, bots."""
        humans = len(self.players) + self.anonymous
        return self.bots == 0 or (humans >= 2 and self.bots <= humans)


class Severity(StrEnum):
    """How bad a finding is: an error is ours and must not be; a warning is what the game server wrote."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One value that is wrong or implausible; None where the fault is not one round's or one player's."""

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
