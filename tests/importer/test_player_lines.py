"""A round 2 and the round 1 included in its counters are one match, whatever their names, in any order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.verify import verify
from tests.importer.world import HOUR, ZONE, assert_any_order_is_the_same, column, empty, take
from tests.support.examples import EXAMPLES, on_a_database
from tests.support.files import File, line, round_file

PLAYERS = [f"{number}B2C3D4" for number in range(10, 16)]
KILLS = """
    SELECT player_guid || ' ' || sum(kills) FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
    WHERE r.is_counted GROUP BY player_guid"""
PLAN = RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)


def played(stamp: datetime, number: int, counts: dict[str, int], weapon: str = "MP40", **named: Any) -> File:
    """A round file in which the players have these kills, and other values in proportion."""
    lines = [
        line(
            guid,
            guid.lower(),
            rounds=number - 1,
            team=1 + place % 2,
            weapons={weapon: (7 * count, 20 * count, count, count, count)},
            damage_given=100 * count,
            damage_received=100 * count,
            time_played_minutes=float(count),
            xp=place,
        )
        for place, (guid, count) in enumerate(counts.items())
    ]
    return round_file(f"{stamp:%Y-%m-%d-%H%M%S}", number, lines, **named)


@st.composite
def matches(draw: st.DrawFn) -> tuple[list[File], Counter[str]]:
    """The files of some matches of one or two maps, and the kills of each player in all of them.

    Between the rounds: a break of up to 11 hours, another limit, the clock set back, or nothing at all. A
    match may be in the hour that occurs twice, copied without mtimes. The numbers of players and kills vary.
    """
    files: list[File] = []
    kills: Counter[str] = Counter()
    start = datetime(2025, 10, 24, 12)  # noqa: DTZ001  # the server's own clock
    for match in range(draw(st.integers(1, 3), label="matches")):
        map_name = draw(st.sampled_from(["supply", "radar"]), label="map")
        guids = PLAYERS[: draw(st.integers(2, 6), label="players")]
        # With a weapon of its own, no round 2 holds another match's round 1 by chance.
        weapon = ("MP40", "THOMPSON", "STEN")[match]
        first = {guid: draw(st.integers(1, 50)) for guid in guids}
        second = {guid: first[guid] + draw(st.integers(1, 50)) for guid in guids}
        limits = st.sampled_from(["5:00", "5:01", "5:07", "10:00"])
        distance = draw(
            st.sampled_from([-3500, -60, 0, 300, 3599, 3600, 3601, 3660, 7200, 39000]), label="seconds to round 2"
        )
        limit = draw(limits, label="limit")
        mtimes: tuple[int | None, int | None] = (None, None)
        if draw(st.booleans(), label="in the hour that occurs twice"):
            start = datetime(2025, 10, 26, 2, 50)  # noqa: DTZ001
            distance = -40 * 60
            now = int(datetime(2025, 10, 26, 0, 50, tzinfo=UTC).timestamp())
            witnesses = st.sampled_from([(None, None), (now, None), (None, now + 1200), (now, now + 1200)])
            mtimes = draw(witnesses, label="mtimes")
        stamps = (start, start + timedelta(seconds=distance))
        files.append(played(stamps[0], 1, first, weapon, map_name=map_name, actual="5:00", mtime=mtimes[0]))
        files.append(played(stamps[1], 2, second, weapon, map_name=map_name, limit=limit, mtime=mtimes[1]))
        kills.update(second)
        start = max(stamps) + timedelta(seconds=draw(st.sampled_from([120, 3000, 4000, 20000])))
    names = {file.name: file for file in files}
    return list(names.values()), kills if len(names) == len(files) else Counter()


@on_a_database(2 * EXAMPLES)
@given(data=st.data())
def test_every_kill_counts_once(db: psycopg.Connection, data: st.DataObject) -> None:
    """Imported in any order and rebuilt, the sums equal those of the matches."""
    files, kills = data.draw(matches())
    assert_any_order_is_the_same(db, data, files, PLAN)
    if kills:
        assert sorted(column(db, KILLS)) == sorted(f"{guid} {count}" for guid, count in kills.items())
        assert column(db, "SELECT count(*) FROM rounds GROUP BY match_id") == [2] * (len(files) // 2)
        assert set(column(db, "SELECT count(DISTINCT gaming_session_id) FROM rounds GROUP BY match_id")) == {1}


@pytest.mark.parametrize("gap_minutes", [61, 600])
def test_match_over_a_long_break_is_one_session(db: psycopg.Connection, gap_minutes: int) -> None:
    """The session spans the break and the rounds in it; without its round 1 it is split again."""
    start = datetime(2025, 10, 2, 12)  # noqa: DTZ001
    one = played(start, 1, dict.fromkeys(PLAYERS, 5))
    two = played(start + timedelta(minutes=gap_minutes), 2, dict.fromkeys(PLAYERS, 9), limit="5:00")
    between = played(start + timedelta(minutes=gap_minutes // 2), 1, {PLAYERS[0]: 3}, map_name="radar")
    sizes = "SELECT count(*) FROM rounds GROUP BY gaming_session_id ORDER BY min(ended_at)"
    take(db, [two, between])
    assert sum(column(db, sizes)) == 2
    take(db, [one])
    assert column(db, sizes) == [3]
    assert verify(db, PLAN).differences == []
    others = played(start, 1, dict.fromkeys(PLAYERS, 50))
    take(db, [others])
    assert column(db, "SELECT round1_id FROM rounds WHERE round_number = 2") == [None]
    assert verify(db, PLAN).differences == []


def test_reset_players_do_not_split_a_match(db: psycopg.Connection) -> None:
    """Three players with continued counters prove the match; reconnected players keep their line's numbers."""
    start = datetime(2025, 10, 2, 12)  # noqa: DTZ001
    one = played(start, 1, dict.fromkeys(PLAYERS, 5))
    after = dict.fromkeys(PLAYERS[:3], 9) | dict.fromkeys(PLAYERS[3:], 2)
    two = played(start + timedelta(hours=3), 2, after, limit="5:00")
    take(db, [two, one])
    assert column(db, "SELECT count(round1_id) FROM rounds") == [1]
    kills = (
        "SELECT kills FROM player_comprehensive_stats p JOIN rounds r ON r.id = round_id WHERE round_number = 2"
    )
    assert column(db, f"{kills} ORDER BY player_guid") == [4, 4, 4, 2, 2, 2]
    assert verify(db, PLAN).differences == []


def test_repeated_round_2_counts_round_1_once(db: psycopg.Connection) -> None:
    """Of two round 2s that include one round 1, one is paired, the other is not counted, in any order."""
    start = datetime(2025, 10, 2, 12)  # noqa: DTZ001
    one = played(start, 1, dict.fromkeys(PLAYERS, 5))
    two = played(start + timedelta(minutes=8), 2, dict.fromkeys(PLAYERS, 9), limit="5:00")
    again = played(start + timedelta(minutes=20), 2, dict.fromkeys(PLAYERS, 8), limit="5:00")
    counted = "SELECT is_counted FROM rounds ORDER BY ended_at"
    for order in permutations([one, two, again]):
        empty(db)
        for file in order:
            take(db, [file])
        assert column(db, counted) == [True, True, False]
        assert sorted(column(db, KILLS)) == [f"{guid} 9" for guid in PLAYERS]
        assert verify(db, PLAN).differences == []
        assert rebuild(db, PLAN).written == 0
    take(db, [played(start, 1, dict.fromkeys(PLAYERS, 50))])
    assert column(db, counted) == [True, True, True]
    assert verify(db, PLAN).differences == []
