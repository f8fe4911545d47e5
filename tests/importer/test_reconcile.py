"""reconcile() without a database: single changes in any order give the same result as all at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from etstats.demo.generator import Quirks, generate
from etstats.domain.rounds import RawRound
from etstats.importer.changed_rounds import FileChanges, NewIds, NewRound
from etstats.importer.reconcile import reconcile
from etstats.importer.round_window import MissingContentError, MissingRoundsError, RoundWindow
from etstats.parser.reader import parse

START = datetime(2025, 10, 6, 20, tzinfo=UTC)
QUIRKS = Quirks(resets=0.3, late_joiners=0.4, leavers=0.3, substitutes=0.5, lost_files=0.1, unknown_times=0.2)


@cache
def files(seed: int) -> tuple[RawRound, ...]:
    """The rounds of three short sessions, parsed."""
    generated = generate(
        seed, start=START, sessions=3, players=4, maps=(1, 3), pause_days=(1, 1), zone="UTC", quirks=QUIRKS
    )
    return tuple(parse(file.name, file.content) for file in generated)


@dataclass
class Memory:
    """The rounds of one server, changed only by reconcile()."""

    raws: Sequence[RawRound]
    moments: list[datetime]
    gap: timedelta
    window: RoundWindow = field(default_factory=lambda: RoundWindow(is_complete=True))
    ids: NewIds = field(default_factory=lambda: NewIds(count(1), count(1), count(1)))

    def change(self, coming: Sequence[int], going: Sequence[int] = ()) -> None:
        """Add and remove some files."""
        arrivals = [
            NewRound(file_id=number, ended_at=self.moments[number], raw=self.raws[number]) for number in coming
        ]
        changes = FileChanges(server_id=1, gap=self.gap, ids=self.ids, added=arrivals, removed=going)
        decided = None
        while decided is None:
            try:
                decided = reconcile(self.window, changes)
            except MissingContentError as missing:
                self.window.contents |= {number: self.raws[number] for number in missing.file_ids}
        self.window.contents.clear()
        self.window.apply(decided)

    def state(self) -> dict[int, tuple[object, ...]]:
        """Return match, partner, session, series and side of each file; sessions are named by their first file."""
        window = self.window
        numbers = {one.id: one for found in window.series.values() for one in found}
        found: dict[int, tuple[object, ...]] = {}
        for file_id, stored in window.rounds.items():
            series = None if stored.series_id is None else numbers[stored.series_id]
            found[file_id] = (
                stored.match_id,
                window.partner(file_id),
                sorted(window.sessions[stored.gaming_session_id]),
                stored.axis_team,
                None if series is None else (series.number, series.score, series.names, series.team),
                dict(window.session_teams.get(stored.gaming_session_id, {})),
                window.players.get(file_id),
            )
        return found


@settings(max_examples=150, phases=[Phase.generate])
@given(data=st.data())
def test_any_order_of_changes_gives_the_same_rounds(data: st.DataObject) -> None:
    """Files are added in groups, removed and added at other times: only the final set counts."""
    raws = files(data.draw(st.integers(0, 7), label="world"))
    gap = data.draw(st.sampled_from([timedelta(minutes=5), timedelta(minutes=60)]), label="gap")
    numbers = range(len(raws))
    shifts = st.sampled_from([0, 0, 0, 0, 50, 70, 300, -60])
    moments = [raw.name.stamp.replace(tzinfo=UTC) + timedelta(minutes=data.draw(shifts)) for raw in raws]
    memory = Memory(raws, list(moments), gap)
    order = data.draw(st.permutations(numbers), label="order")
    while order:
        size = data.draw(st.integers(1, 8), label="how many")
        memory.change(order[:size])
        order = order[size:]
        if data.draw(st.booleans(), label="undo") and memory.window.rounds:
            gone = data.draw(st.sampled_from(sorted(memory.window.rounds)), label="gone")
            memory.change([], [gone])
            order = [*order, gone]
        if data.draw(st.booleans(), label="again") and memory.window.rounds:
            again = data.draw(st.sampled_from(sorted(memory.window.rounds)), label="at another time")
            memory.moments[again] += timedelta(minutes=45)
            memory.change([again])
            memory.moments[again] = moments[again]
            memory.change([again])
    at_once = Memory(raws, moments, gap)
    at_once.change(list(numbers))
    assert memory.state() == at_once.state()
    assert set(memory.window.sessions) == {round_.gaming_session_id for round_ in memory.window.rounds.values()}
    assert set(memory.window.series) <= set(memory.window.sessions)


def test_incomplete_window_names_the_missing_range() -> None:
    """A missing part of the window raises an error with the time range."""
    raw = files(0)[0]
    ended_at = raw.name.stamp.replace(tzinfo=UTC)
    window = RoundWindow()
    window.cover([ended_at], timedelta(hours=2))
    new = NewRound(file_id=1, ended_at=ended_at, raw=raw)
    ids = NewIds(count(1), count(1), count(1))
    with pytest.raises(MissingRoundsError) as missing:
        reconcile(window, FileChanges(server_id=1, gap=timedelta(hours=1), ids=ids, added=[new]))
    assert missing.value.start <= ended_at - timedelta(hours=12)
    assert missing.value.end >= ended_at + timedelta(hours=12) or missing.value.end == ended_at
    window.cover([ended_at], timedelta(hours=14))
    decided = reconcile(window, FileChanges(server_id=1, gap=timedelta(hours=1), ids=ids, added=[new]))
    assert [derived.file_id for derived in decided.written] == [1]
    assert not window.rounds
