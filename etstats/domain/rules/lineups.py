"""The two line-ups of a session: who played together, whatever their side.

Sides swap between the rounds of a map, and may swap again between maps. Each map's two groups are laid over
the line-ups so far in the way that moves the fewest players; a player who changed camps belongs where most of
the player's rounds were.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from etstats.domain.rounds import ALLIES, AXIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One round: its match, its number in it, and the side (1 Axis, 2 Allies, 3 neither) of each GUID."""

    match_id: str
    round_number: int
    sides: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class Lineups:
    """The line-ups after the matches so far, in time order; line-up 1 is the first one's Axis.

    `axis_first`: for each match, which line-up began it as Axis.
    """

    axis_first: dict[str, int] = field(default_factory=dict)
    _votes: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def team(self) -> dict[str, int]:
        """Each GUID's line-up, 1 or 2."""
        votes = self._votes
        guids = {guid for guid, _ in votes}
        return {guid: 1 if votes[guid, 1] >= votes[guid, 2] else 2 for guid in sorted(guids)}

    def add(self, rounds: Sequence[Sides]) -> None:
        """Take the rounds of the next match."""
        votes = self._votes
        # In the terms of round 1: the Allies of round 2 were Axis in round 1.
        parts = [
            {g: s if r.round_number == 1 else 3 - s for g, s in r.sides.items() if s in (AXIS, ALLIES)}
            for r in rounds
        ]
        straight = sum(votes[g, s] - votes[g, 3 - s] for began in parts for g, s in began.items())
        axis = 1 if straight >= 0 else 2
        self.axis_first[rounds[0].match_id] = axis
        for began in parts:
            votes.update((g, s if axis == 1 else 3 - s) for g, s in began.items())

    def copy(self) -> "Lineups":
        """The same, to go on from by itself."""
        return Lineups(axis_first=dict(self.axis_first), _votes=Counter(self._votes))


def follow(rounds: Iterable[Sides]) -> Lineups:
    """Follow the line-ups through a session's rounds, given in time order."""
    matches: dict[str, list[Sides]] = {}
    for r in rounds:
        matches.setdefault(r.match_id, []).append(r)
    followed = Lineups()
    for parts in matches.values():
        followed.add(parts)
    return followed
