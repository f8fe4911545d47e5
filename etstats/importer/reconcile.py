"""Recompute pairs, matches, gaming sessions and series of the rounds around a change of files.

    reconcile(window, changes) -> RoundChanges

The result depends only on the set of files, not on the order of their import. The module is pure: if rounds or
file contents are missing from the window, an error tells the caller what to load. Import (few files) and rebuild
(many files) use the same code, which processes only the rounds that a change can affect.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from etstats.db.rounds import DerivedRound, Reassignment, RoundChanges
from etstats.db.series import StoredSeries
from etstats.domain.rounds import RawRound, Round
from etstats.domain.rules import sessions
from etstats.domain.rules.pairing import ENOUGH_LINES, LONGEST_BREAK, LONGEST_GAP, Pairing, RoundIndex, RoundKey
from etstats.domain.rules.series import SeriesPlayer, SeriesRound, SessionSeries, by_person, matches_of
from etstats.importer.round_window import MissingContentError, RoundWindow, SessionState, time_order
from etstats.parser.rounds import carried_lines, derive, holds


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRound:
    """A newly counted file, or one whose content or time changed."""

    file_id: int
    ended_at: datetime
    raw: RawRound


class NewIds(NamedTuple):
    """Reserved ids for new rows."""

    rounds: Iterator[int]
    sessions: Iterator[int]
    series: Iterator[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChanges:
    """The added and changed files of one server, and the ids of the removed ones.

    `gap`: the longest time between two rounds of a session. `refreshed`: sessions whose series must be recomputed
    although none of their files changed.
    """

    server_id: int
    gap: timedelta
    ids: NewIds
    added: Sequence[NewRound] = ()
    removed: Collection[int] = ()
    refreshed: Sequence[int] = ()


def reconcile(window: RoundWindow, changes: FileChanges) -> RoundChanges:
    """Return the rows to write so that the rounds are consistent after a change; the window is not modified.

    Raises MissingRoundsError or MissingContentError if the window lacks rounds or contents that are needed.
    """
    return _Reconciliation(window, changes).result()


class _Reconciliation:
    """The rounds after the change: those of the window without the removed and with the added ones."""

    def __init__(self, window: RoundWindow, changes: FileChanges) -> None:
        self._window = window
        self._changes = changes
        self._added = {new.file_id: new for new in changes.added}
        self._keys = {new.file_id: key_of_new(new) for new in changes.added}
        self._added_index = RoundIndex(self._keys.values())
        self._removed = {file_id for file_id in changes.removed if file_id in window.rounds}
        self._replaced = self._removed | (self._added.keys() & window.rounds.keys())
        self._pairing = Pairing(self._nearby, self._holds)
        self._stopwatch = window.rules.stopwatch
        self._reach = max(changes.gap, LONGEST_BREAK)
        self._partner: dict[int, int | None] = {}  # of the rounds that the change may affect
        self._before_of: dict[int, RoundKey | None] = {}
        self._held: dict[tuple[int, int, bool], int] = {}
        self._round_ids: dict[int, int] = {}
        self._changed_series: list[StoredSeries] = []
        self._series_with_teams: set[int] = set()
        self._series_counts: dict[int, int] = {}
        self._series_of: dict[int, tuple[int | None, int | None]] = {}
        self._session_teams: dict[int, dict[str, int]] = {}

    def result(self) -> RoundChanges:
        """Return the differences from the window."""
        if self._stopwatch:
            self._pair()
        else:
            self._find_previous()
        order = self._written()
        written = {file_id: self._derive(file_id) for file_id in order}
        session_of, new_sessions, affected = self._sessions(order)
        self._series(affected, session_of, written)
        placed = [self._placed(file_id, written[file_id], session_of[file_id]) for file_id in order]
        return RoundChanges(
            server_id=self._changes.server_id,
            written=placed,
            moves=self._moves(session_of, written),
            dropped_files=sorted(self._removed),
            new_sessions=new_sessions,
            dead_sessions=self._dead_sessions(session_of),
            series=self._changed_series,
            series_with_teams=self._series_with_teams,
            series_counts=self._series_counts,
            session_teams=self._session_teams,
        )

    def _placed(self, file_id: int, round_: Round, session_id: int) -> DerivedRound:
        round1 = self._round1(file_id)
        series_id, axis_team = self._series_of[file_id]
        return DerivedRound(
            round_id=self._round_id(file_id),
            is_stored=file_id in self._window.rounds,
            file_id=file_id,
            ended_at=self._key(file_id).ended_at,
            match_id=self._match_id(file_id),
            round1_id=None if round1 is None else self._round_id(round1),
            session_id=session_id,
            series_id=series_id,
            axis_team=axis_team,
            round=round_,
        )

    def _moves(self, session_of: Mapping[int, int], written: Mapping[int, Round]) -> list[Reassignment]:
        """Return the stored rounds whose numbers are unchanged and whose session or series changes."""
        moves = []
        for file_id in sorted((session_of.keys() | self._series_of.keys()) - written.keys()):
            stored = self._window.rounds[file_id]
            session_id = session_of.get(file_id, stored.gaming_session_id)
            series_id, axis_team = self._series_of.get(file_id, (stored.series_id, stored.axis_team))
            after = (session_id, series_id, axis_team)
            if after != (stored.gaming_session_id, stored.series_id, stored.axis_team):
                moves.append(
                    Reassignment(
                        round_id=stored.round_id,
                        match_id=stored.match_id,
                        session_id=session_id,
                        series_id=series_id,
                        axis_team=axis_team,
                    )
                )
        return moves

    # Pairs

    def _pair(self) -> None:
        """Find the partner of every round whose partner may have changed.

        These rounds form chains: a changed round, its old and new partner, their old and new partners, and so on.
        """
        queue: list[int | None] = [*self._added]
        queue += [self._stored_partner(file_id) for file_id in self._replaced]
        while queue:
            file_id = queue.pop()
            if file_id is None or file_id in self._partner or file_id in self._removed:
                continue
            found = self._pairing.partner(self._key(file_id))
            self._partner[file_id] = partner = None if found is None else found.key
            before = self._stored_partner(file_id)
            if partner != before:
                queue += [before, partner]
            elif file_id in self._added:
                queue.append(partner)  # the partner's numbers may depend on the changed round
        # A changed round 1 may make round 2s without a partner repeats.
        for key in [*self._keys.values(), *(self._window.keys[file_id] for file_id in self._replaced)]:
            if key.round_number == 1:
                for other in self._nearby(key, LONGEST_GAP):
                    if other.key not in self._partner and self._stored_partner(other.key) is None:
                        self._partner[other.key] = None

    def _find_previous(self) -> None:
        """Without stopwatch: find the previous map of every round whose previous map the change may affect.

        A round's partner here is the round, of any map, from which its counters continue. Rounds whose lines
        all continue from the round before do not change; the others may compete with a changed round.
        """
        changed = [*self._keys.values(), *(self._window.keys[file_id] for file_id in self._replaced)]
        order = sorted(map(time_order, changed))
        for start, end in self._intervals(sorted(key.ended_at for key in changed)):
            rounds = self._between(start - 2 * LONGEST_BREAK, end + 2 * LONGEST_BREAK)
            self._contents(*(key.key for key in rounds))  # all at once
            before: RoundKey | None = None
            changes_before = 0
            for key in rounds:
                changes = bisect_left(order, time_order(key))
                follows = changes > changes_before
                is_changed = key.key in self._keys or self._stored_partner(key.key) in self._replaced
                if follows or is_changed or not self._is_settled(key, before):
                    self._partner[key.key] = self._previous(key)
                before, changes_before = key, changes

    def _previous(self, key: RoundKey) -> int | None:
        """Return the round that a round's counters include: the one before it if all lines agree, else the best.

        The repeated hour without mtimes, and a clock that was set back, put rounds in the wrong order. The
        counters, which only grow, show the right one. If the file of a map in between is missing,
        the numbers stay those of two maps, and the round before them still counts once. No round is the previous
        one of two rounds.
        """
        if key.round_number != 2 or not carried_lines(*self._contents(key.key)):
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
        (raw,) = self._contents(key.key)
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
            second, first = self._contents(key.key, other.key)
            self._held[compared] = holds(second, first, skips=skips) if carried_lines(second) else 0
        return self._held[compared]

    def _common_time(self, key: RoundKey, other: RoundKey) -> float:
        """Return the minutes that the players of a round had played by the end of another round."""
        second, first = self._contents(key.key, other.key)
        guids = {player.guid for player in second.players}
        return sum(player.fields.time_played_minutes for player in first.players if player.guid in guids)

    def _in_reach(self, key: RoundKey) -> list[RoundKey]:
        """Return the rounds after the change that may be paired with a round by their lines, in time order."""
        return self._between(key.ended_at - LONGEST_BREAK, key.ended_at + LONGEST_BREAK)

    def _between(self, start: datetime, end: datetime) -> list[RoundKey]:
        """Return the rounds after the change of a time, in time order."""
        self._window.require(start, end)
        stored = [self._window.keys[file_id] for file_id in self._window.between(start, end)]
        added = [other for other in self._keys.values() if start <= other.ended_at <= end]
        return sorted([*(other for other in stored if other.key not in self._replaced), *added], key=time_order)

    def _nearby(self, key: RoundKey, reach: timedelta) -> list[RoundKey]:
        self._window.require(key.ended_at - reach, key.ended_at + reach)
        stored = self._window.index.nearby(key, reach)
        if self._replaced:
            stored = [other for other in stored if other.key not in self._replaced]
        return stored + self._added_index.nearby(key, reach)

    def _holds(self, second: RoundKey, first: RoundKey) -> int:
        """Return the number of lines that show that a round 2's counters include a round 1; 0: they do not.

        For a stored pair, the stored players are used instead of the files if possible.
        """
        is_stored = second.key not in self._added and first.key not in self._added
        if is_stored and self._stored_partner(second.key) == first.key:
            guids = self._window.players.get(second.key, {}).keys()
            carried = guids & self._window.players.get(first.key, {}).keys()
            carried -= self._window.reset.get(second.key, set())
            if guids and (
                len(carried) == len(guids) or (len(carried) >= ENOUGH_LINES and 2 * len(carried) >= len(guids))
            ):
                return len(carried)
        return holds(*self._contents(second.key, first.key))

    def _contents(self, *file_ids: int) -> list[RawRound]:
        known = {
            file_id: self._added[file_id].raw if file_id in self._added else self._window.contents.get(file_id)
            for file_id in file_ids
        }
        if missing := {file_id for file_id, raw in known.items() if raw is None}:
            raise MissingContentError(missing)
        return [raw for raw in known.values() if raw is not None]

    def _written(self) -> list[int]:
        """Return the rounds to store in time order: new ones, and those whose round 1 changed."""
        changed = {
            file_id
            for file_id, partner in self._partner.items()
            if self._key(file_id).round_number == 2
            and (
                partner in self._added
                or partner != self._stored_partner(file_id)
                or (partner is None and self._is_repeat(file_id) != self._was_repeat(file_id))
            )
        }
        return self._in_order(self._added.keys() | changed)

    def _derive(self, file_id: int) -> Round:
        round1 = self._round1(file_id)
        raws = self._contents(file_id) if round1 is None else self._contents(file_id, round1)
        derived = self._window.rules.corrected(derive(*raws, stopwatch=self._stopwatch))
        return replace(derived, is_repeat=self._is_repeat(file_id)) if round1 is None else derived

    def _is_repeat(self, file_id: int) -> bool:
        return self._stopwatch and self._pairing.is_repeat(self._key(file_id))

    def _was_repeat(self, file_id: int) -> bool:
        return file_id in self._window.rounds and self._window.rounds[file_id].is_repeat

    def _match_id(self, file_id: int) -> str:
        """Return the match id: time and map of its first round, with a suffix for a round 2 without round 1."""
        round1 = self._round1(file_id) if self._stopwatch else None
        key = self._key(file_id if round1 is None else round1)
        suffix = "-round-2" if key.round_number == 2 else ""
        return f"{key.stamp:%Y-%m-%d-%H%M%S}-{key.map_name}{suffix}"

    def _round1(self, file_id: int) -> int | None:
        return self._partner_of(file_id) if self._key(file_id).round_number == 2 else None

    def _partner_of(self, file_id: int) -> int | None:
        return self._partner[file_id] if file_id in self._partner else self._stored_partner(file_id)

    def _stored_partner(self, file_id: int) -> int | None:
        if file_id not in self._window.rounds:
            return None
        return self._window.partner(file_id) if self._stopwatch else self._window.round1(file_id)

    def _round_id(self, file_id: int) -> int:
        if file_id not in self._round_ids:
            stored = self._window.rounds.get(file_id)
            self._round_ids[file_id] = next(self._changes.ids.rounds) if stored is None else stored.round_id
        return self._round_ids[file_id]

    def _in_order(self, files: Iterable[int]) -> list[int]:
        return sorted(files, key=lambda file_id: time_order(self._key(file_id)))

    def _key(self, file_id: int) -> RoundKey:
        return self._keys[file_id] if file_id in self._keys else self._window.keys[file_id]

    # Sessions

    def _sessions(self, written: Collection[int]) -> tuple[dict[int, int], list[int], list[int]]:
        """Group the rounds around the change into sessions.

        Return the session of each grouped round, the ids of the new sessions, and those of the changed sessions.
        """
        session_of: dict[int, int] = {}
        used: dict[int, None] = {}
        new: list[int] = []
        for region in self._regions(written):
            groups = sessions.group(
                ((self._key(file_id).ended_at, file_id) for file_id in region),
                self._changes.gap,
                self._spans(region),
            )
            for group in groups:
                # A group keeps the oldest session id of its rounds that no earlier group has.
                held = self._sessions_of(group) - used.keys()
                session = min(held) if held else next(self._changes.ids.sessions)
                if not held:
                    new.append(session)
                used[session] = None
                session_of.update((key, session) for key in group)
            for outer, is_before in ((groups[:1], True), (groups[-1:], False)):
                session_of |= self._rest_of_session(outer, is_before=is_before, session_of=session_of)
        affected = [session for session in used if self._is_affected(session, session_of)]
        return session_of, new, [*affected, *self._changes.refreshed]

    def _is_affected(self, session: int, session_of: Mapping[int, int]) -> bool:
        """Return whether a session's rounds or matches changed."""
        before = self._window.sessions.get(session, set())
        members = {file_id for file_id, own in session_of.items() if own == session}
        reached = self._added.keys() | self._partner.keys() | self._replaced
        return not (members <= before and reached.isdisjoint(before))

    def _regions(self, written: Collection[int]) -> list[list[int]]:
        """Return the regions, as rounds in time order, in which the start or end of a session may change.

        They surround the rounds that changed or got another partner. Regions with a session in common are merged.
        """
        moments = {self._window.rounds[file_id].ended_at for file_id in self._replaced}
        moments |= {new.ended_at for new in self._added.values()}
        paired = {
            end
            for file_id, partner in self._partner.items()
            if partner != self._stored_partner(file_id) or file_id in written
            for end in (file_id, partner, self._stored_partner(file_id))
            if end is not None and end not in self._removed
        }
        regions: list[tuple[datetime, datetime, list[int]]] = []
        for start, end in self._intervals(sorted(moments | {self._key(file_id).ended_at for file_id in paired})):
            first, region = start, self._region(start, end, moments)
            while regions and not self._sessions_of(regions[-1][2]).isdisjoint(self._sessions_of(region)):
                first = regions.pop()[0]
                region = self._region(first, end, moments)
            regions.append((first, end, region))
        return [region for _, _, region in regions]

    def _intervals(self, times: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
        """Group times that are near enough to be in one session; return the first and last of each group."""
        intervals: list[tuple[datetime, datetime]] = []
        for time in times:
            if intervals and time - intervals[-1][1] <= self._reach:
                intervals[-1] = intervals[-1][0], time
            else:
                intervals.append((time, time))
        return intervals

    def _region(self, start: datetime, end: datetime, moments: Collection[datetime]) -> list[int]:
        """Return the rounds of an interval in order, with the neighbour of an added or removed round at an end."""
        self._window.require(start, end)
        region = self._window.between(start, end)
        if start in moments:
            self._window.require(start - self._reach, start)
            before = self._window.last_before(start)
            if before is not None and start - self._window.rounds[before].ended_at <= self._reach:
                region.insert(0, before)
        if end in moments:
            self._window.require(end, end + self._reach)
            after = self._window.first_after(end)
            if after is not None and self._window.rounds[after].ended_at - end <= self._reach:
                region.append(after)
        kept = [file_id for file_id in region if file_id not in self._replaced]
        added = [file_id for file_id, new in self._added.items() if start <= new.ended_at <= end]
        return self._in_order([*kept, *added])

    def _sessions_of(self, files: Collection[int]) -> set[int]:
        """Return the stored sessions of these rounds."""
        rounds = self._window.rounds
        return {rounds[file_id].gaming_session_id for file_id in files if file_id in rounds}

    def _spans(self, region: Sequence[int]) -> list[tuple[datetime, datetime]]:
        """Return first and last time of each match that may keep rounds of the region in one session."""
        times = [self._key(file_id).ended_at for file_id in region]
        if not self._stopwatch or all(later - earlier <= self._changes.gap for earlier, later in pairwise(times)):
            return []
        around = self._window.between(times[0] - LONGEST_BREAK, times[-1])
        spans = []
        for file_id in {*(key for key in around if key not in self._replaced), *region}:
            partner = self._partner_of(file_id)
            if partner is not None and partner not in self._removed:
                ends = (self._key(file_id).ended_at, self._key(partner).ended_at)
                spans.append((min(ends), max(ends)))
        # The part of a match before the region does not affect it.
        return [(max(start, times[0]), end) for start, end in spans]

    def _rest_of_session(
        self, outer: Sequence[Sequence[int]], *, is_before: bool, session_of: Mapping[int, int]
    ) -> dict[int, int]:
        """Return the session of the rounds outside of the region whose session continues into it."""
        moved: dict[int, int] = {}
        for group in outer:
            end = group[0 if is_before else -1]
            stored = self._window.rounds.get(end)
            if end in self._added or stored is None or stored.gaming_session_id == session_of[end]:
                continue
            order = time_order(self._key(end))
            for file_id in self._window.sessions[stored.gaming_session_id] - session_of.keys() - self._replaced:
                if (time_order(self._key(file_id)) < order) is is_before:
                    moved[file_id] = session_of[end]
        return moved

    def _dead_sessions(self, session_of: Mapping[int, int]) -> list[int]:
        """Return the sessions that lose all their rounds."""
        touched = {*session_of, *self._replaced} & self._window.rounds.keys()
        before = {self._window.rounds[file_id].gaming_session_id for file_id in touched}
        leaving = {
            file_id
            for file_id in touched
            if session_of.get(file_id) != self._window.rounds[file_id].gaming_session_id
        }
        alive = set(session_of.values())
        return sorted(session for session in before - alive if self._window.sessions[session] <= leaving)

    # Series

    def _series(
        self, sessions_: Sequence[int], session_of: Mapping[int, int], written: Mapping[int, Round]
    ) -> None:
        """Assign the rounds of these sessions to series."""
        for session in sessions_:
            before = self._window.session_states.get(session)
            extended = self._extended_state(session, before, session_of, written) if before else None
            if before is None or extended is None:
                state = self._full_state(session, session_of, written)
                start, files = 0, self._members(session, session_of)
            else:
                # Rounds at the end do not affect the series before that of the previous last match.
                state, start = extended, max(0, len(before.earlier) - 1)
                files = {key for key, own in session_of.items() if own == session and key in self._added}
                files |= {round_.key for round_ in before.last}
            found = state.earlier.copy()
            if state.last:
                found.add(state.last)
            self._compare_series(session, found, start, files)
            self._window.session_states[session] = state

    def _compare_series(self, session: int, found: SessionSeries, start: int, files: Collection[int]) -> None:
        """Record which series of a session, from index `start`, differ from the stored ones, and their rounds."""
        rules = self._window.rules
        stored = self._window.series.get(session, [])
        results = found.results(rules, start)
        ids = [one.id for one in stored[start : len(found)]]
        ids += [next(self._changes.ids.series) for _ in range(len(found) - start - len(ids))]
        now = [StoredSeries.of(one, session, id_) for one, id_ in zip(results, ids, strict=True)]
        before = {one.id: one for one in stored[start:]}
        changed = [one for one in now if before.get(one.id) != one]
        self._changed_series += changed
        self._series_with_teams |= {one.id for one in changed if not one.has_teams_of(before.get(one.id))}
        if len(found) < len(stored):
            self._series_counts[session] = len(found)
        placed = {
            file_id: (id_, one.axis_team[file_id])
            for one, id_ in zip(results, ids, strict=True)
            for file_id in one.axis_team.keys() & files
        }
        self._series_of |= {file_id: placed.get(file_id, (None, None)) for file_id in files}
        best = found.longest()
        teams: Mapping[str, int] = {}
        if best is not None:
            teams = (results[best - start] if best >= start else found.results(rules, best, best + 1)[0]).team
        if self._window.session_teams.get(session, {}) != teams:
            self._session_teams[session] = dict(teams)

    def _extended_state(
        self, session: int, state: SessionState, session_of: Mapping[int, int], written: Mapping[int, Round]
    ) -> SessionState | None:
        """Return the state of a session if only rounds at its end were added; None for any other change."""
        before = self._window.sessions.get(session, set())
        grouped = [key for key, own in session_of.items() if own == session]
        added = self._in_order(key for key in grouped if key not in before)
        is_untouched = (
            state.rounds == len(before)
            and self._added.keys() >= set(added)
            and before.isdisjoint(written)
            and before.isdisjoint(self._replaced)
            and before.isdisjoint(key for key, own in session_of.items() if own != session)
        )
        last = [round_.key for round_ in state.last]
        if not is_untouched or [*last, *added] != self._in_order([*last, *added]):
            return None
        counted = [key for key in added if self._is_counted(key, written)]
        matched = {self._partner_of(key) for key in counted} if self._stopwatch else set()
        if not before.isdisjoint(matched.difference(last)):
            return None
        *more, final = matches_of([*state.last, *(self._series_round(key, written) for key in counted)]) or [[]]
        earlier = state.earlier.copy()
        for match in more:
            earlier.add(match)
        return SessionState(rounds=state.rounds + len(added), last=final, earlier=earlier)

    def _full_state(
        self, session: int, session_of: Mapping[int, int], written: Mapping[int, Round]
    ) -> SessionState:
        """Compute the state of a session from all of its rounds."""
        members = self._in_order(self._members(session, session_of))
        rounds = [
            self._series_round(file_id, written) for file_id in members if self._is_counted(file_id, written)
        ]
        *earlier, last = matches_of(rounds) or [[]]
        series = SessionSeries()
        for match in earlier:
            series.add(match)
        return SessionState(rounds=len(members), last=last, earlier=series)

    def _members(self, session: int, session_of: Mapping[int, int]) -> set[int]:
        members = self._window.sessions.get(session, set()) - session_of.keys() - self._replaced
        return members | {file_id for file_id, own in session_of.items() if own == session}

    def _is_counted(self, file_id: int, written: Mapping[int, Round]) -> bool:
        return (written.get(file_id) or self._window.rounds[file_id]).is_counted

    def _series_round(self, file_id: int, written: Mapping[int, Round]) -> SeriesRound:
        round_ = written.get(file_id)
        if round_ is None:
            stored = self._window.rounds[file_id]
            filename, defender, winner = stored.filename, stored.defender_team, stored.winner_team
            players: Mapping[str, SeriesPlayer] = self._window.players.get(file_id, {})
        else:
            filename, defender, winner = round_.name.filename, round_.defender_team, round_.winner_team
            players = {
                player.player_guid: SeriesPlayer(player.team, player.clean_name) for player in round_.players
            }
        return SeriesRound(
            key=file_id,
            filename=filename,
            match_id=self._match_id(file_id),
            round_number=self._key(file_id).round_number,
            defender_team=defender,
            winner_team=winner,
            players=by_person(players, self._window.rules),
            time_limit_seconds=self._key(file_id).time_limit_seconds,
        )


def key_of_new(new: NewRound) -> RoundKey:
    """Return the values of a new round that decide its pairing."""
    name = new.raw.name
    return RoundKey(
        key=new.file_id,
        ended_at=new.ended_at,
        stamp=name.stamp,
        map_name=name.map_name,
        round_number=name.round_number,
        time_limit_seconds=new.raw.time_limit_seconds,
        actual_time_seconds=new.raw.actual_time_seconds,
    )
