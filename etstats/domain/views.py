"""The views of rounds, maps and sessions: the result types of `stats/sessions.py`.

Names are raw, with colour codes. Durations are whole seconds, times are timezone-aware; `stamp` and `began` are by
the server's clock. Hidden players are included only in totals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from etstats.domain.stats import ScoreLine


class RoundRow(NamedTuple):
    """A round: `stamp` is by the server's clock, `ended_at` is aware; teams are sides (1 Axis, 2 Allies).

    `outcome` is `completed`, `fullhold`, `surrender` or `unknown`; `winner_team` 0: none recorded.
    `actual_time_seconds`: the length of the round. `held`: what the defenders held until, `limit` (the map's time
    limit) or `set_time` (round 1's time). `bots`, `anonymous`: the number of lines without an identified person.
    `stopwatch` False: each round is a match. `axis_team`: the team of the series that was Axis; 0: no series.
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
    held: str | None = None
    bots: int = 0
    anonymous: int = 0
    is_counted: bool = True
    stopwatch: bool = True
    series_id: int | None = None
    axis_team: int = 0


class TeamTotal(NamedTuple):
    """The sums of a side or team over all its players, including hidden ones."""

    team: int
    players: int
    kills: int
    deaths: int
    damage_given: int
    damage_received: int
    revives_given: int
    gibs: int
    time_played_seconds: int


class Mvp(NamedTuple):
    """The most valuable player with rating and numbers; a `rating` of 1 is the average of all players."""

    player_guid: str
    player_name: str
    clean_name: str
    rating: float
    kills: int
    deaths: int
    dpm: float


class AwardRow(NamedTuple):
    """An award and its winner; `text` is the formatted value. Tied players have a row each."""

    key: str
    title: str
    player_guid: str
    player_name: str
    value: float
    text: str


class AwardCount(NamedTuple):
    """How often a player won an award, with the best value."""

    key: str
    title: str
    player_guid: str
    player_name: str
    times: int
    best: float
    text: str


class AchievementRow(NamedTuple):
    """A step of an achievement: the number of players, the first and the last one; `*_on`: ends of sessions."""

    title: str
    unit: str
    threshold: int
    players: int
    first_name: str
    first_on: datetime
    last_name: str
    last_on: datetime


class ProgressRow(NamedTuple):
    """A player's progress on an achievement: the last step with its date, and what is left to the next one."""

    title: str
    unit: str
    value: int
    reached: int | None
    reached_on: datetime | None
    next: int | None
    left: int | None


class RecordRow(NamedTuple):
    """A beaten record of a round: of all players (`is_all_time`) or personal. `before` None: the first."""

    title: str
    player_guid: str
    player_name: str
    value: float
    before: float | None
    is_all_time: bool


class MilestoneRow(NamedTuple):
    """An achievement that a player just reached; `discord_user_id` is set if the player wants to be mentioned."""

    title: str
    unit: str
    threshold: int
    player_guid: str
    player_name: str
    discord_user_id: str | None


class RoundView(NamedTuple):
    """A round: the scoreboard by side (`team` 1 Axis, 2 Allies, 3 neither), most damage first."""

    round: RoundRow
    players: tuple[ScoreLine, ...]
    sides: tuple[TeamTotal, ...]
    hidden: int
    mvp: Mvp | None
    milestones: tuple[MilestoneRow, ...]
    team_names: tuple[str, str]


class MapRound(NamedTuple):
    """The result of a round of a map; `attackers` and `winner` are teams (1, 2), 0: unknown or none."""

    round_id: int
    round_number: int
    attackers: int
    winner: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    outcome: str
    held: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapResult:
    """A map of a session: its rounds, and the stopwatch points of team 1 and 2 (None: unknown).

    `winner`: the team that won, 0: a draw or unknown. `series`: the number of its series, 0: none.
    """

    match_id: str
    map_name: str
    began: datetime
    ended_at: datetime
    rounds: tuple[MapRound, ...]
    score: tuple[int, int] | None
    winner: int
    series: int = 0

    def round_of(self, number: int) -> MapRound | None:
        """Return round 1 or 2 of the map; None if it was not played."""
        return next((one for one in self.rounds if one.round_number == number), None)

    def seconds_of(self, number: int) -> int | None:
        """Return the length of round 1 or 2 in seconds; None if not played or unknown."""
        round_ = self.round_of(number)
        return round_.actual_time_seconds if round_ else None


class SeriesRow(NamedTuple):
    """A series of a session: the names of its teams, their points (None: no match has a result), its matches."""

    number: int
    team1: str
    team2: str
    score: tuple[int, int] | None
    matches: int
    match_ids: tuple[str, ...]
    mvp: Mvp | None

    @property
    def names(self) -> tuple[str, str]:
        """The names of team 1 and 2."""
        return self.team1, self.team2


class MatchView(NamedTuple):
    """Both rounds of a map together; players' `team` is the team they played for on this map."""

    server: str
    session_id: int
    map: MapResult
    players: tuple[ScoreLine, ...]
    line_ups: tuple[TeamTotal, ...]
    hidden: int
    mvp: Mvp | None
    filenames: tuple[str, ...]
    team_names: tuple[str, str]


class DpmSeries(NamedTuple):
    """A player's DPM in each round of the session; None: the player was not in the round."""

    player_guid: str
    player_name: str
    team: int
    values: tuple[float | None, ...]


class SessionView(NamedTuple):
    """A session: its series, its maps in order, and the players' numbers over all rounds.

    `score`, `team_names` and the players' teams are those of the longest series; a player in neither team has team
    0. `scores_after` has the score of the series after each of `maps`; `dpm_series` has a value for each of
    `rounds`. A score is None if no map has a result. `ratings` are the MVP ratings, best first.
    """

    id: int
    server: str
    began: datetime
    started_at: datetime
    ended_at: datetime
    score: tuple[int, int] | None
    maps: tuple[MapResult, ...]
    scores_after: tuple[tuple[int, int] | None, ...]
    rounds: tuple[RoundRow, ...]
    players: tuple[ScoreLine, ...]
    line_ups: tuple[TeamTotal, ...]
    hidden: int
    mvp: Mvp | None
    ratings: Mapping[str, float]
    awards: tuple[AwardRow, ...]
    records: tuple[RecordRow, ...]
    milestones: tuple[MilestoneRow, ...]
    series: tuple[SeriesRow, ...]
    dpm_series: tuple[DpmSeries, ...]
    team_names: tuple[str, str]


class SessionRow(NamedTuple):
    """A session in a list; `began` is by the server's clock, `score` and names are those of the longest series.

    `score` is None if no map has a result.
    """

    id: int
    server: str
    began: datetime
    started_at: datetime
    ended_at: datetime
    seconds: int
    maps: int
    rounds: int
    players: int
    score: tuple[int, int] | None
    team_names: tuple[str, str]
    series: int
