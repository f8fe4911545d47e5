"""The gaming sessions of the rounds around a change of files."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from etstats.domain.rules import sessions
from etstats.domain.rules.pairing import LONGEST_BREAK
from etstats.importer.changed_rounds import ChangedRounds
from etstats.importer.pairs import Pairs
from etstats.importer.round_window import time_order


class SessionGroups:
    """The sessions after the change.

    `session_of`: the session of each round that was grouped again; `new`: the ids of new sessions; `affected`: the
    sessions whose rounds or matches changed.
    """

    def __init__(
        self,
        rounds: ChangedRounds,
        pairs: Pairs,
        *,
        gap: timedelta,
        ids: Iterator[int],
    ) -> None:
        """`gap`: the longest time between rounds of a session; `ids`: of new sessions."""
        self._rounds = rounds
        self._window = rounds.window
        self._pairs = pairs
        self.session_of: dict[int, int] = {}
        self.new: list[int] = []
        used: dict[int, None] = {}
        for region in self._regions():
            ends = ((rounds.key(file_id).ended_at, file_id) for file_id in region)
            groups = sessions.group(ends, gap, self._spans(region, gap))
            for group in groups:
                # A group keeps the oldest session id of its rounds that no earlier group has.
                held = self._sessions_of(group) - used.keys()
                session = min(held) if held else next(ids)
                if not held:
                    self.new.append(session)
                used[session] = None
                self.session_of.update((key, session) for key in group)
            for outer, is_before in ((groups[:1], True), (groups[-1:], False)):
                self.session_of |= self._rest_of_session(outer, is_before=is_before)
        self.affected = [session for session in used if self._is_affected(session)]

    def members(self, session: int) -> set[int]:
        """Return the rounds of a session after the change."""
        kept = self._window.sessions.get(session, set()) - self.session_of.keys() - self._rounds.replaced
        return kept | self.grouped(session)

    def grouped(self, session: int) -> set[int]:
        """Return the rounds that were grouped again into a session."""
        return {file_id for file_id, own in self.session_of.items() if own == session}

    def dead(self) -> list[int]:
        """Return the sessions that lose all their rounds."""
        stored = self._window.rounds
        touched = {*self.session_of, *self._rounds.replaced} & stored.keys()
        before = {stored[file_id].gaming_session_id for file_id in touched}
        leaving = {
            file_id for file_id in touched if self.session_of.get(file_id) != stored[file_id].gaming_session_id
        }
        alive = set(self.session_of.values())
        return sorted(session for session in before - alive if self._window.sessions[session] <= leaving)

    def _is_affected(self, session: int) -> bool:
        """Return whether a session's rounds or matches changed."""
        before = self._window.sessions.get(session, set())
        reached = self._rounds.added.keys() | self._pairs.compared.keys() | self._rounds.replaced
        return not (self.grouped(session) <= before and reached.isdisjoint(before))

    def _regions(self) -> list[list[int]]:
        """Return the regions, as rounds in time order, in which the start or end of a session may change.

        They surround the rounds that changed or got another partner. Regions with a session in common are merged.
        """
        rounds = self._rounds
        moments = {self._window.rounds[file_id].ended_at for file_id in rounds.replaced}
        moments |= {new.ended_at for new in rounds.added.values()}
        paired = {
            end
            for file_id, partner in self._pairs.compared.items()
            if partner != rounds.stored_partner(file_id) or file_id in self._pairs.derived
            for end in (file_id, partner, rounds.stored_partner(file_id))
            if end is not None and end not in rounds.removed
        }
        regions: list[tuple[datetime, datetime, list[int]]] = []
        for start, end in rounds.intervals(sorted(moments | {rounds.key(file_id).ended_at for file_id in paired})):
            first, region = start, self._region(start, end, moments)
            while regions and not self._sessions_of(regions[-1][2]).isdisjoint(self._sessions_of(region)):
                first = regions.pop()[0]
                region = self._region(first, end, moments)
            regions.append((first, end, region))
        return [region for _, _, region in regions]

    def _region(self, start: datetime, end: datetime, moments: Collection[datetime]) -> list[int]:
        """Return the rounds of an interval in order, with the neighbour of an added or removed round at an end."""
        window, reach = self._window, self._rounds.reach
        window.require(start, end)
        region = window.between(start, end)
        if start in moments:
            window.require(start - reach, start)
            before = window.last_before(start)
            if before is not None and start - window.rounds[before].ended_at <= reach:
                region.insert(0, before)
        if end in moments:
            window.require(end, end + reach)
            after = window.first_after(end)
            if after is not None and window.rounds[after].ended_at - end <= reach:
                region.append(after)
        kept = [file_id for file_id in region if file_id not in self._rounds.replaced]
        added = [file_id for file_id, new in self._rounds.added.items() if start <= new.ended_at <= end]
        return self._rounds.in_order([*kept, *added])

    def _sessions_of(self, files: Collection[int]) -> set[int]:
        """Return the stored sessions of these rounds."""
        rounds = self._window.rounds
        return {rounds[file_id].gaming_session_id for file_id in files if file_id in rounds}

    def _spans(self, region: Sequence[int], gap: timedelta) -> list[tuple[datetime, datetime]]:
        """Return first and last time of each match that may keep rounds of the region in one session."""
        rounds = self._rounds
        times = [rounds.key(file_id).ended_at for file_id in region]
        if not rounds.has_stopwatch or all(later - earlier <= gap for earlier, later in pairwise(times)):
            return []
        around = self._window.between(times[0] - LONGEST_BREAK, times[-1])
        spans = []
        for file_id in {*(key for key in around if key not in rounds.replaced), *region}:
            partner = self._pairs.partner(file_id)
            if partner is not None and partner not in rounds.removed:
                ends = (rounds.key(file_id).ended_at, rounds.key(partner).ended_at)
                spans.append((min(ends), max(ends)))
        # The part of a match before the region does not affect it.
        return [(max(start, times[0]), end) for start, end in spans]

    def _rest_of_session(self, outer: Sequence[Sequence[int]], *, is_before: bool) -> Mapping[int, int]:
        """Return the session of the rounds outside of the region whose session continues into it."""
        moved: dict[int, int] = {}
        for group in outer:
            end = group[0 if is_before else -1]
            stored = self._window.rounds.get(end)
            session = self.session_of[end]
            if end in self._rounds.added or stored is None or stored.gaming_session_id == session:
                continue
            order = time_order(self._rounds.key(end))
            others = self._window.sessions[stored.gaming_session_id] - self.session_of.keys()
            for file_id in others - self._rounds.replaced:
                if (time_order(self._rounds.key(file_id)) < order) is is_before:
                    moved[file_id] = session
        return moved
