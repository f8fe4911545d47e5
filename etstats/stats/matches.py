"""The maps of a session: attackers, winners, and scores of the teams."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from etstats.domain.rules import stopwatch
from etstats.domain.views import MapResult, MapRound, RoundRow


def team_on(round_: RoundRow, side: int) -> int:
    """Return the team of the series that played on a side in a round; 0 if unknown."""
    if not round_.axis_team or side not in (1, 2):
        return 0
    return round_.axis_team if side == 1 else 3 - round_.axis_team


def maps_of(rounds: Sequence[RoundRow], numbers: Mapping[int, int]) -> tuple[MapResult, ...]:
    """Return the maps of a session in the order played; `numbers`: series id -> number."""
    matches: dict[str, list[RoundRow]] = {}
    for round_ in rounds:
        matches.setdefault(round_.match_id, []).append(round_)
    return tuple(map_result(own, numbers) for own in matches.values())


def map_result(own: Sequence[RoundRow], numbers: Mapping[int, int]) -> MapResult:
    """Return the result of a map from its one or two rounds, with the points of team 1 and 2."""
    outcome = {
        round_.round_number: stopwatch.MatchOutcome(
            defender_team=round_.defender_team,
            winner_team=round_.winner_team,
            time_limit_seconds=round_.time_limit_seconds,
        )
        for round_ in own
    }
    points = stopwatch.map_score(outcome.get(1), outcome.get(2)) if own[0].stopwatch else None
    if points is not None and team_on(own[0], 1 if own[0].round_number == 1 else 2) == 2:
        points = points[1], points[0]
    return MapResult(
        match_id=own[0].match_id,
        map_name=own[0].map_name,
        began=start_of(own)[0],
        ended_at=own[-1].ended_at,
        rounds=tuple(
            MapRound(
                round_id=round_.id,
                round_number=round_.round_number,
                attackers=team_on(round_, 3 - round_.defender_team),
                winner=team_on(round_, round_.winner_team),
                time_limit_seconds=round_.time_limit_seconds,
                actual_time_seconds=round_.actual_time_seconds,
                played_seconds=round_.played_seconds,
                outcome=round_.outcome,
                held=round_.held,
            )
            for round_ in own
        ),
        score=points,
        winner=_winner(own[-1], points),
        series=numbers.get(own[0].series_id or 0, 0),
    )


def _winner(last: RoundRow, points: tuple[int, int] | None) -> int:
    """Return the winning team of a map, 0 for a draw or unknown; `last` is the map's last round."""
    if not last.stopwatch:
        return team_on(last, last.winner_team)
    return 0 if points is None or points[0] == points[1] else 1 if points[0] > points[1] else 2


def scores_after(maps: Iterable[MapResult]) -> tuple[tuple[int, int] | None, ...]:
    """Return the points of team 1 and 2 after each map, by series; None before the first score of a series."""
    sums: dict[int, tuple[int, int] | None] = {}
    after: list[tuple[int, int] | None] = []
    for played in maps:
        if played.score is not None:
            first, second = sums.get(played.series) or (0, 0)
            sums[played.series] = first + played.score[0], second + played.score[1]
        after.append(sums.get(played.series))
    return tuple(after)


def start_of(rounds: Sequence[RoundRow]) -> tuple[datetime, datetime]:
    """Return the session's start in server time and in UTC: the end of its first round minus its length."""
    first = min(rounds, key=lambda round_: round_.ended_at - _length(round_))
    return first.stamp - _length(first), first.ended_at - _length(first)


def _length(round_: RoundRow) -> timedelta:
    return timedelta(seconds=round_.actual_time_seconds or 0)
