"""Numbers of players over some rounds, as the database sums them up and the rules rank them.

Damage in HP, `*_seconds` and `denied_playtime` in seconds, ratios of 0 to 100 in per cent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class ScoreLine(NamedTuple):
    """One player's line on the scoreboard of some rounds; a tuple, because ten years have 30,000.

    `team` is a side (1 Axis, 2 Allies, 3 neither) on a round's scoreboard, else a line-up (1, 2; 0 neither).
    None: unknown, because no round had the field (or the ratio nothing to divide by). Time dead is no longer
    than time played; a denied playtime that cannot be true is left out. Sprees are bests of single rounds.
    """

    player_guid: str
    player_name: str
    clean_name: str
    team: int
    is_hidden: bool
    rounds: int
    kills: int
    deaths: int
    kd_ratio: float
    dpm: float
    efficiency: float
    accuracy: float | None
    headshots: int
    hs_percent: float | None
    headshot_kills: int
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
    time_dead_seconds: int
    time_dead_ratio: float
    denied_playtime: int | None
    xp: int
    killing_spree_best: int
    death_spree_worst: int
    kill_assists: int
    kill_steals: int
    objectives_stolen: int
    objectives_returned: int
    dynamites_planted: int
    dynamites_defused: int
    times_revived: int
    revives_given: int | None
    most_useful_kills: int
    useless_kills: int | None
    full_selfkills: int | None
    constructions: int | None
    double_kills: int
    triple_kills: int
    quad_kills: int
    multi_kills: int
    mega_kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What one player did in one round, as far as ratings need it; unknown revives and constructions are 0."""

    round_id: int
    player_guid: str
    team: int
    kills: int
    deaths: int
    damage_given: int
    team_damage_given: int
    kill_assists: int
    revives_given: int
    objectives: int
    time_played_seconds: int
    dpm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A threshold that a player's career passed, and the end of the session in which it did."""

    player_guid: str
    key: str
    threshold: int
    reached_on: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Career:
    """What one player did over many rounds: sums, and the bests of single rounds (0: none)."""

    player_guid: str
    rounds: int
    kills: int
    headshot_kills: int
    damage_given: int
    gibs: int
    revives_given: int
    kill_assists: int
    dynamites_planted: int
    dynamites_defused: int
    objectives: int
    constructions: int
    most_useful_kills: int
    multikills: int
    time_played_seconds: int
    best_kills: int
    best_damage_given: int
    best_dpm: float
    best_headshot_kills: int
    best_killing_spree: int
    best_revives_given: int
    best_gibs: int
    best_most_useful_kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSums:
    """What one player did over some rounds, or with one weapon in them, summed: what boards are made of.

    Damage in HP, `*_seconds` and `denied_playtime` in seconds. `player_name` is raw, as last seen. Sums of what a
    file's layout lacks are None where no round had it. `clocked_*` and `alive_seconds` are of the rounds whose
    time dead is plausible, `kills_of_single_rounds` and `headshot_kills` of those that are not two rounds
    together; `killing_spree_best` is the longest of them. With a weapon there are only rounds, kills, deaths,
    hits, shots and headshots.
    """

    player_guid: str
    player_name: str
    clean_name: str
    rounds: int
    last_seen: datetime
    kills: int = 0
    deaths: int = 0
    hits: int = 0
    shots: int = 0
    headshots: int = 0
    bullet_headshots: int = 0
    headshot_kills: int | None = None
    kills_of_single_rounds: int | None = None
    damage_given: int = 0
    damage_received: int = 0
    team_damage_given: int = 0
    time_played_seconds: int = 0
    clocked_seconds: int | None = None
    alive_seconds: int | None = None
    clocked_damage: int | None = None
    gibs: int = 0
    self_kills: int = 0
    team_kills: int = 0
    xp: int = 0
    kill_assists: int = 0
    objectives: int = 0
    multikills: int = 0
    revives_given: int | None = None
    times_revived: int = 0
    useful_kills: int | None = None
    useless_kills: int | None = None
    denied_playtime: int | None = None
    killing_spree_best: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One line of a leaderboard: `value` is numerator / denominator times the board's factor, or the numerator.

    Ties share a `rank`. `change` is the places won since the week before, None for who was not on the board then.
    """

    rank: int
    change: int | None
    player_guid: str
    player_name: str
    clean_name: str
    value: float
    numerator: int
    denominator: int | None
    rounds: int
