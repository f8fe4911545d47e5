"""The rounds of one server after a change: those of a window without the removed and with the added ones."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from etstats.domain.rounds import RawRound
from etstats.domain.rules.pairing import LONGEST_BREAK, RoundIndex, RoundKey
from etstats.importer.round_window import MissingContentError, RoundWindow, time_order


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


class ChangedRounds:
    """The rounds after a change, by file id.

    `added`: the new rounds; `removed`: those that no longer count; `replaced`: stored rounds that are removed or
    whose content changed; `reach`: the longest time between rounds of one session or match. The methods raise
    MissingRoundsError or MissingContentError if the window lacks what they need.
    """

    def __init__(self, window: RoundWindow, changes: FileChanges) -> None:
        self.window = window
        self.added = {new.file_id: new for new in changes.added}
        self.added_keys = {new.file_id: key_of_new(new) for new in changes.added}
        self.removed = {file_id for file_id in changes.removed if file_id in window.rounds}
        self.replaced = self.removed | (self.added.keys() & window.rounds.keys())
        self.has_stopwatch = window.rules.stopwatch
        self.reach = max(changes.gap, LONGEST_BREAK)
        self._added_index = RoundIndex(self.added_keys.values())

    def key(self, file_id: int) -> RoundKey:
        """Return the values that decide the pairing of a round."""
        return self.added_keys[file_id] if file_id in self.added_keys else self.window.keys[file_id]

    def changed_keys(self) -> list[RoundKey]:
        """Return the keys of the added rounds, and the earlier ones of the replaced rounds."""
        return [*self.added_keys.values(), *(self.window.keys[file_id] for file_id in self.replaced)]

    def in_order(self, files: Iterable[int]) -> list[int]:
        """Sort rounds by time."""
        return sorted(files, key=lambda file_id: time_order(self.key(file_id)))

    def between(self, start: datetime, end: datetime) -> list[RoundKey]:
        """Return the rounds that ended from `start` to `end` (inclusive), in time order."""
        self.window.require(start, end)
        stored = [self.window.keys[file_id] for file_id in self.window.between(start, end)]
        added = [other for other in self.added_keys.values() if start <= other.ended_at <= end]
        return sorted([*(other for other in stored if other.key not in self.replaced), *added], key=time_order)

    def nearby(self, key: RoundKey, reach: timedelta) -> list[RoundKey]:
        """Return the rounds of the same map within `reach`."""
        self.window.require(key.ended_at - reach, key.ended_at + reach)
        stored = self.window.index.nearby(key, reach)
        if self.replaced:
            stored = [other for other in stored if other.key not in self.replaced]
        return stored + self._added_index.nearby(key, reach)

    def contents(self, *file_ids: int) -> list[RawRound]:
        """Return the parsed files."""
        known = {
            file_id: self.added[file_id].raw if file_id in self.added else self.window.contents.get(file_id)
            for file_id in file_ids
        }
        if missing := {file_id for file_id, raw in known.items() if raw is None}:
            raise MissingContentError(missing)
        return [raw for raw in known.values() if raw is not None]

    def stored_partner(self, file_id: int) -> int | None:
        """Return the partner of a round before the change; None also for a new round."""
        if file_id not in self.window.rounds:
            return None
        return self.window.partner(file_id) if self.has_stopwatch else self.window.round1(file_id)

    def intervals(self, times: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
        """Group sorted times that may be in one session; return the first and last of each group."""
        intervals: list[tuple[datetime, datetime]] = []
        for time in times:
            if intervals and time - intervals[-1][1] <= self.reach:
                intervals[-1] = intervals[-1][0], time
            else:
                intervals.append((time, time))
        return intervals


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
