"""Without stopwatch: the previous map of each round, from which its counters continue."""

from bisect import bisect_left

from etstats.domain.rules.pairing import LONGEST_BREAK, RoundKey
from etstats.importer.changed_rounds import ChangedRounds
from etstats.importer.round_window import time_order
from etstats.parser.rounds import carried_lines, holds


def previous_maps(rounds: ChangedRounds) -> dict[int, int | None]:
    """Return the previous map of every round whose previous map the change may affect.

    Rounds whose lines all continue from the round before do not change; the others may compete with a changed
    round.
    """
    return _PreviousMaps(rounds).found()


class _PreviousMaps:
    def __init__(self, rounds: ChangedRounds) -> None:
        self._rounds = rounds
        self._before_of: dict[int, RoundKey | None] = {}
        self._held: dict[tuple[int, int, bool], int] = {}

    def found(self) -> dict[int, int | None]:
        found: dict[int, int | None] = {}
        changed = self._rounds.changed_keys()
        order = sorted(map(time_order, changed))
        for start, end in self._rounds.intervals(sorted(key.ended_at for key in changed)):
            keys = self._rounds.between(start - 2 * LONGEST_BREAK, end + 2 * LONGEST_BREAK)
            self._rounds.contents(*(key.key for key in keys))  # one error names all that are missing
            before: RoundKey | None = None
            changes_before = 0
            for key in keys:
                changes = bisect_left(order, time_order(key))
                follows = changes > changes_before
                if follows or self._is_changed(key) or not self._is_settled(key, before):
                    found[key.key] = self._previous(key)
                before, changes_before = key, changes
        return found

    def _is_changed(self, key: RoundKey) -> bool:
        return key.key in self._rounds.added or self._rounds.stored_partner(key.key) in self._rounds.replaced

    def _previous(self, key: RoundKey) -> int | None:
        """Return the round that a round's counters include: the one before it if all lines agree, else the best.

        The repeated hour without mtimes, and a clock that was set back, put rounds in the wrong order. The
        counters, which only grow, show the right one. If the file of a map in between is missing,
        the numbers stay those of two maps, and the round before them still counts once. No round is the previous
        one of two rounds.
        """
        if key.round_number != 2 or not carried_lines(*self._rounds.contents(key.key)):
            return None
        before = self._before(key)
        if before is not None and self._is_settled(key, before):
            return before.key
        held = [
            (lines, other == before, self._common_time(key, other), time_order(other))
            for other in self._in_reach(key)
            if (lines := self._claim(key, other)) and self._has_best_claim(key, other)
        ]
        if held:
            return max(held)[-1][-1]
        if before is None or not self._held_lines(key, before, skips=True):
            return None
        return None if any(self._claim(other, before) for other in self._in_reach(before)) else before.key

    def _before(self, key: RoundKey) -> RoundKey | None:
        if key.key not in self._before_of:
            earlier = (other for other in reversed(self._in_reach(key)) if time_order(other) < time_order(key))
            self._before_of[key.key] = next(earlier, None)
        return self._before_of[key.key]

    def _is_settled(self, key: RoundKey, before: RoundKey | None) -> bool:
        """Return whether the counters of all lines continue from the round before: no other one is compared."""
        if before is None or key.round_number != 2:
            return False
        (raw,) = self._rounds.contents(key.key)
        lines = len(carried_lines(raw))
        return lines > 0 and self._held_lines(key, before) == lines

    def _has_best_claim(self, key: RoundKey, other: RoundKey) -> bool:
        """Return whether, of all rounds that include another one, this one continues from it most directly."""
        claims = []
        for one in self._in_reach(other):
            lines = self._claim(one, other)
            before = self._before(one) if lines else None
            if lines and self._is_settled(one, before):
                if before == other:
                    return one == key
            elif lines:
                claims.append((lines, -self._common_time(other, one), time_order(one)))
        return bool(claims) and max(claims)[-1][-1] == key.key

    def _claim(self, key: RoundKey, other: RoundKey) -> int:
        """Return how many lines show that a round includes another; if equal, the later includes the earlier."""
        lines = self._held_lines(key, other) if key.round_number == 2 else 0
        is_later = time_order(other) < time_order(key)
        return lines if is_later or not lines or not self._held_lines(other, key) else 0

    def _held_lines(self, key: RoundKey, other: RoundKey, *, skips: bool = False) -> int:
        """Return how many lines show that the counters of a round include another one."""
        if key.key == other.key:
            return 0
        compared = (key.key, other.key, skips)
        if compared not in self._held:
            second, first = self._rounds.contents(key.key, other.key)
            self._held[compared] = holds(second, first, skips=skips) if carried_lines(second) else 0
        return self._held[compared]

    def _common_time(self, key: RoundKey, other: RoundKey) -> float:
        """Return the minutes that the players of a round had played by the end of another round."""
        second, first = self._rounds.contents(key.key, other.key)
        guids = {player.guid for player in second.players}
        return sum(player.fields.time_played_minutes for player in first.players if player.guid in guids)

    def _in_reach(self, key: RoundKey) -> list[RoundKey]:
        """Return the rounds that may be paired with a round by their lines, in time order."""
        return self._rounds.between(key.ended_at - LONGEST_BREAK, key.ended_at + LONGEST_BREAK)
