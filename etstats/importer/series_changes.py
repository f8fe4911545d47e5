"""The series of the sessions that a change of files affects."""

from collections.abc import Collection, Iterator, Mapping

from etstats.db.series import StoredSeries
from etstats.domain.rules.series import SeriesPlayer, SeriesRound, SessionSeries, by_person, matches_of
from etstats.importer.changed_rounds import ChangedRounds
from etstats.importer.pairs import Pairs
from etstats.importer.round_window import SessionState
from etstats.importer.session_groups import SessionGroups


class SeriesChanges:
    """The differences from the stored series.

    `changed`: new and changed series; `with_teams`: the ids of those whose teams changed; `counts`: the number of
    series of each session that has fewer; `series_of`: series and team of Axis of each assigned round;
    `session_teams`: the teams of each session whose teams changed.
    """

    def __init__(
        self,
        rounds: ChangedRounds,
        pairs: Pairs,
        groups: SessionGroups,
        ids: Iterator[int],
    ) -> None:
        """`ids`: of new series."""
        self._rounds = rounds
        self._window = rounds.window
        self._pairs = pairs
        self._groups = groups
        self._derived = pairs.derived
        self._ids = ids
        self.changed: list[StoredSeries] = []
        self.with_teams: set[int] = set()
        self.counts: dict[int, int] = {}
        self.series_of: dict[int, tuple[int | None, int | None]] = {}
        self.session_teams: dict[int, dict[str, int]] = {}

    def add(self, session: int) -> None:
        """Assign the rounds of a session to series, and record the differences."""
        before = self._window.session_states.get(session)
        extended = self._extended_state(session, before) if before else None
        if before is None or extended is None:
            members = self._groups.members(session)
            self._compare(session, state := self._full_state(members), 0, members)
        else:
            # Rounds at the end do not affect the series before that of the previous last match.
            files = {key for key in self._groups.grouped(session) if key in self._rounds.added}
            files |= {round_.key for round_ in before.last}
            self._compare(session, state := extended, max(0, len(before.earlier) - 1), files)
        self._window.session_states[session] = state

    def _compare(self, session: int, state: SessionState, start: int, files: Collection[int]) -> None:
        """Record which series of a session, from index `start`, differ from the stored ones, and their rounds."""
        found = state.earlier.copy()
        if state.last:
            found.add(state.last)
        rules = self._window.rules
        stored = self._window.series.get(session, [])
        results = found.results(rules, start)
        ids = [one.id for one in stored[start : len(found)]]
        ids += [next(self._ids) for _ in range(len(found) - start - len(ids))]
        now = [StoredSeries.of(one, session, id_) for one, id_ in zip(results, ids, strict=True)]
        before = {one.id: one for one in stored[start:]}
        changed = [one for one in now if before.get(one.id) != one]
        self.changed += changed
        self.with_teams |= {one.id for one in changed if not one.has_teams_of(before.get(one.id))}
        if len(found) < len(stored):
            self.counts[session] = len(found)
        placed = {
            file_id: (id_, one.axis_team[file_id])
            for one, id_ in zip(results, ids, strict=True)
            for file_id in one.axis_team.keys() & files
        }
        self.series_of |= {file_id: placed.get(file_id, (None, None)) for file_id in files}
        best = found.longest()
        teams: Mapping[str, int] = {}
        if best is not None:
            teams = (results[best - start] if best >= start else found.results(rules, best, best + 1)[0]).team
        if self._window.session_teams.get(session, {}) != teams:
            self.session_teams[session] = dict(teams)

    def _extended_state(self, session: int, state: SessionState) -> SessionState | None:
        """Return the state of a session if only rounds at its end were added; None for any other change."""
        before = self._window.sessions.get(session, set())
        in_order = self._rounds.in_order
        added = in_order(key for key in self._groups.grouped(session) if key not in before)
        is_untouched = (
            state.rounds == len(before)
            and self._rounds.added.keys() >= set(added)
            and before.isdisjoint(self._derived)
            and before.isdisjoint(self._rounds.replaced)
            and before.isdisjoint(key for key, own in self._groups.session_of.items() if own != session)
        )
        last = [round_.key for round_ in state.last]
        if not is_untouched or [*last, *added] != in_order([*last, *added]):
            return None
        counted = list(filter(self._is_counted, added))
        matched = {self._pairs.partner(key) for key in counted} if self._rounds.has_stopwatch else set()
        if not before.isdisjoint(matched.difference(last)):
            return None
        *more, final = matches_of([*state.last, *map(self._series_round, counted)]) or [[]]
        earlier = state.earlier.copy()
        for match in more:
            earlier.add(match)
        return SessionState(rounds=state.rounds + len(added), last=final, earlier=earlier)

    def _full_state(self, members: Collection[int]) -> SessionState:
        """Compute the state of a session from all of its rounds."""
        counted = filter(self._is_counted, self._rounds.in_order(members))
        *earlier, last = matches_of(list(map(self._series_round, counted))) or [[]]
        series = SessionSeries()
        for match in earlier:
            series.add(match)
        return SessionState(rounds=len(members), last=last, earlier=series)

    def _is_counted(self, file_id: int) -> bool:
        return (self._derived.get(file_id) or self._window.rounds[file_id]).is_counted

    def _series_round(self, file_id: int) -> SeriesRound:
        round_ = self._derived.get(file_id)
        if round_ is None:
            stored = self._window.rounds[file_id]
            filename, defender, winner = stored.filename, stored.defender_team, stored.winner_team
            players: Mapping[str, SeriesPlayer] = self._window.players.get(file_id, {})
        else:
            filename, defender, winner = round_.name.filename, round_.defender_team, round_.winner_team
            players = {
                player.player_guid: SeriesPlayer(player.team, player.clean_name) for player in round_.players
            }
        key = self._rounds.key(file_id)
        return SeriesRound(
            key=file_id,
            filename=filename,
            match_id=self._pairs.match_id(file_id),
            round_number=key.round_number,
            defender_team=defender,
            winner_team=winner,
            players=by_person(players, self._window.rules),
            time_limit_seconds=key.time_limit_seconds,
        )
