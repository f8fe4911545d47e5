"""Odd lines, headers and clocks cost no player a round, and no round counts twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.domain.fields import CORE_FIELDS, LAYOUTS
from tests.importer.world import HOUR, assert_any_order_is_the_same, column
from tests.support.examples import EXAMPLES, on_a_database
from tests.support.files import File, line, round_file

PLAYERS = [f"{number}B2C3D4" for number in range(10, 20)]
KILLS = "SELECT player_guid || ' ' || sum(kills) FROM player_comprehensive_stats GROUP BY player_guid"

# The clock of each goes back by an hour (the third's by half of one) 30 minutes after this moment.
AUTUMN = {
    "Europe/Ljubljana": datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
    "America/New_York": datetime(2025, 11, 2, 5, 30, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2025, 4, 5, 14, 30, tzinfo=UTC),
    "Asia/Kolkata": datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
}

DURATIONS = [None, "600", "300000", "-1", "0", "nan", "", "300000.5\\a\\b", "9" * 400, "5:00"]
NAMES = [
    "^1bo",
    "",
    "^",
    "^^^^1",
    "@everyone",
    "=cmd()",
    "'; DROP",
    "a" * 36,
    "\u202e\u200b",
    "ä\U0001f600",
    "%s{0}",
]
ODD_TEXTS = ["-nan", "inf", "1e5", "", "-7", "\u0664", "1_0", "0x1", "9" * 5000, " 1", "1.5.2"]
OTHERS = ["OMNIBOT0", "OMNIBOT0", "omnibot1", "UNKNOWN", "unknown", "NO_GUID", ""]


@st.composite
def lines_of_others(draw: st.DrawFn) -> list[str]:
    """Lines of bots and of players without a GUID, fewer than people."""
    guids = draw(st.lists(st.sampled_from(OTHERS), max_size=2), label="others")
    return [line(guid, "someone", rounds=draw(st.integers(0, 3)), team=2) for guid in guids]


@st.composite
def odd_line(draw: st.DrawFn, text: str, layout: int) -> str:
    """The line, with some of the values unreadable that nobody needs, and with later fields."""
    head, *texts = text.split("\t")
    for place, field in enumerate(LAYOUTS[layout]):
        if field.name not in CORE_FIELDS and draw(st.integers(0, 30)) == 30:
            texts[place] = draw(st.sampled_from(ODD_TEXTS))
    if layout == max(LAYOUTS):
        texts += draw(st.sampled_from([[], [], ["7"], ["x", "-nan"]]))
    return "\t".join([head, *texts])


@st.composite
def odd_matches(draw: st.DrawFn) -> tuple[list[File], Counter[str], ZoneInfo]:
    """The files of some matches, the kills of each player in them, and the zone of the server.

    Between the rounds players leave (with a spectator's line, or none), join, reconnect, change sides, or come
    back under another GUID.
    """
    zone = ZoneInfo(draw(st.sampled_from(sorted(AUTUMN)), label="zone"))
    moment = AUTUMN[zone.key] - timedelta(minutes=draw(st.integers(0, 40), label="minutes before"))
    has_mtimes = draw(st.booleans(), label="mtimes")
    files: list[File] = []
    kills: Counter[str] = Counter()
    for match, weapon in enumerate(["MP40", "THOMPSON", "STEN"][: draw(st.integers(1, 3), label="matches")]):
        layout = draw(st.sampled_from(sorted(LAYOUTS)), label="layout")
        sides: st.SearchStrategy[int | str] = st.sampled_from([1, 2, "1.0", "2.0"])
        first = {guid: draw(st.integers(1, 40)) for guid in PLAYERS[: draw(st.integers(4, 8), label="players")]}
        ending = {
            guid: draw(st.sampled_from("stays stays stays left watches reconnected renamed".split()))
            for guid in first
        }
        ending[PLAYERS[0]] = ending[PLAYERS[1]] = ending[PLAYERS[2]] = "stays"
        for number in (1, 2):
            shown: dict[str, tuple[int, int, int | str]] = {}  # kills, rounds, team
            for guid, count in first.items():
                own = draw(st.integers(1, 40))
                if number == 1:
                    shown[guid] = (count, 0, draw(sides))
                    kills[guid] += count
                elif ending[guid] == "stays":
                    shown[guid] = (count + own, 1, draw(sides))
                    kills[guid] += own
                elif ending[guid] == "watches":
                    shown[guid] = (count, 1, 3)
                elif ending[guid] in ("reconnected", "renamed"):
                    other = guid if ending[guid] == "reconnected" else f"F{guid[1:]}"
                    shown[other] = (own, 0, draw(sides))
                    kills[other] += own
            if number == 2 and draw(st.booleans(), label="joins"):
                shown[PLAYERS[9]] = (5, 0, draw(sides))
                kills[PLAYERS[9]] += 5
            lines = [
                draw(
                    odd_line(
                        line(
                            guid,
                            draw(st.sampled_from(NAMES)),
                            rounds=rounds,
                            team=team,
                            layout=layout,
                            weapons={weapon: (7 * count, 20 * count, count, count, count)},
                            damage_given=100 * count,
                            damage_received=100 * count,
                            time_played_minutes=float(count),
                            xp=count,
                        ),
                        layout,
                    )
                )
                for guid, (count, rounds, team) in shown.items()
            ]
            lines = draw(st.permutations(lines + draw(lines_of_others())))
            stamp = moment.astimezone(zone)
            end = draw(st.sampled_from(["\n", "\r\n"]))
            file = round_file(
                f"{stamp:%Y-%m-%d-%H%M%S}",
                number,
                lines,
                map_name="supply" if match else "[dark] é'\"%-x",
                winner=draw(st.integers(0, 2)),
                limit="10:00" if number == 1 else "5:00",
                actual=draw(st.sampled_from(["5:00", "5:00", "5:01", "0:00"]))
                if number == 1
                else draw(st.sampled_from(["71:05", "x", "4:00"])),
                duration=draw(st.sampled_from(DURATIONS)),
                end=end,
                mtime=int(moment.timestamp()) if has_mtimes else None,
            )
            prefix = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xff\x00"]))
            files.append(File(file.name, prefix + file.content, file.mtime))
            moment += timedelta(minutes=draw(st.sampled_from([5, 9, 14]), label="minutes"))
    return files, kills, zone


@on_a_database(2 * EXAMPLES)
@given(data=st.data())
def test_odd_files_lose_no_round(db: psycopg.Connection, data: st.DataObject) -> None:
    """Every file is a round, the kills are those of the matches, and the order of import changes nothing."""
    files, kills, zone = data.draw(odd_matches())
    plan = RebuildPlan(gap=HOUR, zone_of=lambda _: zone)
    assert_any_order_is_the_same(db, data, files, plan, zone=zone)
    assert column(db, "SELECT count(*) FROM rounds") == [len({file.name for file in files})]
    if len({file.name for file in files}) == len(files):
        assert sorted(column(db, KILLS)) == sorted(f"{guid} {count}" for guid, count in kills.items())
