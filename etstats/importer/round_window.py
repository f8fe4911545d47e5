"""What is known of the stored rounds around some moments, kept in step with what is decided about them."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from etstats.db import rounds as base
from etstats.db.connection import Connection
from etstats.db.rounds import DerivedRound, StoredRound
from etstats.domain.rules.pairing import RoundKey


class RoundWindow:
    """Stored rounds by file id, the side of each GUID in them, and the line-ups of their sessions."""

    def __init__(self) -> None:
        self.rounds: dict[int, StoredRound] = {}
        self.heads: dict[int, RoundKey] = {}
        self.sides: dict[int, dict[str, int]] = {}
        self.lineups: dict[int, dict[str, int]] = {}
        self._times: list[tuple[datetime, int]] = []

    def load(
        self, conn: Connection, server_id: int, moments: Sequence[datetime], reach: timedelta, *, onward: bool
    ) -> None:
        """Read the sessions within reach of the given times; `onward`: and within reach of those found."""
        while moments:
            found = base.around(conn, server_id, moments, reach)
            new = [r for r in found if r.file_id not in self.rounds]
            for r in new:
                self._keep(r)
            moments = [r.ended_at for r in new] if onward else []
        file_of = {r.round_id: r.file_id for r in self.rounds.values()}
        for round_id, sides in base.sides(conn, list(file_of)).items():
            self.sides[file_of[round_id]] = sides
        self.lineups = base.lineups(conn, list({r.gaming_session_id for r in self.rounds.values()}))

    def hold(self, stored: Iterable[StoredRound], lineups: Mapping[int, dict[str, int]]) -> None:
        """Take these rounds, of which the sides stay unknown."""
        for r in stored:
            self._keep(r)
        self.lineups |= lineups

    def near(self, moments: Iterable[datetime], reach: timedelta) -> set[int]:
        """The rounds that hang together with one of the moments by gaps no longer than the reach.

        With the rest of their sessions: one stored under a longer gap may reach further than that.
        """
        near: set[int] = set()
        for moment in moments:
            at = bisect_left(self._times, (moment, 0))
            for side in (reversed(self._times[:at]), self._times[at:]):
                last = moment
                for time, key in side:
                    if abs(time - last) > reach:
                        break
                    near.add(key)
                    last = time
        named = {self.rounds[key].gaming_session_id for key in near}
        return {key for key, r in self.rounds.items() if r.gaming_session_id in named}

    def place(self, placed: DerivedRound) -> None:
        """Take a round as it will be written."""
        self.forget(placed.file_id)
        self._keep(placed.as_stored())
        self.sides[placed.file_id] = {p.player_guid: p.team for p in placed.round.players}

    def forget(self, key: int) -> None:
        """Let a round go, if it is there."""
        stored = self.rounds.pop(key, None)
        if stored is not None:
            del self.heads[key]
            del self._times[bisect_left(self._times, (stored.ended_at, key))]

    def move(self, key: int, match_id: str, session_id: int) -> None:
        """Put a round into a match and a session."""
        if self.is_elsewhere(key, match_id, session_id):
            self.rounds[key] = replace(self.rounds[key], match_id=match_id, gaming_session_id=session_id)

    def is_elsewhere(self, key: int, match_id: str, session_id: int) -> bool:
        """Whether a round stands in another match or session than that."""
        stored = self.rounds[key]
        return (stored.match_id, stored.gaming_session_id) != (match_id, session_id)

    def _keep(self, stored: StoredRound) -> None:
        self.rounds[stored.file_id] = stored
        self.heads[stored.file_id] = RoundKey(
            key=stored.file_id,
            ended_at=stored.ended_at,
            map_name=stored.map_name,
            round_number=stored.round_number,
            time_limit_seconds=stored.time_limit_seconds,
            actual_time_seconds=stored.actual_time_seconds,
        )
        insort(self._times, (stored.ended_at, stored.file_id))
