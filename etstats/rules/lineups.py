"""The two line-ups of an evening: who played together, whatever side they stood on.

Sides swap between the rounds of a map, and may swap again between maps. Each map's two groups are laid over
the line-ups so far in the way that moves the fewest players; a player who changed camps belongs where most of
the player's rounds were.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from etstats.model import ALLIES, AXIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One round: its match, its number in it, and the side (1 Axis, 2 Allies, 3 neither) of each GUID."""

    match_id: str
    round_number: int
    sides: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineups:
    """`team`: each GUID's line-up, 1 or 2. `axis_first`: for each match, which line-up began it as Axis."""

    team: dict[str, int]
    axis_first: dict[str, int]


def follow(rounds: Iterable[Sides]) -> Lineups:
    """Follow the line-ups through a session's rounds, given in time order; line-up 1 is its first Axis."""
    votes: Counter[tuple[str, int]] = Counter()
    axis_first: dict[str, int] = {}
    matches: dict[str, list[dict[str, int]]] = {}
    for r in rounds:
        # In the terms of round 1: whoever is Allies in round 2 was Axis in round 1.
        began = {g: s if r.round_number == 1 else 3 - s for g, s in r.sides.items() if s in (AXIS, ALLIES)}
        matches.setdefault(r.match_id, []).append(began)
    for match_id, parts in matches.items():
        straight = sum(votes[g, s] - votes[g, 3 - s] for began in parts for g, s in began.items())
        axis = 1 if straight >= 0 else 2
        axis_first[match_id] = axis
        for began in parts:
            votes.update((g, s if axis == 1 else 3 - s) for g, s in began.items())
    guids = {guid for guid, _ in votes}
    return Lineups(
        team={guid: 1 if votes[guid, 1] >= votes[guid, 2] else 2 for guid in sorted(guids)},
        axis_first=axis_first,
    )
