"""The maps of a session: who attacked, who won, and the score of the line-ups."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from etstats.domain.rules import lineups, stopwatch
from etstats.domain.rules.lineups import Lineups
from etstats.domain.views import MapResult, MapRound, RoundRow


class Sided(Protocol):
    """Somebody on a side (1 Axis, 2 Allies, 3 neither) of a round."""

    @property
    def player_guid(self) -> str:
        """The player."""

    @property
    def team(self) -> int:
        """The side."""


def follow(rounds: Iterable[RoundRow], played: Mapping[int, Sequence[Sided]]) -> Lineups:
    """The line-ups of a session, from the sides of everybody in its rounds."""
    return lineups.follow(
        lineups.Sides(
            match_id=r.match_id,
            round_number=r.round_number,
            sides={p.player_guid: p.team for p in played[r.id]},
        )
        for r in rounds
    )


def line_up(teams: Lineups, r: RoundRow, side: int) -> int:
    """The line-up that stood on a side in a round."""
    began = side if r.round_number == 1 else 3 - side
    return began if teams.axis_first[r.match_id] == 1 else 3 - began


def maps_of(rounds: Sequence[RoundRow], teams: Lineups) -> tuple[MapResult, ...]:
    """The maps of a session in the order played."""
    matches: dict[str, list[RoundRow]] = {}
    for r in rounds:
        matches.setdefault(r.match_id, []).append(r)
    return tuple(map_result(own, teams) for own in matches.values())


def map_result(own: Sequence[RoundRow], teams: Lineups) -> MapResult:
    """How one map ended, from its one or two rounds; points as those of line-up 1 and 2."""
    outcome = {
        r.round_number: stopwatch.MatchOutcome(defender_team=r.defender_team, winner_team=r.winner_team)
        for r in own
    }
    points = stopwatch.map_score(outcome.get(1), outcome.get(2))
    if points is not None and teams.axis_first[own[0].match_id] == 2:
        points = points[1], points[0]
    return MapResult(
        match_id=own[0].match_id,
        map_name=own[0].map_name,
        began=start_of(own)[0],
        ended_at=own[-1].ended_at,
        rounds=tuple(
            MapRound(
                round_id=r.id,
                round_number=r.round_number,
                attackers=line_up(teams, r, 3 - r.defender_team),
                winner=line_up(teams, r, r.winner_team) if r.winner_team else 0,
                time_limit_seconds=r.time_limit_seconds,
                actual_time_seconds=r.actual_time_seconds,
                played_seconds=r.played_seconds,
                outcome=r.outcome,
            )
            for r in own
        ),
        score=points,
        winner=0 if points is None or points[0] == points[1] else 1 if points[0] > points[1] else 2,
    )


def score_of(maps: Iterable[MapResult]) -> tuple[int, int]:
    """The points of line-up 1 and 2 over those maps that have a score."""
    scores = [m.score for m in maps if m.score is not None]
    return sum(first for first, _ in scores), sum(second for _, second in scores)


def start_of(rounds: Sequence[RoundRow]) -> tuple[datetime, datetime]:
    """Return the session's start in server time and in UTC: the end of its first round less its length."""
    first = min(rounds, key=lambda r: r.ended_at - _length(r))
    return first.stamp - _length(first), first.ended_at - _length(first)


def _length(r: RoundRow) -> timedelta:
    return timedelta(seconds=r.played_seconds or r.actual_time_seconds or 0)
