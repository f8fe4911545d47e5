"""The stored rounds of one server that were loaded around some times."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from etstats.db.rounds import PlayerOfRound, RoundChanges, StoredRound
from etstats.db.series import StoredSeries
from etstats.domain.rounds import PlayerRound, RawRound
from etstats.domain.rules.pairing import RoundIndex, RoundKey
from etstats.domain.rules.series import NO_RULES, NamingRules, SeriesPlayer, SeriesRound, SessionSeries

Interval = tuple[datetime, datetime]
_ALL_TIMES = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class MissingRoundsError(Exception):
    """A decision depends on rounds of a time that is not loaded: load them and decide again."""

    def __init__(self, start: datetime, end: datetime) -> None:
        super().__init__(f"the rounds from {start} to {end} were not loaded")
        self.start = start
        self.end = end


class MissingContentError(Exception):
    """A decision depends on files whose content was not loaded: load them and decide again."""

    def __init__(self, file_ids: Set[int]) -> None:
        super().__init__(f"the content of files {sorted(file_ids)} was not loaded")
        self.file_ids = file_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The series of a session before its last match, so that a new round at the end needs no full computation.

    `rounds`: the number of rounds of the session; `last`: those of its last match; `earlier`: the series before.
    """

    rounds: int
    last: Sequence[SeriesRound]
    earlier: SessionSeries


class RoundWindow:
    """Stored rounds by file id, in complete gaming sessions.

    `players`: side and name of each GUID, by round; `reset`: GUIDs whose counters were reset, by round. `series`
    and `session_teams` (GUID -> team) are by session. `rules`: the rules for team names. `contents`: parsed files,
    loaded on demand. Outside the covered times, a missing round may still be stored in the database.
    """

    def __init__(self, *, is_complete: bool = False, rules: NamingRules = NO_RULES) -> None:
        """`is_complete`: the added rounds are all that are stored."""
        self.rounds: dict[int, StoredRound] = {}
        self.keys: dict[int, RoundKey] = {}
        self.players: dict[int, dict[str, SeriesPlayer]] = {}
        self.reset: dict[int, set[str]] = {}
        self.series: dict[int, list[StoredSeries]] = {}
        self.session_teams: dict[int, Mapping[str, int]] = {}
        self.session_states: dict[int, SessionState] = {}
        self.rules = rules
        self.contents: dict[int, RawRound] = {}
        self.sessions: dict[int, set[int]] = {}
        self.index = RoundIndex()
        self._covered: list[Interval] = [_ALL_TIMES] if is_complete else []
        self._times: list[tuple[datetime, datetime, str, int, int]] = []
        self._file_ids: dict[int, int] = {}
        self._round2: dict[int, int] = {}  # round id of a round 1 -> file of its round 2

    def add(
        self,
        stored: Iterable[StoredRound],
        series: Iterable[StoredSeries],
        session_teams: Mapping[int, Mapping[str, int]],
        players: Iterable[PlayerOfRound] = (),
    ) -> None:
        """Add stored rounds: complete sessions with their series, teams and players."""
        for round_ in stored:
            self._add(round_)
        for one in series:
            self.series.setdefault(one.session_id, []).append(one)
        self.session_teams |= session_teams
        for player in players:
            self._add_player(self._file_ids[player.round_id], player)

    def use_rules(self, rules: NamingRules) -> None:
        """Set the rules for team names."""
        if rules != self.rules:
            self.rules = rules
            self.session_states.clear()

    def cover(self, moments: Iterable[datetime], reach: timedelta) -> None:
        """Mark the times within `reach` of these moments as loaded, with complete sessions."""
        intervals = sorted([*self._covered, *((moment - reach, moment + reach) for moment in moments)])
        merged: list[Interval] = []
        for start, end in intervals:
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        self._covered = merged

    def is_covered(self, start: datetime, end: datetime) -> bool:
        """Return whether all rounds of a time are loaded."""
        at = bisect_right(self._covered, start, key=itemgetter(0)) - 1
        return at >= 0 and end <= self._covered[at][1]

    def require(self, start: datetime, end: datetime) -> None:
        """Raise MissingRoundsError unless all rounds of a time are loaded."""
        if not self.is_covered(start, end):
            raise MissingRoundsError(start, end)

    def keep(self, moments: Sequence[datetime], reach: timedelta) -> None:
        """Remove the sessions without a round within `reach` of these moments, and all contents."""
        near = {key for moment in moments for key in self.between(moment - reach, moment + reach)}
        sessions = {self.rounds[key].gaming_session_id for key in near}
        for session in self.sessions.keys() - sessions:
            for key in list(self.sessions[session]):
                self.remove(key)
            self._drop_session(session)
        wanted = [moment for moment in set(moments) if self.is_covered(moment - reach, moment + reach)]
        self._covered = []
        self.cover(wanted, reach)
        self.contents.clear()

    def between(self, start: datetime, end: datetime) -> list[int]:
        """Return the rounds that ended from `start` to `end` (inclusive), by time and name."""
        first = bisect_left(self._times, start, key=itemgetter(0))
        return [at[-1] for at in self._times[first : bisect_right(self._times, end, key=itemgetter(0))]]

    def last_before(self, moment: datetime) -> int | None:
        """Return the last round that ended before a time."""
        at = bisect_left(self._times, moment, key=itemgetter(0))
        return self._times[at - 1][-1] if at else None

    def first_after(self, moment: datetime) -> int | None:
        """Return the first round that ended after a time."""
        at = bisect_right(self._times, moment, key=itemgetter(0))
        return self._times[at][-1] if at < len(self._times) else None

    def partner(self, file_id: int) -> int | None:
        """Return the file of the other round of a stored round's match."""
        round1_id = self.rounds[file_id].round1_id
        if round1_id is not None:
            return self._file_ids.get(round1_id)
        return self._round2.get(self.rounds[file_id].round_id)

    def round1(self, file_id: int) -> int | None:
        """Return the file of the round 1 that was subtracted from a stored round."""
        round1_id = self.rounds[file_id].round1_id
        return None if round1_id is None else self._file_ids.get(round1_id)

    def apply(self, changes: RoundChanges) -> None:
        """Apply changes to the window as if they were stored."""
        for file_id in changes.dropped_files:
            self.remove(file_id)
        for derived in changes.written:
            self.remove(derived.file_id)
        for derived in changes.written:
            self._add(derived.as_stored())
            for player in derived.round.players:
                self._add_player(derived.file_id, player)
        for move in changes.moves:
            file_id = self._file_ids[move.round_id]
            stored = self.rounds[file_id]
            self._leave_session(stored)
            self.rounds[file_id] = stored._replace(
                match_id=move.match_id,
                gaming_session_id=move.session_id,
                series_id=move.series_id,
                axis_team=move.axis_team,
            )
            self.sessions.setdefault(move.session_id, set()).add(file_id)
        for one in changes.series:
            known = self.series.setdefault(one.session_id, [])
            known[one.number - 1 : one.number] = [one]
        for session, count in changes.series_counts.items():
            del self.series[session][count:]
        self.session_teams |= changes.session_teams
        for session in changes.dead_sessions:
            self._drop_session(session)

    def remove(self, file_id: int) -> None:
        """Remove a round if it is loaded."""
        stored = self.rounds.pop(file_id, None)
        if stored is None:
            return
        key = self.keys.pop(file_id)
        self.index.remove(key)
        at = bisect_left(self._times, time_order(key))
        del self._times[at]
        self._leave_session(stored)
        del self._file_ids[stored.round_id]
        if stored.round1_id is not None and self._round2.get(stored.round1_id) == file_id:
            del self._round2[stored.round1_id]
        self.players.pop(file_id, None)
        self.reset.pop(file_id, None)

    def _drop_session(self, session: int) -> None:
        self.series.pop(session, None)
        self.session_teams.pop(session, None)
        self.session_states.pop(session, None)

    def _leave_session(self, stored: StoredRound) -> None:
        members = self.sessions[stored.gaming_session_id]
        members.remove(stored.file_id)
        if not members:
            del self.sessions[stored.gaming_session_id]

    def _add(self, stored: StoredRound) -> None:
        if stored.file_id in self.rounds:
            return
        key = key_of(stored)
        self.rounds[stored.file_id] = stored
        self.keys[stored.file_id] = key
        self.index.add(key)
        insort(self._times, time_order(key))
        self.sessions.setdefault(stored.gaming_session_id, set()).add(stored.file_id)
        self._file_ids[stored.round_id] = stored.file_id
        if stored.round1_id is not None:
            self._round2[stored.round1_id] = stored.file_id

    def _add_player(self, file_id: int, player: PlayerOfRound | PlayerRound) -> None:
        there = self.players.setdefault(file_id, {})
        there[player.player_guid] = SeriesPlayer(player.team, player.clean_name)
        if player.was_reset:
            self.reset.setdefault(file_id, set()).add(player.player_guid)


def key_of(stored: StoredRound) -> RoundKey:
    """Return the values of a stored round that decide its pairing."""
    return RoundKey(
        key=stored.file_id,
        ended_at=stored.ended_at,
        stamp=stored.stamp,
        map_name=stored.map_name,
        round_number=stored.round_number,
        time_limit_seconds=stored.time_limit_seconds,
        actual_time_seconds=stored.actual_time_seconds,
    )


def time_order(key: RoundKey) -> tuple[datetime, datetime, str, int, int]:
    """Return the sort key of rounds; equal times are sorted by name, because ids depend on the import order."""
    return key.ended_at, key.stamp, key.map_name, key.round_number, key.key
