"""What a change means for the rounds around it: pairs, matches, gaming sessions and line-ups, made true again.

Everything here is a function of which files there are, never of the order in which they came. A window
is closed: no round outside it is within pairing or session distance of a round inside, so nothing beyond it can
change. One file at a time (import) and a whole archive, session by session (rebuild), go the same way.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from etstats.db.connection import Connection
from etstats.db.rounds import DerivedRound, Reassignment, RoundChanges, StoredRound
from etstats.domain.rounds import RawRound
from etstats.domain.rules import sessions
from etstats.domain.rules.lineups import Lineups, Sides
from etstats.domain.rules.pairing import LONGEST_GAP, RoundKey, pair
from etstats.importer.round_window import RoundWindow
from etstats.parser.rounds import derive


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRound:
    """A file that counts from now on, or whose content changed."""

    file_id: int
    ended_at: datetime
    raw: RawRound


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Pairs and sessions of rounds (by file id), computed from scratch; in order of time."""

    heads: Mapping[int, RoundKey]
    partner: Mapping[int, int]
    """Round 2 -> its round 1."""
    groups: Sequence[Sequence[int]]
    """The rounds of each gaming session."""
    session_of: Mapping[int, int]
    new_sessions: Sequence[int]
    match_of: Mapping[int, str]


class Reconciler:
    """The stored rounds of one server around some moments, kept in step with what is decided here.

    `read` gives the archived content of a file; `round_ids` and `session_ids` are reserved ids for new rows.
    """

    def __init__(
        self,
        server_id: int,
        gap: timedelta,
        read: Callable[[int], RawRound],
        round_ids: Iterator[int],
        session_ids: Iterator[int],
    ) -> None:
        self._server_id = server_id
        self._gap = gap
        self._reach = max(gap, LONGEST_GAP)
        self._read = read
        self._round_ids = round_ids
        self._session_ids = session_ids
        self._picture = RoundWindow()
        self._rounds: Mapping[int, StoredRound] = self._picture.rounds
        self._raw: dict[int, RawRound] = {}
        self._match_ids: dict[int, str] = {}
        # Session -> the rounds of its matches, match by match, that these line-ups come from.
        self._followed: dict[int, tuple[list[list[int]], Lineups]] = {}

    def load(self, conn: Connection, moments: Sequence[datetime]) -> None:
        """Read from the database all that a change at one of these times can affect."""
        # A session is closed by itself unless it may be narrower than pairing: then its ends have neighbours.
        self._picture.load(conn, self._server_id, moments, self._reach, onward=self._gap < self._reach)

    def hold(self, stored: Iterable[StoredRound], lineups: Mapping[int, dict[str, int]]) -> None:
        """Take these rounds instead; all their files must come again, or go, with the next `settle`."""
        self._picture.hold(stored, lineups)

    def reconcile(self, arrivals: Iterable[NewRound], removed: Collection[int] = ()) -> RoundChanges:
        """Decide what follows when these files come and those (file ids) go; remembers it as done."""
        coming = {a.file_id: a for a in arrivals}
        going = [key for key in removed if key in self._rounds]
        there = self._picture.near(self._moments(coming, going), self._reach) - set(going)
        before = {self._rounds[key].gaming_session_id for key in (*there, *going)}
        self._raw |= {key: a.raw for key, a in coming.items()}
        order = self._put_in_order(there, coming)
        written = self._written(order, coming)
        moves = self._moves(order, there - {p.file_id for p in written})
        if going or any(p.is_stored for p in written):
            self._followed.clear()  # what was gone through is not what it was
        for key in going:
            self._picture.forget(key)
        for placed in written:
            self._picture.place(placed)
        for key in there:
            self._picture.move(key, order.match_of[key], order.session_of[key])
        return RoundChanges(
            server_id=self._server_id,
            written=written,
            moves=moves,
            dropped_files=going,
            new_sessions=order.new_sessions,
            dead_sessions=sorted(before - set(order.session_of.values())),
            lineups=self._follow(order),
        )

    def _moments(self, coming: Mapping[int, NewRound], going: Iterable[int]) -> list[datetime]:
        """Where something changes."""
        # A file that comes again may have ended at another moment before: an mtime decided the doubled hour.
        leaving = [*going, *(key for key in coming if key in self._rounds)]
        return [a.ended_at for a in coming.values()] + [self._rounds[key].ended_at for key in leaving]

    def _put_in_order(self, there: Iterable[int], coming: Mapping[int, NewRound]) -> _Order:
        """Pair, group and name these rounds and those that come."""
        heads = {key: self._picture.heads[key] for key in there}
        heads |= {key: _new_head(a) for key, a in coming.items()}
        # Rounds of one moment stand in the order of their names: ids would say which file came first.
        heads = dict(sorted(heads.items(), key=lambda head: (head[1].ended_at, self._name(head[0]))))
        partner = pair(heads.values())
        groups = sessions.group(((h.ended_at, key) for key, h in heads.items()), self._gap)
        session_of, new_sessions = self._name_sessions(groups)
        return _Order(
            heads=heads,
            partner=partner,
            groups=groups,
            session_of=session_of,
            new_sessions=new_sessions,
            match_of={key: self._match_id(partner.get(key, key)) for key in heads},
        )

    def _name_sessions(self, groups: list[list[int]]) -> tuple[dict[int, int], list[int]]:
        """The session of each file: a group keeps the oldest id that it held and no earlier group took."""
        session_of: dict[int, int] = {}
        taken: set[int] = set()
        new: list[int] = []
        for group in groups:
            held = {self._rounds[key].gaming_session_id for key in group if key in self._rounds} - taken
            session = min(held) if held else next(self._session_ids)
            if not held:
                new.append(session)
            taken.add(session)
            session_of.update((key, session) for key in group)
        return session_of, new

    def _match_id(self, key: int) -> str:
        """The match's name: stamp and map of its first round; an orphan round 2 says that it is one."""
        if key not in self._match_ids:
            stamp, map_name, number = self._name(key)
            suffix = "-round-2" if number == 2 else ""
            self._match_ids[key] = f"{stamp:%Y-%m-%d-%H%M%S}-{map_name}{suffix}"
        return self._match_ids[key]

    def _name(self, key: int) -> tuple[datetime, str, int]:
        """Stamp, map and number: what a file's name is made of."""
        if key in self._raw:
            name = self._raw[key].name
            return name.stamp, name.map_name, name.round_number
        stored = self._rounds[key]
        return stored.stamp, stored.map_name, stored.round_number

    def _written(self, order: _Order, coming: Mapping[int, NewRound]) -> list[DerivedRound]:
        """The rounds whose numbers are new: those that come, and those whose round 1 is another than before."""
        partner = order.partner
        round_ids = {key: self._round_id(key) for key in order.heads}
        return [
            DerivedRound(
                round_id=round_ids[key],
                is_stored=key in self._rounds,
                file_id=key,
                ended_at=head.ended_at,
                match_id=order.match_of[key],
                round1_id=round_ids[partner[key]] if key in partner else None,
                session_id=order.session_of[key],
                round=derive(self._content(key), self._content(partner[key]) if key in partner else None),
            )
            for key, head in order.heads.items()
            if key in coming or self._has_new_round1(key, partner.get(key), coming)
        ]

    def _has_new_round1(self, key: int, round1: int | None, coming: Mapping[int, NewRound]) -> bool:
        """Return whether a stored round has another round 1 than before, or a changed one."""
        before = self._rounds[key].round1_id
        if round1 is None:
            return before is not None
        return round1 in coming or self._rounds[round1].round_id != before

    def _round_id(self, key: int) -> int:
        return self._rounds[key].round_id if key in self._rounds else next(self._round_ids)

    def _content(self, key: int) -> RawRound:
        if key not in self._raw:
            self._raw[key] = self._read(key)
        return self._raw[key]

    def _moves(self, order: _Order, keys: Iterable[int]) -> list[Reassignment]:
        """Of these stored rounds, whose numbers stay, those that stand in another match or session now."""
        places = ((key, order.match_of[key], order.session_of[key]) for key in keys)
        return [
            Reassignment(round_id=self._rounds[key].round_id, match_id=match_id, session_id=session_id)
            for key, match_id, session_id in places
            if self._picture.is_elsewhere(key, match_id, session_id)
        ]

    def _follow(self, order: _Order) -> dict[int, dict[str, int]]:
        """The line-ups of these sessions, where they are not what they were."""
        changed: dict[int, dict[str, int]] = {}
        for group in order.groups:
            session = order.session_of[group[0]]
            team = self._line_ups(session, group, order).team
            if self._picture.lineups.get(session) != team:
                self._picture.lineups[session] = changed[session] = team
        return changed

    def _line_ups(self, session: int, group: Sequence[int], order: _Order) -> Lineups:
        """The line-ups of one session; the matches before its last one are gone through only once."""
        in_match: dict[str, list[int]] = {}
        for key in group:
            in_match.setdefault(order.match_of[key], []).append(key)
        *earlier, last = in_match.values()
        known, followed = self._followed.get(session, ([], Lineups()))
        if earlier[: len(known)] != known:
            known, followed = [], Lineups()
        for match in earlier[len(known) :]:
            followed.add(self._sides(match, order))
        self._followed[session] = (earlier, followed)
        whole = followed.copy()
        whole.add(self._sides(last, order))
        return whole

    def _sides(self, match: Iterable[int], order: _Order) -> list[Sides]:
        return [
            Sides(
                match_id=order.match_of[key],
                round_number=order.heads[key].round_number,
                sides=self._picture.sides[key],
            )
            for key in match
        ]


def _new_head(a: NewRound) -> RoundKey:
    return RoundKey(
        key=a.file_id,
        ended_at=a.ended_at,
        map_name=a.raw.name.map_name,
        round_number=a.raw.name.round_number,
        time_limit_seconds=a.raw.time_limit_seconds,
        actual_time_seconds=a.raw.actual_time_seconds,
    )
