"""Stopwatch: round 1's attackers set a time, round 2's attackers must beat it; the winner of round 2 wins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOutcome:
    """Who defended and who won one round, as sides: 1 Axis, 2 Allies, winner 0 nobody."""

    defender_team: int
    winner_team: int


def map_score(round1: MatchOutcome | None, round2: MatchOutcome | None) -> tuple[int, int] | None:
    """Points of (round 1's Axis, round 1's Allies): 2:0, 0:2, or 1:1 when both rounds were held.

    None while a round is missing or had no winner. Sides swap, so round 2's Allies are round 1's Axis.
    """
    if round1 is None or round2 is None or 0 in (round1.winner_team, round2.winner_team):
        return None
    if round1.winner_team == round1.defender_team and round2.winner_team == round2.defender_team:
        return 1, 1
    return (0, 2) if round2.winner_team == 1 else (2, 0)
