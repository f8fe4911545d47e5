"""Stopwatch: round 1's attackers set a time, round 2's attackers must beat it; the winner of round 2 wins."""

from typing import NamedTuple


class MatchOutcome(NamedTuple):
    """The defender and winner of a round as sides: 1 Axis, 2 Allies, winner 0: none; a limit of 0 is unknown."""

    defender_team: int
    winner_team: int
    time_limit_seconds: int = 0


def map_score(round1: MatchOutcome | None, round2: MatchOutcome | None) -> tuple[int, int] | None:
    """Return the points of (round 1's Axis, round 1's Allies): 2:0, 0:2, or 1:1 if both rounds were held.

    None if a round is missing or had no winner. Sides swap, so round 2's Allies are round 1's Axis. If round 2's
    limit is below that of round 1, round 1's attackers set a time, even if its file shows another winner.
    """
    if round1 is None or round2 is None or 0 in (round1.winner_team, round2.winner_team):
        return None
    is_time_set = 0 < round2.time_limit_seconds < round1.time_limit_seconds
    is_held = round1.winner_team == round1.defender_team and not is_time_set
    if is_held and round2.winner_team == round2.defender_team:
        return 1, 1
    return (0, 2) if round2.winner_team == 1 else (2, 0)
