"""The types of the import pipeline.

    RemoteFile -> bytes -> RawRound (as in the file) -> Round (this round alone) -> rows

Times: `stamp` is the server's clock without a zone; every `*_at` is timezone-aware.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

AXIS, ALLIES, SPECTATOR = 1, 2, 3


class RemoteFile(NamedTuple):
    """A listed file: size in bytes, mtime in whole seconds UTC by the source's clock."""

    name: str
    size: int
    mtime: int


class ListingState(NamedTuple):
    """The state of a listing, which allows the next listing to be skipped; stored between runs.

    `mtime` is the folder's, by the source's clock. `first_seen` and `listed` are by the local clock (seconds):
    when this mtime was first seen, and when the last full listing began. `recent`: new files that may still be
    written, which changes their own mtime and not the folder's.
    """

    mtime: int
    first_seen: float
    listed: float
    recent: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RoundName:
    """A parsed name of a round file; sorts by time, then map, then round."""

    stamp: datetime
    map_name: str
    round_number: int
    filename: str


class WeaponStats(NamedTuple):
    """The counts of one weapon of one player; `deaths` are deaths by this weapon."""

    name: str
    hits: int
    shots: int
    kills: int
    deaths: int
    headshots: int


CUMULATIVE = "cumulative"  # round 2's file has the sum of both rounds: subtract round 1
PER_ROUND = "per round"  # round 2's file has round 2 alone
SHARE = "cumulative share"  # a percentage of both rounds' time: subtract weighted by time
RATIO = "ratio"  # computed from other numbers
OLDEST_LAYOUT = 33


class FieldSpec(NamedTuple):
    """A field's behaviour over two rounds, its unit, and the number of fields of the first layout with it."""

    behaviour: str
    unit: str = ""
    since: int = OLDEST_LAYOUT


class Fields(NamedTuple):
    """The numbers after the first TAB of a player line, in the order of the newest layout.

    The parser, the split of round 2, `explain` and the layouts derive from this table. A value is None if the
    file's layout has no such field or it is unreadable; damage and time played are never None.
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


class RawPlayer(NamedTuple):
    """A player line as in the file; `line` counts from 1."""

    line: int
    guid: str
    name: str
    rounds: int | None
    team: int
    weapons: tuple[WeaponStats, ...]
    fields: Fields


class UnreadableValue(NamedTuple):
    """A value that is not a plausible number; it is stored as unknown, and the line is kept."""

    guid: str
    name: str
    line: int
    field: str
    text: str


class RawRound(NamedTuple):
    """A parsed file: header and player lines, nothing computed.

    `actual_time_seconds` is None for the `0:00` of early 2025; `duration_seconds` is None without the ninth header
    field. `had_bad_bytes`: the text was not UTF-8 and was decoded with replacement. `players` are identified
    persons; `bots` and `anonymous` are the other lines. `extra_fields`: the number of fields beyond the newest
    known layout.
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
    """A player in a round alone; the fields are columns of `player_comprehensive_stats`.

    Damage in HP, `*_seconds` and `denied_playtime` in seconds, `*_minutes` in minutes. `hits` and `shots` are sums
    over the bullet weapons; `kills`, `deaths`, `headshots`, `bullets_fired` over all. None: unknown.
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


class BotRounds(StrEnum):
    """Which rounds with bots count."""

    HUMANS = "humans"
    ALL = "all"
    NONE = "none"

    def counts(self, humans: int, bots: int) -> bool:
        """Return whether a round counts; with `HUMANS`: at least two humans and no more bots than humans."""
        if self is BotRounds.ALL or bots == 0:
            return True
        return self is BotRounds.HUMANS and humans >= 2 and bots <= humans


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A round alone, as stored.

    `is_cumulative`: a round 2 without its round 1, whose numbers include round 1. `played_seconds` is None if that
    makes the time played unknown. `duration_seconds`: the length of the round, None: unknown. `held`: what the
    defenders held until, `limit` (the map's time limit) or `set_time` (the time set in round 1); None: not held,
    or unknown. `bots`, `anonymous`: the number of lines without an identified person. `has_enough_humans`: False
    if the round does not count because of its bots. `is_voided`: excluded by a correction. `is_repeat`: a
    cumulative round 2 whose counters include a round 1 that is paired with another round 2.
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
    has_enough_humans: bool = True
    is_voided: bool = False
    is_repeat: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether boards, posts, series and ratings include the round."""
        return self.has_enough_humans and not self.is_voided and not self.is_repeat

    def counted_by(self, rule: BotRounds) -> bool:
        """Return whether the round counts by a rule for rounds with bots."""
        return rule.counts(len(self.players) + self.anonymous, self.bots)


class Severity(StrEnum):
    """The severity of a finding: an error is a fault of etstats, a warning is caused by the game server."""

    ERROR = "error"
    WARNING = "warning"


class Finding(NamedTuple):
    """A wrong or implausible value; a field is None if the finding has no single round or player."""

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
