"""What a change means for the rounds around it: pairs, matches, gaming sessions and line-ups, made true again.

Everything here is a function of which files there are, never of the order in which they came. A neighbourhood
is closed: no round outside it is within pairing or session distance of a round inside, so nothing beyond it can
change. One file at a time (import) and a whole archive, evening by evening (rebuild), go the same way.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import etstats.db.rounds as stored_rounds
from etstats.db.connection import Connection
from etstats.db.rounds import Move, PlacedRound, StoredRound
from etstats.model import RawRound, Round
from etstats.parser.rounds import derive
from etstats.rules import lineups, pairing, sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A file that counts from now on, or whose content changed."""

    file_id: int
    ended_at: datetime
    raw: RawRound


@dataclass(slots=True, kw_only=True)
class Neighbourhood:
    """The rounds of one server that a change can touch: those stored, those that come, those that go."""

    server_id: int
    gap: timedelta
    stored: dict[int, StoredRound] = field(default_factory=dict)
    arrivals: dict[int, Arrival] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()

    @property
    def heads(self) -> dict[int, pairing.Head]:
        """What pairing must know of every round that will be there, by file."""
        heads = {key: _stored_head(s) for key, s in self.stored.items() if key not in self.removed}
        return heads | {key: _new_head(a) for key, a in self.arrivals.items()}


@dataclass(slots=True)
class Memory:
    """What one run remembers between files, so that it need not be read back; to be thrown away on a rollback."""

    raw: dict[int, RawRound] = field(default_factory=dict)
    sides: dict[int, dict[str, int]] = field(default_factory=dict)

    def keep(self, file_ids: Collection[int]) -> None:
        """Forget all files but these."""
        self.raw = {key: raw for key, raw in self.raw.items() if key in file_ids}
        self.sides = {key: sides for key, sides in self.sides.items() if key in file_ids}


def find(
    conn: Connection,
    server_id: int,
    gap: timedelta,
    arrivals: Iterable[Arrival],
    removed: Mapping[int, datetime],
) -> Neighbourhood:
    """Load the closed neighbourhood of what comes and what goes (file id -> when its round ended)."""
    coming = {a.file_id: a for a in arrivals}
    moments = [a.ended_at for a in coming.values()] + list(removed.values())
    reach = max(gap, pairing.LONGEST_GAP)
    low, high = min(moments), max(moments)
    while True:
        rounds = {r.file_id: r for r in stored_rounds.around(conn, server_id, low - reach, high + reach)}
        lowest = min((r.ended_at for r in rounds.values()), default=low)
        highest = max((r.ended_at for r in rounds.values()), default=high)
        # Sessions are closed by themselves when they are no narrower than pairing; narrower ones are chained.
        if gap >= reach or (lowest >= low and highest <= high):
            return Neighbourhood(
                server_id=server_id, gap=gap, stored=rounds, arrivals=coming, removed=frozenset(removed)
            )
        low, high = min(low, lowest), max(high, highest)


def settle(
    conn: Connection, there: Neighbourhood, read: Callable[[int], RawRound], memory: Memory
) -> dict[int, int]:
    """Make the neighbourhood true in the base, inside the caller's transaction; returns file id -> round id.

    `read` gives the archived content of a file that is not among the arrivals. CheckError when the base did not
    take what was written.
    """
    heads = there.heads
    partner = pairing.pair(heads.values())
    groups = sessions.group(((h.ended_at, key) for key, h in heads.items()), there.gap)
    session_of = _sessions(conn, there, groups)
    written = [
        PlacedRound(
            file_id=key,
            ended_at=head.ended_at,
            match_id=_match_id(there, partner.get(key, key)),
            round1_file_id=partner.get(key),
            session_id=session_of[key],
            round=_derive(key, partner.get(key), there, read, memory),
        )
        for key, head in heads.items()
        if _must_write(key, partner, there)
    ]
    if there.removed:
        stored_rounds.drop(conn, there.removed)
    kept = {key: s.round_id for key, s in there.stored.items() if key not in there.removed}
    ids = stored_rounds.write(conn, there.server_id, written, kept)
    for placed in written:
        stored_rounds.check_written(conn, ids[placed.file_id], placed.round)
        memory.sides[placed.file_id] = {p.player_guid: p.team for p in placed.round.players}
    done = {p.file_id for p in written}
    moves = [
        Move(round_id=s.round_id, match_id=match_id, session_id=session_of[key])
        for key, s in there.stored.items()
        if key in heads and key not in done
        if (match_id := _match_id(there, partner.get(key, key))) != s.match_id
        or session_of[key] != s.gaming_session_id
    ]
    stored_rounds.move(conn, moves)
    touched = {session_of[key] for key in done} | {m.session_id for m in moves}
    touched |= {s.gaming_session_id for key, s in there.stored.items() if key in there.removed}
    evenings = {
        session_of[group[0]]: [(_match_id(there, partner.get(key, key)), key) for key in group]
        for group in groups
        if session_of[group[0]] in touched
    }
    _write_lineups(conn, there, evenings, ids, memory)
    stored_rounds.drop_sessions(
        conn, {s.gaming_session_id for s in there.stored.values()} - set(session_of.values())
    )
    memory.keep(heads.keys())
    return ids


def _must_write(key: int, partner: Mapping[int, int], there: Neighbourhood) -> bool:
    """A round is written when it is new or changed, or when the round 1 it stands against is or has."""
    if key in there.arrivals:
        return True
    before = there.stored[key].round1_id
    now = partner.get(key)
    if now is None:
        return before is not None
    return now in there.arrivals or now not in there.stored or there.stored[now].round_id != before


def _derive(
    key: int, first: int | None, there: Neighbourhood, read: Callable[[int], RawRound], memory: Memory
) -> Round:
    def raw(file_id: int) -> RawRound:
        if file_id in there.arrivals:
            memory.raw[file_id] = there.arrivals[file_id].raw
        elif file_id not in memory.raw:
            memory.raw[file_id] = read(file_id)
        return memory.raw[file_id]

    return derive(raw(key), None if first is None else raw(first))


def _sessions(conn: Connection, there: Neighbourhood, groups: list[list[int]]) -> dict[int, int]:
    """The session of each file: each group keeps the oldest id it held and no earlier group took."""
    taken: set[int] = set()
    session_of: dict[int, int] = {}
    for group in groups:
        held = {there.stored[key].gaming_session_id for key in group if key in there.stored} - taken
        session = min(held) if held else stored_rounds.add_session(conn, there.server_id)
        taken.add(session)
        session_of.update((key, session) for key in group)
    return session_of


def _write_lineups(
    conn: Connection,
    there: Neighbourhood,
    evenings: Mapping[int, list[tuple[str, int]]],
    ids: Mapping[int, int],
    memory: Memory,
) -> None:
    """Follow the line-ups of these sessions; each is its (match, file) list in time order."""
    unknown = {ids[key]: key for rounds in evenings.values() for _, key in rounds if key not in memory.sides}
    if unknown:
        for round_id, sides in stored_rounds.sides(conn, list(unknown)).items():
            memory.sides[unknown[round_id]] = sides
    heads = there.heads
    teams = {
        session: lineups.follow(
            lineups.Sides(match_id=match, round_number=heads[key].round_number, sides=memory.sides[key])
            for match, key in rounds
        ).team
        for session, rounds in evenings.items()
    }
    stored_rounds.write_lineups(conn, teams)


def _match_id(there: Neighbourhood, file_id: int) -> str:
    """The match's name: the stamp and map of its first round; an orphan round 2 says that it is one."""
    if file_id in there.arrivals:
        name = there.arrivals[file_id].raw.name
        stamp, map_name, number = name.stamp, name.map_name, name.round_number
    else:
        stored = there.stored[file_id]
        stamp, map_name, number = stored.stamp, stored.map_name, stored.round_number
    return f"{stamp:%Y-%m-%d-%H%M%S}-{map_name}" + ("-round-2" if number == 2 else "")


def _stored_head(s: StoredRound) -> pairing.Head:
    return pairing.Head(
        key=s.file_id,
        ended_at=s.ended_at,
        map_name=s.map_name,
        round_number=s.round_number,
        time_limit_seconds=s.time_limit_seconds,
        actual_time_seconds=s.actual_time_seconds,
    )


def _new_head(a: Arrival) -> pairing.Head:
    return pairing.Head(
        key=a.file_id,
        ended_at=a.ended_at,
        map_name=a.raw.name.map_name,
        round_number=a.raw.name.round_number,
        time_limit_seconds=a.raw.time_limit_seconds,
        actual_time_seconds=a.raw.actual_time_seconds,
    )
