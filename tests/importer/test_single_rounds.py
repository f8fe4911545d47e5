"""Servers without stopwatch: every file is a match, and counters continued from the previous map count once."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.validate import validate
from etstats.admin.audit.verify import verify
from etstats.domain.rounds import RawPlayer, RawRound
from etstats.parser.rounds import carried_lines
from tests.importer.world import HOUR, ZONE, assert_any_order_is_the_same, column, empty, snapshot, take
from tests.support.examples import EXAMPLES, on_a_database
from tests.support.files import File, line, round_file

PLAYERS = [f"{number}B2C3D4" for number in range(10, 16)]
PLAN = RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)
KILLS = "SELECT player_guid || ' ' || sum(kills) FROM player_comprehensive_stats GROUP BY player_guid"


def played(
    stamp: datetime, counts: dict[str, int], rounds: dict[str, int], map_name: str = "supply", number: int = 2
) -> File:
    """A file of one map in which the counters have these kills, and this number of earlier rounds."""
    lines = [
        line(
            guid,
            guid.lower(),
            rounds=rounds.get(guid, 0),
            team=1 + place % 2,
            weapons={"MP40": (7 * count, 20 * count, count, count, count)},
            damage_given=100 * count,
            damage_received=100 * count,
            time_played_minutes=float(count),
            xp=int(f"{stamp:%H%M%S}"),  # no two files are equal
        )
        for place, (guid, count) in enumerate(counts.items())
    ]
    return round_file(f"{stamp:%Y-%m-%d-%H%M%S}", number, lines, map_name=map_name, winner=1, actual="0:00")


def without_stopwatch(conn: psycopg.Connection) -> None:
    """An empty database with stopwatch = false."""
    empty(conn)
    with conn.transaction():
        conn.execute("INSERT INTO servers (name, stopwatch) VALUES ('main', false)")


@st.composite
def maps(draw: st.DrawFn) -> tuple[list[File], Counter[str]]:
    """The files of some maps in a row, and the kills in all of them.

    The counters of each map go on from the one before, or are reset. Breaks are up to 11 hours; players come and
    go, and begin at zero when they come.
    """
    files: list[File] = []
    kills: Counter[str] = Counter()
    stamp = datetime(2025, 10, 2, 12)  # noqa: DTZ001  # the server's own clock
    rounds: dict[str, int] = {}
    shown: dict[str, int] = {}
    for _ in range(draw(st.integers(1, 5), label="maps")):
        guids = PLAYERS[: draw(st.integers(2, 6), label="players")]
        own = {guid: draw(st.integers(1, 50)) for guid in guids}
        if draw(st.booleans(), label="counters go on") and files:
            rounds = {guid: rounds[guid] + 1 if guid in rounds else 0 for guid in guids}
            shown = {guid: shown.get(guid, 0) + count for guid, count in own.items()}
        else:
            rounds, shown = dict.fromkeys(guids, 0), own
        map_name = draw(st.sampled_from(["supply", "radar"]), label="map")
        files.append(played(stamp, shown, rounds, map_name))
        kills.update(own)
        stamp += timedelta(seconds=draw(st.sampled_from([120, 1800, 3601, 39000]), label="seconds to the next"))
    return files, kills


@st.composite
def maps_of_a_wrong_clock(draw: st.DrawFn) -> tuple[list[File], Counter[str]]:
    """The files of some maps in a row around the autumn hour, without mtimes, or of a clock that was set back.

    The counters go on from map to map, but for players who reconnected; players come and go.
    """
    files: list[File] = []
    kills: Counter[str] = Counter()
    moment = datetime(2025, 10, 26, 0, 20, tzinfo=UTC)  # 02:20; the clock goes from 03:00 to 02:00
    steps = timedelta()
    rounds: dict[str, int] = {}
    shown: dict[str, int] = {}
    for number in range(draw(st.integers(2, 6), label="maps")):
        guids = PLAYERS[: draw(st.integers(3, 6), label="players")]
        own = {guid: draw(st.integers(1, 50)) for guid in guids}
        reconnected = draw(st.sampled_from([None, *PLAYERS[3:]]), label="reconnected")
        before = {guid: rounds[guid] for guid in guids if guid in rounds and guid != reconnected}
        rounds = {guid: before[guid] + 1 if guid in before else 0 for guid in guids}
        shown = {guid: count + (shown[guid] if guid in before else 0) for guid, count in own.items()}
        stamp = (moment - steps).astimezone(ZONE).replace(tzinfo=None)
        files.append(played(stamp, shown, rounds, f"map{number}"))
        kills.update(own)
        moment += timedelta(seconds=draw(st.sampled_from([0, 120, 900, 2400]), label="seconds to the next"))
        steps += timedelta(minutes=draw(st.sampled_from([0, 0, 0, 7, 61, 240]), label="minutes set back"))
    return files, kills


@on_a_database(2 * EXAMPLES)
@given(data=st.data())
def test_every_kill_counts_once_with_a_wrong_clock(db: psycopg.Connection, data: st.DataObject) -> None:
    """Maps in the wrong time order are ordered by their counters, in any import order and by a rebuild."""
    files, kills = data.draw(maps_of_a_wrong_clock())
    assert_any_order_is_the_same(db, data, files, PLAN, clear=without_stopwatch)
    assert sorted(column(db, KILLS)) == sorted(f"{guid} {count}" for guid, count in kills.items())


@on_a_database(2 * EXAMPLES)
@given(data=st.data())
def test_invalid_round_counters_reject_no_file(db: psycopg.Connection, data: st.DataObject) -> None:
    """Unreadable or wrong `rounds`, a copy under another map's name and a missing file: every file is a round."""
    files, _ = data.draw(maps_of_a_wrong_clock())
    copy = File(files[0].name.replace("map0", "other"), files[0].content.replace(b"map0", b"other"))
    odd = []
    for file in data.draw(st.sampled_from([files, files[1:], [*files, copy]]), label="files"):
        head, *lines, end = file.content.decode().split("\n")
        for place in range(len(lines)):
            if data.draw(st.integers(0, 2)) == 0:
                parts = lines[place].split("\\")
                parts[2] = data.draw(st.sampled_from(["x", "", "0", "1", "2"]))
                lines[place] = "\\".join(parts)
        odd.append(File(file.name, "\n".join([head, *lines, end]).encode()))
    assert_any_order_is_the_same(db, data, odd, PLAN, clear=without_stopwatch)
    assert column(db, "SELECT count(*) FROM rounds") == [len(odd)]


@on_a_database(2 * EXAMPLES)
@given(data=st.data())
def test_every_kill_counts_once(db: psycopg.Connection, data: st.DataObject) -> None:
    """In any order and after a rebuild, the sums equal those of the maps, and each file is a match."""
    files, kills = data.draw(maps())
    assert_any_order_is_the_same(db, data, files, PLAN, clear=without_stopwatch)
    assert sorted(column(db, KILLS)) == sorted(f"{guid} {count}" for guid, count in kills.items())
    assert column(db, "SELECT count(*) FROM rounds GROUP BY match_id") == [1] * len(files)
    assert set(column(db, "SELECT is_cumulative FROM rounds")) == {False}


def test_rebuild_applies_the_stopwatch_setting(db: psycopg.Connection) -> None:
    """Files imported as stopwatch become single matches, and pairs again."""
    start = datetime(2025, 10, 2, 12)  # noqa: DTZ001
    one = played(start, dict.fromkeys(PLAYERS, 5), {}, number=1)
    two = played(start + timedelta(minutes=12), dict.fromkeys(PLAYERS, 9), dict.fromkeys(PLAYERS, 1))
    take(db, [one, two])
    pairs = snapshot(db)
    for is_stopwatch, matches in ((False, 2), (True, 1)):
        with db.transaction():
            db.execute("UPDATE servers SET stopwatch = %s", [is_stopwatch])
        rebuild(db, PLAN)
        assert column(db, "SELECT count(DISTINCT match_id) FROM rounds") == [matches]
        assert set(column(db, KILLS)) == {f"{guid} 9" for guid in PLAYERS}
        assert verify(db, PLAN).differences == []
    assert snapshot(db) == pairs


def test_missing_map_counts_nothing_twice(db: psycopg.Connection) -> None:
    """The map after a missing one includes both; nothing is counted twice, and the late file corrects it."""
    start = datetime(2025, 10, 2, 12)  # noqa: DTZ001
    files = [
        played(
            start + timedelta(minutes=12 * index),
            dict.fromkeys(PLAYERS, 5 * index + 5),
            dict.fromkeys(PLAYERS, index),
        )
        for index in range(3)
    ]
    without_stopwatch(db)
    take(db, files[:1] + files[2:])
    assert column(db, "SELECT kills FROM player_comprehensive_stats JOIN rounds r ON r.id = round_id "
                      "WHERE player_guid = '10B2C3D4' ORDER BY ended_at") == [5, 10]  # fmt: skip
    missing = {finding.filename for finding in validate(db, HOUR).findings if finding.check == "map_missing"}
    assert missing == {files[2].name}
    take(db, files[1:2])
    assert set(column(db, "SELECT kills FROM player_comprehensive_stats")) == {5}
    assert verify(db, PLAN).differences == []


def test_files_of_one_transaction_share_reads(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """New maps of a long session: each round around them is read a few times, not once per new map."""
    start = datetime(2025, 10, 2, 12)  # noqa: DTZ001
    files = [
        played(
            start + timedelta(minutes=2 * index),
            dict.fromkeys(PLAYERS[:2], 5 * index + 5),
            dict.fromkeys(PLAYERS[:2], index),
        )
        for index in range(96)
    ]
    without_stopwatch(db)
    take(db, files[:80])
    looks = Counter[str]()

    def counted(raw: RawRound) -> list[RawPlayer]:
        looks[str(raw.name)] += 1
        return carried_lines(raw)

    monkeypatch.setattr("etstats.importer.previous_maps.carried_lines", counted)
    take(db, files[80:])
    assert looks.total() < 5 * len(files)
    assert verify(db, PLAN).differences == []
