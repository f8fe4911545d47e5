"""Sums and ratios of players over rounds, computed by the database and ranked by the rules.

Damage in HP, `*_seconds` and `denied_playtime` in seconds, ratios of 0 to 100 in percent.
"""

from datetime import datetime
from typing import NamedTuple


class ScoreLine(NamedTuple):
    """A player's line on the scoreboard of some rounds.

    `team` is a side (1 Axis, 2 Allies, 3 neither) on a round's scoreboard, else a team (1, 2; 0 neither). None:
    unknown, because no round had a readable value or the denominator is 0. Time dead is at most time played; an
    implausible denied playtime is excluded. Sprees are bests of single rounds.
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
    headshot_kills: int | None
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
    time_dead_seconds: int | None
    time_dead_ratio: float | None
    denied_playtime: int | None
    xp: int | None
    killing_spree_best: int | None
    death_spree_worst: int | None
    kill_assists: int | None
    kill_steals: int | None
    objectives_stolen: int | None
    objectives_returned: int | None
    dynamites_planted: int | None
    dynamites_defused: int | None
    times_revived: int | None
    revives_given: int | None
    most_useful_kills: int | None
    useless_kills: int | None
    full_selfkills: int | None
    constructions: int | None
    double_kills: int | None
    triple_kills: int | None
    quad_kills: int | None
    multi_kills: int | None
    mega_kills: int | None


class Performance(NamedTuple):
    """A player's numbers in a round that ratings need; unknown revives and constructions are 0."""

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


class Reached(NamedTuple):
    """A threshold that a player's career reached, and the end of the session in which it was reached.

    `players`: the number of players who reached it, in queries for all players.
    """

    player_guid: str
    key: str
    threshold: int
    reached_on: datetime
    players: int


class Career(NamedTuple):
    """A player's sums over many rounds, and the bests of single rounds (0: none)."""

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


class PlayerSums(NamedTuple):
    """A player's sums over some rounds, or with one weapon in them, for boards.

    Damage in HP, `*_seconds` and `denied_playtime` in seconds. `player_name` is raw, as last seen. A sum is None
    if no round had the value. `clocked_*` and `alive_seconds` are over rounds with a plausible time dead, `won`
    and `lost` over rounds with a winner, `kills_of_single_rounds`, `headshot_kills` and `killing_spree_best` over
    rounds that are not cumulative. With a weapon, only rounds, kills, deaths, hits, shots and headshots are set.
    """

    player_guid: str
    player_name: str
    clean_name: str
    rounds: int
    last_seen: datetime
    won: int = 0
    lost: int = 0
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


class Standing(NamedTuple):
    """A line of a leaderboard: `value` is numerator / denominator times the board's factor, or the numerator.

    Ties share a `rank`. `change`: the number of places gained since the week before; None: not ranked then.
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
