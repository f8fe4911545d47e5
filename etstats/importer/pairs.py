"""The pairs of rounds 1 and 2 after a change of files."""

from dataclasses import replace

from etstats.domain.rounds import Round
from etstats.domain.rules.pairing import ENOUGH_LINES, LONGEST_GAP, Pairing, RoundKey
from etstats.importer.changed_rounds import ChangedRounds
from etstats.importer.previous_maps import previous_maps
from etstats.parser.rounds import derive, holds


class Pairs:
    """The partner of each round: the other round of its match; without stopwatch its previous map, of any name.

    `compared`: the rounds whose partner may have changed. `derived`: the numbers of the rounds to store, in time
    order: new rounds, and those whose round 1 changed.
    """

    def __init__(self, rounds: ChangedRounds) -> None:
        self._rounds = rounds
        self._pairing = Pairing(rounds.nearby, self._holds)
        self.compared = self._paired() if rounds.has_stopwatch else previous_maps(rounds)
        self.derived = {file_id: self._derive(file_id) for file_id in self._to_store()}

    def partner(self, file_id: int) -> int | None:
        """Return the partner of a round after the change."""
        return self.compared[file_id] if file_id in self.compared else self._rounds.stored_partner(file_id)

    def round1(self, file_id: int) -> int | None:
        """Return the round whose counters a round 2 includes."""
        return self.partner(file_id) if self._rounds.key(file_id).round_number == 2 else None

    def match_id(self, file_id: int) -> str:
        """Return the match id: time and map of its first round, with a suffix for a round 2 without round 1."""
        round1 = self.round1(file_id) if self._rounds.has_stopwatch else None
        key = self._rounds.key(file_id if round1 is None else round1)
        suffix = "-round-2" if key.round_number == 2 else ""
        return f"{key.stamp:%Y-%m-%d-%H%M%S}-{key.map_name}{suffix}"

    def _derive(self, file_id: int) -> Round:
        """Return the numbers of a round, without those of its round 1."""
        rounds, round1 = self._rounds, self.round1(file_id)
        raws = rounds.contents(file_id) if round1 is None else rounds.contents(file_id, round1)
        derived = rounds.window.rules.corrected(derive(*raws, stopwatch=rounds.has_stopwatch))
        return replace(derived, is_repeat=self._is_repeat(file_id)) if round1 is None else derived

    def _is_repeat(self, file_id: int) -> bool:
        """Return whether a round 2 without a partner repeats another round 2 of its match."""
        return self._rounds.has_stopwatch and self._pairing.is_repeat(self._rounds.key(file_id))

    def _to_store(self) -> list[int]:
        changed = {
            file_id
            for file_id, partner in self.compared.items()
            if self._rounds.key(file_id).round_number == 2
            and (
                partner in self._rounds.added
                or partner != self._rounds.stored_partner(file_id)
                or (partner is None and self._is_repeat(file_id) != self._was_repeat(file_id))
            )
        }
        return self._rounds.in_order(self._rounds.added.keys() | changed)

    def _was_repeat(self, file_id: int) -> bool:
        stored = self._rounds.window.rounds.get(file_id)
        return stored is not None and stored.is_repeat

    def _paired(self) -> dict[int, int | None]:
        """Return the partner of every round whose partner may have changed.

        These rounds form chains: a changed round, its old and new partner, their old and new partners, and so on.
        """
        rounds = self._rounds
        partner_of: dict[int, int | None] = {}
        queue: list[int | None] = [*rounds.added]
        queue += [rounds.stored_partner(file_id) for file_id in rounds.replaced]
        while queue:
            file_id = queue.pop()
            if file_id is None or file_id in partner_of or file_id in rounds.removed:
                continue
            found = self._pairing.partner(rounds.key(file_id))
            partner_of[file_id] = partner = None if found is None else found.key
            before = rounds.stored_partner(file_id)
            if partner != before:
                queue += [before, partner]
            elif file_id in rounds.added:
                queue.append(partner)  # the partner's numbers may depend on the changed round
        # A changed round 1 may make round 2s without a partner repeats.
        for key in rounds.changed_keys():
            if key.round_number == 1:
                for other in rounds.nearby(key, LONGEST_GAP):
                    if other.key not in partner_of and rounds.stored_partner(other.key) is None:
                        partner_of[other.key] = None
        return partner_of

    def _holds(self, second: RoundKey, first: RoundKey) -> int:
        """Return the number of lines that show that a round 2's counters include a round 1; 0: they do not.

        For a stored pair, the stored players are used instead of the files if possible.
        """
        rounds, window = self._rounds, self._rounds.window
        is_stored = second.key not in rounds.added and first.key not in rounds.added
        if is_stored and rounds.stored_partner(second.key) == first.key:
            guids = window.players.get(second.key, {}).keys()
            carried = guids & window.players.get(first.key, {}).keys()
            carried -= window.reset.get(second.key, set())
            if guids and (
                len(carried) == len(guids) or (len(carried) >= ENOUGH_LINES and 2 * len(carried) >= len(guids))
            ):
                return len(carried)
        return holds(*rounds.contents(second.key, first.key))
