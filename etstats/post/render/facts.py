"""The content of a message: plain, frozen facts, filled from the database's rows.

Times are whole seconds, damage is HP, ratios of 0 to 100 are per cent, moments are timezone-aware.
None is "unknown" (the file's layout has no such field), never 0. Names are raw text from outside: showing
them safely is `text.py`'s work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

AXIS, ALLIES = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerLine:
    """One player's numbers as a message shows them: of a round, of a map or of a session.

    `name` is without colour codes, `colour_runs` is the same name as ("#rrggbb", text) parts, or empty.
    `team` is the side (1 Axis, 2 Allies) in a round, the line-up (1, 2) in a map or session, 0 when neither.
    `headshots` are hits on the head, `headshot_kills` kills by one.
    """

    guid: str
    name: str
    team: int
    kills: int
    deaths: int
    kd: float
    dpm: float
    damage_given: int
    damage_received: int
    accuracy: float | None
    headshots: int
    headshot_kills: int
    hs_percent: float | None
    revives_given: int | None
    times_revived: int
    gibs: int
    time_played_seconds: int
    time_dead_seconds: int
    denied_playtime: int | None
    double_kills: int = 0
    triple_kills: int = 0
    quad_kills: int = 0
    multi_kills: int = 0
    mega_kills: int = 0
    most_useful_kills: int = 0
    best_spree: int = 0
    dynamites_planted: int = 0
    dynamites_defused: int = 0
    objectives_taken: int = 0
    objectives_returned: int = 0
    constructions: int | None = None
    rounds: int = 1
    colour_runs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """What a player just reached; `mention` is the Discord user id of one who is linked and asked for it."""

    name: str
    text: str
    mention: str | None = None


class UsualPlay(NamedTuple):
    """A player's averages per round before the post, over `rounds` rounds."""

    rounds: int
    kills: float
    dpm: float
    revives: float | None = None


class PersonalBest(NamedTuple):
    """A player's own best of a round that fell: ("31 kills", "28")."""

    guid: str
    value: str
    before: str


class AttackRank(NamedTuple):
    """How an attack compares with all attacks on its map, itself included.

    `rank` 1 is the fastest, None where it was not completed. `faster_percent` of the others were completed in less
    time than the one that this attack set or took.
    """

    attacks: int
    rank: int | None
    faster_percent: float | None


class History(NamedTuple):
    """What a post says by comparing with earlier rounds; it is fixed when the post is first sent.

    `usual` and `badges` are by guid, `attacks` by round number. `rating_changes` are those of team 1 and 2.
    """

    usual: Mapping[str, UsualPlay] = {}
    bests: tuple[PersonalBest, ...] = ()
    attacks: Mapping[int, AttackRank] = {}
    badges: Mapping[str, str] = {}
    rating_changes: tuple[float, float] | None = None


NO_HISTORY = History()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundSummary:
    """One round alone; `outcome` is `completed`, `fullhold`, `surrender` or `unknown`.

    `winner_team` 0: none recorded. `is_cumulative`: a round 2 whose numbers hold its missing round 1 too.
    `team_names` are those of Axis and Allies, `tags` what their players' names share, or empty.
    """

    server: str
    map_name: str
    round_number: int
    ended_at: datetime
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    defender_team: int
    winner_team: int
    outcome: str
    filename: str
    players: tuple[PlayerLine, ...]
    is_cumulative: bool = False
    milestones: tuple[Milestone, ...] = ()
    team_names: tuple[str, str] = ("Axis", "Allies")
    tags: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """How one round of a map ended; `attackers` is the line-up (1, 2) that attacked, 0 when unknown."""

    round_number: int
    attackers: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    played_seconds: int | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSummary:
    """Both rounds of a map together; players' `team` is their line-up.

    `score` is (line-up 1, line-up 2): 2:0, 0:2 or 1:1, None when it is unknown; `winner` 0: draw or unknown.
    `mvp` is a guid of `players`, `mvp_reason` why in a few words.
    """

    server: str
    map_name: str
    ended_at: datetime
    rounds: tuple[RoundResult, ...]
    score: tuple[int, int] | None
    winner: int
    players: tuple[PlayerLine, ...]
    mvp: str | None
    filenames: tuple[str, ...]
    mvp_reason: str = ""
    line_up_names: tuple[str, str] = ("Team A", "Team B")
    tags: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapScore:
    """One map of a session: round 1's and round 2's time (None: unknown or not played), stopwatch score.

    `outcomes` are those of the rounds, as in `RoundResult`; empty: unknown or not played.
    """

    map_name: str
    times: tuple[int | None, int | None]
    score: tuple[int, int] | None
    winner: int = 0
    outcomes: tuple[str, str] = ("", "")


class SeriesSummary(NamedTuple):
    """Consecutive maps of a session between the same two teams; `mvp` is a name, or empty."""

    team_names: tuple[str, str]
    score: tuple[int, int] | None
    maps: tuple[MapScore, ...]
    mvp: str = ""
    mvp_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardLine:
    """One award of a session, e.g. ("Medic", the player's name, "23 revives")."""

    title: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRecord:
    """A record that fell: "most kills in a round", the player, "31", "27" (empty: there was none before)."""

    title: str
    name: str
    value: str
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DpmLine:
    """A player's DPM in each round of the session, None where the player was not in; as long as `round_labels`."""

    guid: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """A session: its maps in order, the line-ups' final score, everybody's numbers over all its rounds.

    `series` is empty where the line-ups did not change.
    """

    server: str
    started_at: datetime
    ended_at: datetime
    rounds: int
    maps: tuple[MapScore, ...]
    score: tuple[int, int] | None
    players: tuple[PlayerLine, ...]
    mvp: str | None
    mvp_reason: str = ""
    awards: tuple[AwardLine, ...] = ()
    records: tuple[BrokenRecord, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    round_labels: tuple[str, ...] = ()
    dpm_series: tuple[DpmLine, ...] = ()
    line_up_names: tuple[str, str] = ("Team A", "Team B")
    series: tuple[SeriesSummary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Rounds that an outage delayed, posted in one message instead of one each.

    `maps` are (map name, rounds) in the order played.
    """

    server: str
    first_at: datetime
    last_at: datetime
    rounds: int
    maps: tuple[tuple[str, int], ...]
    players: tuple[PlayerLine, ...]


Summary = RoundSummary | MapSummary | SessionSummary | Digest
