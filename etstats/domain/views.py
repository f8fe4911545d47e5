"""The views of rounds, maps and sessions: the result types of `stats/sessions.py`.

Names are raw, with colour codes. Times are whole seconds, moments timezone-aware; `stamp` and `began` are the
server's own clock. Hidden players are in the totals and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from etstats.domain.stats import ScoreLine


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """One round: `stamp` is the server's wall clock, `ended_at` the moment; teams are sides (1 Axis, 2 Allies).

    `outcome` is `completed`, `fullhold`, `surrender` or `unknown`; `winner_team` 0: none recorded.
    """

    id: int
    server: str
    server_id: int
    session_id: int
    match_id: str
    map_name: str
    round_number: int
    filename: str
    config: str
    stamp: datetime
    ended_at: datetime
    defender_team: int
    winner_team: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    outcome: str
    is_cumulative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamTotal:
    """A side's, or a line-up's, sums over all its players, hidden ones included."""

    team: int
    players: int
    kills: int
    deaths: int
    damage_given: int
    damage_received: int
    revives_given: int
    gibs: int
    time_played_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mvp:
    """The most valuable player and the numbers that say why; `rating` 1 is the average of everybody."""

    player_guid: str
    player_name: str
    clean_name: str
    rating: float
    kills: int
    deaths: int
    dpm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardRow:
    """An award and who took it; `text` is the value in words. Those who tie have a row each."""

    key: str
    title: str
    player_guid: str
    player_name: str
    value: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardCount:
    """How often a player took an award, with the best value it was taken with."""

    key: str
    title: str
    player_guid: str
    player_name: str
    times: int
    best: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AchievementRow:
    """One step of one achievement, how many reached it, and who did first and last; `*_on` are sessions' ends."""

    title: str
    unit: str
    threshold: int
    players: int
    first_name: str
    first_on: datetime
    last_name: str
    last_on: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRow:
    """How far a player is on one achievement: the step reached and when, and what is left to the next one."""

    title: str
    unit: str
    value: int
    reached: int | None
    reached_on: datetime | None
    next: int | None
    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """A best of a round that fell; `is_all_time`: everybody's, else the player's own. `before` None: the first."""

    title: str
    player_guid: str
    player_name: str
    value: float
    before: float | None
    is_all_time: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneRow:
    """An achievement that a player just reached; `discord_user_id` of who is linked and asked to be mentioned."""

    title: str
    unit: str
    threshold: int
    player_guid: str
    player_name: str
    discord_user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundView:
    """One round: the scoreboard by side (`team` 1 Axis, 2 Allies, 3 neither), most damage first."""

    round: RoundRow
    players: tuple[ScoreLine, ...]
    sides: tuple[TeamTotal, ...]
    hidden: int
    mvp: Mvp | None
    milestones: tuple[MilestoneRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRound:
    """How one round of a map ended; `attackers` and `winner` are line-ups (1, 2), winner 0: none recorded."""

    round_id: int
    round_number: int
    attackers: int
    winner: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapResult:
    """One map of a session: its rounds, and the stopwatch points of line-up 1 and 2 (None: unknown).

    `winner`: the line-up that won, 0 for a draw or when it is unknown.
    """

    match_id: str
    map_name: str
    began: datetime
    ended_at: datetime
    rounds: tuple[MapRound, ...]
    score: tuple[int, int] | None
    winner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchView:
    """Both rounds of a map together; players' `team` is the line-up they played for on this map."""

    server: str
    session_id: int
    map: MapResult
    players: tuple[ScoreLine, ...]
    line_ups: tuple[TeamTotal, ...]
    hidden: int
    mvp: Mvp | None
    filenames: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DpmSeries:
    """A player's DPM in each round of the session, None where the player was not in."""

    player_guid: str
    player_name: str
    team: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session: score of the line-ups, maps in order, everybody's numbers over all its rounds.

    `score` counts the maps that have one; `scores_after` runs along `maps`, `series` along `rounds`. `ratings` are
    the MVP's scale, best first.
    """

    id: int
    server: str
    began: datetime
    started_at: datetime
    ended_at: datetime
    score: tuple[int, int]
    maps: tuple[MapResult, ...]
    scores_after: tuple[tuple[int, int], ...]
    rounds: tuple[RoundRow, ...]
    players: tuple[ScoreLine, ...]
    line_ups: tuple[TeamTotal, ...]
    hidden: int
    mvp: Mvp | None
    ratings: Mapping[str, float]
    awards: tuple[AwardRow, ...]
    records: tuple[RecordRow, ...]
    milestones: tuple[MilestoneRow, ...]
    series: tuple[DpmSeries, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session in a list; `began` is the server's clock, `score` that of line-up 1 and 2."""

    id: int
    server: str
    began: datetime
    started_at: datetime
    ended_at: datetime
    seconds: int
    maps: int
    rounds: int
    players: int
    score: tuple[int, int]
