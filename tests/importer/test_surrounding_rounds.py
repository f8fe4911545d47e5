"""The effect of one file on the rounds around it: pairs, duplicates, sessions and teams."""

from datetime import timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.verify import verify
from etstats.domain.import_result import ImportStatus
from etstats.importer.importer import Importer
from tests.importer.world import HOUR, ZONE, column, snapshot, take
from tests.support.files import GUIDS, File, line, round_file

PAIRS = """
    SELECT f.filename || ' - ' || coalesce(one.filename, 'none') FROM rounds r
    JOIN processed_files f ON f.id = r.file_id LEFT JOIN rounds r1 ON r1.id = r.round1_id
    LEFT JOIN processed_files one ON one.id = r1.file_id WHERE r.round_number = 2 ORDER BY 1"""
COUNTING = "SELECT f.filename FROM rounds r JOIN processed_files f ON f.id = r.file_id ORDER BY 1"
SESSIONS = "SELECT count(*) FROM rounds GROUP BY gaming_session_id ORDER BY min(ended_at)"


def second_lines(**fields: float) -> list[str]:
    """Round 2's lines for the default round 1, with the sums of both rounds."""
    both = {"damage_given": 250, "damage_received": 250, "time_played_minutes": 9.0} | fields
    weapons = {"MP40": (50, 160, 7, 5, 6)}
    return [
        line(rounds=1, team=2, weapons=weapons, **both),
        line(GUIDS[1], "eve", rounds=1, team=1, weapons=weapons, **both),
    ]


def second(stamp: str, limit: str = "5:00", **named: str) -> File:
    """A round 2 whose time limit fits a given round 1."""
    return round_file(stamp, 2, second_lines(), limit=limit, actual="4:00", **named)


def renamed(file: File, stamp: str) -> File:
    """The same content under a name with another time."""
    return File(stamp + file.name[17:], file.content, file.mtime)


def verify_agrees(conn: psycopg.Connection, gap: timedelta = HOUR) -> bool:
    """Return whether the database agrees with its archive."""
    return not verify(conn, RebuildPlan(gap=gap, zone_of=lambda _: ZONE)).differences


def test_unpaired_round_2_is_split_when_round_1_arrives(db: psycopg.Connection) -> None:
    """An unpaired round 2 is cumulative and marked so; it is split when its round 1 arrives."""
    take(db, [second("2025-10-02-213800")])
    assert column(db, "SELECT is_cumulative FROM rounds") == [True]
    assert column(db, "SELECT DISTINCT kills FROM player_comprehensive_stats") == [7]
    take(db, [round_file("2025-10-02-213000")])
    assert column(db, "SELECT is_cumulative FROM rounds WHERE round_number = 2") == [False]
    sql = "SELECT DISTINCT p.kills FROM player_comprehensive_stats p JOIN rounds r ON r.id = round_id"
    assert column(db, f"{sql} WHERE round_number = 2") == [4]
    assert len(column(db, "SELECT DISTINCT match_id FROM rounds")) == 1


def test_match_counts_each_kill_once(db: psycopg.Connection) -> None:
    """The match's numbers are those of both rounds, before and after the round 1 arrives."""
    sql = "SELECT kills || ' in ' || rounds FROM match_summaries WHERE player_guid = '0000AAAA'"
    take(db, [second("2025-10-02-213800")])
    assert column(db, sql) == ["7 in 1"]
    take(db, [round_file("2025-10-02-213000")])
    assert column(db, sql) == ["7 in 2"]


def test_rounds_across_midnight_are_paired(db: psycopg.Connection) -> None:
    """Round 1 at 23:55 and round 2 at 00:03 are one match of one session."""
    take(db, [second("2025-10-03-000300"), round_file("2025-10-02-235500")])
    assert column(db, PAIRS) == ["2025-10-03-000300-supply-round-2.txt - 2025-10-02-235500-supply-round-1.txt"]
    assert column(db, SESSIONS) == [2]


def test_nearest_round_1_is_paired(db: psycopg.Connection) -> None:
    """The nearest fitting round 1 is paired even if a farther one was imported first."""
    far, near = (
        round_file("2025-10-02-212000"),
        round_file("2025-10-02-213000", lines=[line(xp=7), line(GUIDS[1], "eve", team=2)]),
    )
    take(db, [far, second("2025-10-02-213800")])
    assert column(db, PAIRS) == [f"2025-10-02-213800-supply-round-2.txt - {far.name}"]
    take(db, [near])
    assert column(db, PAIRS) == [f"2025-10-02-213800-supply-round-2.txt - {near.name}"]
    assert verify_agrees(db)


def test_round_1_is_paired_with_one_round_2(db: psycopg.Connection) -> None:
    """Of two round 2s, the nearer one is paired with the only round 1."""
    one = round_file("2025-10-02-213000")
    take(db, [second("2025-10-02-215000"), one])
    assert column(db, PAIRS) == [f"2025-10-02-215000-supply-round-2.txt - {one.name}"]
    nearer = round_file("2025-10-02-214000", 2, second_lines(), limit="5:00")
    take(db, [nearer])
    assert column(db, PAIRS) == [
        f"2025-10-02-214000-supply-round-2.txt - {one.name}",
        "2025-10-02-215000-supply-round-2.txt - none",
    ]


@pytest.mark.parametrize(
    ("stamp", "named"),
    [
        ("2025-10-02-223001", {}),
        ("2025-10-02-212959", {}),
        ("2025-10-02-213800", {"limit": "5:02"}),
        ("2025-10-02-213800", {"map_name": "radar"}),
    ],
    ids=["over 60 minutes", "before round 1", "other limit", "other map"],
)
def test_unfitting_rounds_are_not_paired(db: psycopg.Connection, stamp: str, named: dict[str, str]) -> None:
    """A round 1 of another map, of other players, later, too early, or with another time set is not paired."""
    take(db, [round_file("2025-10-02-213000", lines=[line(GUIDS[2]), line(GUIDS[3])]), second(stamp, **named)])
    assert column(db, "SELECT round1_id FROM rounds WHERE round_number = 2") == [None]


def test_unknown_time_fits_any_limit(db: psycopg.Connection) -> None:
    """If round 1's actual time is the 0:00 of early 2025, map and distance decide."""
    take(db, [round_file("2025-10-02-213000", actual="0:00"), second("2025-10-02-213800", "7:07")])
    assert column(db, "SELECT count(round1_id) FROM rounds") == [1]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_earliest_of_three_names_counts(db: psycopg.Connection, order: tuple[int, ...]) -> None:
    """The same content under three names is one round under the earliest name, in any order of import."""
    first = round_file("2025-10-02-213000")
    names = [first, renamed(first, "2025-10-02-214500"), renamed(first, "2025-10-05-100000")]
    outcomes = [take(db, [names[place]])[0] for place in order]
    assert column(db, COUNTING) == [first.name]
    assert column(db, "SELECT times_seen FROM player_aliases") == [1, 1]
    assert [outcome.status for outcome in outcomes].count(ImportStatus.DUPLICATE) == sum(
        min(order[:place], default=9) < number for place, number in enumerate(order)
    )
    assert verify_agrees(db)


def test_known_file_changes_nothing(db: psycopg.Connection) -> None:
    """A known file has the status KNOWN."""
    file = round_file("2025-10-02-213000")
    take(db, [file])
    before = snapshot(db)
    assert [outcome.status for outcome in take(db, [file, file])] == [ImportStatus.KNOWN, ImportStatus.KNOWN]
    assert snapshot(db) == before


def test_rewritten_content_replaces_its_round(db: psycopg.Connection) -> None:
    """A longer version replaces the round, and round 2 is split against it."""
    take(db, [round_file("2025-10-02-213000"), second("2025-10-02-213800")])
    more = [line(weapons={"MP40": (30, 90, 5, 3, 5)}), line(GUIDS[1], "eve", team=2), line(GUIDS[2], "ann")]
    assert take(db, [round_file("2025-10-02-213000", lines=more)])[0].status is ImportStatus.REPLACED
    sql = "SELECT kills FROM player_comprehensive_stats WHERE player_guid = '0000AAAA' ORDER BY round_id"
    assert column(db, sql) == [5, 2]
    assert column(db, "SELECT alias FROM player_aliases ORDER BY 1") == ["ann", "bo", "eve"]
    assert verify_agrees(db)


@pytest.mark.parametrize("take_away", [1, 200], ids=["truncated", "one line shorter"])
def test_shorter_file_does_not_replace_a_round(db: psycopg.Connection, take_away: int) -> None:
    """A shorter version goes to quarantine next to the valid one, until the valid one arrives again."""
    file = round_file("2025-10-02-213000")
    take(db, [file])
    before = snapshot(db)
    shorter = file.content[:-1] if take_away == 1 else b"\n".join(file.content.split(b"\n")[:2]) + b"\n"
    assert take(db, [File(file.name, shorter)])[0].status is ImportStatus.QUARANTINED
    assert snapshot(db) == before
    assert column(db, "SELECT rejected_content FROM processed_files") == [shorter]
    assert take(db, [File(file.name, shorter)])[0].status is ImportStatus.STILL_QUARANTINED
    assert take(db, [file])[0].status is ImportStatus.KNOWN
    assert column(db, "SELECT rejected_reason FROM processed_files") == [None]


def test_complete_file_replaces_a_truncated_one(db: psycopg.Connection) -> None:
    """A truncated file is quarantined with line and reason; the complete one replaces it."""
    file = round_file("2025-10-02-213000")
    half = File(file.name, file.content[:-20])
    assert take(db, [half])[0].status is ImportStatus.QUARANTINED
    assert column(db, "SELECT error_line FROM processed_files") == [3]
    assert take(db, [file])[0].status is ImportStatus.IMPORTED
    assert column(db, "SELECT error_message FROM processed_files") == [None]
    assert column(db, COUNTING) == [file.name]


def test_later_name_counts_after_the_original_changes(db: psycopg.Connection) -> None:
    """If a file's content changes, the later name with its old content counts."""
    old = round_file("2025-10-02-213000")
    copies = [renamed(old, "2025-10-02-220000"), renamed(old, "2025-10-02-221000")]
    take(db, [old, *copies])
    assert column(db, COUNTING) == [old.name]
    longer = round_file("2025-10-02-213000", lines=[line(), line(GUIDS[1], "eve"), line(GUIDS[2], "ann")])
    take(db, [longer])
    assert column(db, COUNTING) == [old.name, copies[0].name]
    assert verify_agrees(db)


def test_file_rewritten_to_a_copy_is_not_counted(db: psycopg.Connection) -> None:
    """A file rewritten to the content of an earlier name no longer counts, and its session is split."""
    first = round_file("2025-10-02-213000", lines=[line(), line(GUIDS[1], "eve"), line(GUIDS[2], "ann")])
    bridge, last = round_file("2025-10-02-222000"), round_file("2025-10-02-231000", map_name="radar")
    take(db, [first, bridge, last])
    assert column(db, SESSIONS) == [3]
    take(db, [File(bridge.name, first.content)])
    assert column(db, COUNTING) == [first.name, last.name]
    assert column(db, SESSIONS) == [1, 1]
    assert verify_agrees(db)


def test_late_file_joins_two_sessions(db: psycopg.Connection) -> None:
    """Two sessions 100 minutes apart are joined by a round between them."""
    ends = [round_file("2025-10-02-210000"), round_file("2025-10-02-224000", map_name="radar")]
    take(db, ends)
    assert column(db, SESSIONS) == [1, 1]
    take(db, [round_file("2025-10-02-215000", map_name="oasis")])
    assert column(db, SESSIONS) == [3]
    assert column(db, "SELECT count(*) FROM sessions") == [1]
    assert column(db, "SELECT count(*) FROM session_teams") == [2]


@pytest.mark.parametrize(("seconds", "sessions"), [(0, [2]), (1, [1, 1])])
def test_gap_of_exactly_the_limit_is_one_session(
    db: psycopg.Connection, seconds: int, sessions: list[int]
) -> None:
    """Rounds exactly 60 minutes apart are in one session; one more second splits it."""
    take(db, [round_file("2025-10-02-210000"), round_file(f"2025-10-02-22000{seconds}", map_name="radar")])
    assert column(db, SESSIONS) == sessions


def test_match_is_in_one_session_with_any_gap(db: psycopg.Connection) -> None:
    """With gap_minutes 5, two rounds of a match eight minutes apart are in one session."""
    take(db, [second("2025-10-02-213800"), round_file("2025-10-02-213000")], gap=timedelta(minutes=5))
    assert column(db, SESSIONS) == [2]
    assert column(db, "SELECT count(round1_id) FROM rounds") == [1]
    assert verify_agrees(db, timedelta(minutes=5))


def test_rebuild_applies_a_changed_gap(db: psycopg.Connection) -> None:
    """Imports use the new gap; the next rebuild regroups the old sessions."""
    played = [
        round_file("2025-10-02-200000"),
        round_file("2025-10-02-204000", map_name="radar"),
        round_file("2025-10-02-212500", map_name="oasis"),
    ]
    half = timedelta(minutes=30)
    take(db, played)
    late = round_file("2025-10-02-214500", map_name="etl_ice")
    assert take(db, [late], gap=half)[0].status is ImportStatus.IMPORTED
    rebuild(db, RebuildPlan(gap=half, zone_of=lambda _: ZONE))
    assert column(db, SESSIONS) == [1, 1, 2]
    assert verify_agrees(db, half)
    rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE))
    assert column(db, SESSIONS) == [4]
    assert verify_agrees(db)


def test_mtime_decides_in_the_repeated_hour(db: psycopg.Connection) -> None:
    """02:10 on the night of the clock change is 00:10 or 01:10 UTC; the mtime decides."""
    early = round_file("2025-10-26-021000", mtime=1761437403)
    late = round_file("2025-10-26-020500", map_name="radar", mtime=1761440703)
    take(db, [late, early])
    sql = "SELECT to_char(ended_at, 'HH24:MI') FROM rounds ORDER BY ended_at"
    assert column(db, sql) == ["00:10", "01:05"]
    assert verify_agrees(db)


def test_rounds_across_the_clock_change_are_paired(db: psycopg.Connection) -> None:
    """Round 1 at 02:58 summer time and round 2 at 02:06 winter time are eight minutes apart."""
    one = round_file("2025-10-26-025800", mtime=1761440283)
    two = second("2025-10-26-020600")
    take(db, [File(two.name, two.content, 1761440763), one])
    assert column(db, "SELECT count(round1_id) FROM rounds") == [1]
    assert verify_agrees(db)


def test_distant_mtime_is_ignored(db: psycopg.Connection) -> None:
    """The mtime of a copy made months later is ignored; the first of the two times is used."""
    take(db, [round_file("2025-10-26-021000", mtime=1770000000)])
    assert column(db, "SELECT to_char(ended_at, 'HH24:MI') FROM rounds") == ["00:10"]


def test_better_mtime_moves_a_known_round(db: psycopg.Connection) -> None:
    """If a known file arrives with a better mtime, its round is moved, and the database stays consistent."""
    file = round_file("2025-10-26-021000")
    take(db, [file])
    take(db, [File(file.name, file.content, 1761441003)])
    assert column(db, "SELECT to_char(ended_at, 'HH24:MI') FROM rounds") == ["01:10"]
    assert verify_agrees(db)


def test_two_servers_share_only_players(db: psycopg.Connection) -> None:
    """Equal names on two servers are separate rounds and sessions; aliases are counted over both."""
    for server in ("north", "south"):
        take(db, [round_file("2025-10-02-213000")], server)
    assert column(db, SESSIONS) == [1, 1]
    assert column(db, "SELECT times_seen FROM player_aliases") == [2, 2]


def test_line_ups_stay_across_sides_and_maps(db: psycopg.Connection) -> None:
    """A team keeps its players on both sides, including a late joiner."""
    allies, axis = line(team=2), line(GUIDS[1], "eve", team=1)
    files = [
        round_file("2025-10-02-210000", 1, [allies, axis]),
        round_file("2025-10-02-210800", 2, second_lines()[::-1], limit="5:00", actual="4:00"),
        round_file("2025-10-02-212000", 1, [allies, axis, line(GUIDS[2], "ann", team=2)], map_name="radar"),
    ]
    files[1] = round_file(
        "2025-10-02-210800",
        2,
        [
            line(rounds=1, team=1, damage_given=300, time_played_minutes=9.0),
            line(GUIDS[1], "eve", rounds=1, team=2, damage_received=300, time_played_minutes=9.0),
        ],
        limit="5:00",
        actual="4:00",
    )
    for order in permutations(files):
        with db.transaction():
            db.execute("TRUNCATE servers, processed_files, sessions, rounds, player_aliases CASCADE")
        take(db, order)
        teams = column(db, "SELECT player_guid || team FROM session_teams ORDER BY 1")
        assert teams == ["0000AAAA2", "0000BBBB1", "0000CCCC2"]


def test_round_keeps_its_id(db: psycopg.Connection) -> None:
    """A replaced file, a new partner and a rebuild keep the round's id."""
    one = round_file("2025-10-02-213000")
    take(db, [second("2025-10-02-213800"), one])
    ids = "SELECT r.id FROM rounds r JOIN processed_files f ON f.id = r.file_id ORDER BY filename"
    before = column(db, ids)
    take(db, [round_file("2025-10-02-213000", lines=[line(), line(GUIDS[1], "eve"), line(GUIDS[2], "ann")])])
    with db.transaction():
        db.execute("UPDATE player_comprehensive_stats SET gibs = gibs + 1")
    rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE))
    assert column(db, ids) == before
    assert verify_agrees(db)


def test_failed_file_stores_only_its_quarantine_entry(db: psycopg.Connection) -> None:
    """If the database rejects a row, only the quarantine entry of the file is stored; others are imported."""
    with db.transaction():
        db.execute(
            "ALTER TABLE weapon_comprehensive_stats ADD CONSTRAINT no_panzer CHECK (weapon_name <> 'PANZERFAUST')"
        )
    bad = round_file("2025-10-02-213000", lines=[line(weapons={"PANZERFAUST": (1, 1, 1, 0, 0)})])
    good = [round_file("2025-10-02-212000", map_name="radar"), round_file("2025-10-02-214000", map_name="oasis")]
    outcomes = take(db, [good[0], bad, good[1]])
    assert [outcome.status for outcome in outcomes] == [
        ImportStatus.IMPORTED,
        ImportStatus.QUARANTINED,
        ImportStatus.IMPORTED,
    ]
    assert "no_panzer" in outcomes[1].reason
    assert column(db, COUNTING) == [good[0].name, good[1].name]
    assert column(db, SESSIONS) == [2]
    assert verify_agrees(db)
    before = snapshot(db)
    assert rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).quarantined == {}
    assert snapshot(db) == before


def test_complete_and_truncated_file_in_one_batch(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The complete version replaces the truncated one without a second attempt."""
    tried_alone: list[object] = []
    monkeypatch.setattr(Importer, "_store_alone", lambda _, parsed: tried_alone.append(parsed))
    whole = round_file("2025-10-02-213000")
    half = File(whole.name, whole.content[:-40])
    outcomes = take(db, [half, half, whole, half])
    assert [outcome.status for outcome in outcomes] == [
        ImportStatus.QUARANTINED,
        ImportStatus.STILL_QUARANTINED,
        ImportStatus.IMPORTED,
        ImportStatus.QUARANTINED,
    ]
    assert tried_alone == []
    assert column(db, COUNTING) == [whole.name]
    assert column(db, "SELECT rejected_reason IS NOT NULL FROM processed_files") == [True]
    assert verify_agrees(db)


def test_large_import_runs_analyze(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """ANALYZE runs after many new files, not after few or known ones."""
    monkeypatch.setattr("etstats.importer.importer._MANY", 3)
    files = [round_file(f"2025-10-02-21{index}000", map_name=f"map{index}") for index in range(5)]
    known_to_it = "SELECT reltuples::integer FROM pg_class WHERE oid = 'rounds'::regclass"
    for _ in range(2):
        take(db, files[:2])
    assert column(db, known_to_it) == [-1]
    take(db, files)
    assert column(db, known_to_it) == [5]
    with db.transaction():
        db.execute("DELETE FROM rounds WHERE round_number = 1")
    take(db, files)
    assert column(db, known_to_it) == [5]


def test_rebuild_quarantines_rejected_files(db: psycopg.Connection) -> None:
    """A file that a newer database rejects goes to quarantine; the rounds around it are correct."""
    bad = round_file("2025-10-02-213000", lines=[line(weapons={"PANZERFAUST": (1, 1, 1, 0, 0)})])
    take(db, [bad, second("2025-10-02-213800"), round_file("2025-10-02-214800", map_name="oasis")])
    with db.transaction():
        db.execute("DELETE FROM weapon_comprehensive_stats WHERE weapon_name = 'PANZERFAUST'")
        db.execute("ALTER TABLE weapon_comprehensive_stats ADD CHECK (weapon_name <> 'PANZERFAUST')")
    rebuilt = rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE))
    assert list(rebuilt.quarantined) == [bad.name]
    assert rebuilt.exit_code == 3
    assert column(db, PAIRS) == ["2025-10-02-213800-supply-round-2.txt - none"]
    assert verify_agrees(db)


def test_missing_row_is_detected(db: psycopg.Connection) -> None:
    """If the database drops a player's weapons, the file goes to quarantine."""
    with db.transaction():
        db.execute("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        db.execute(
            "CREATE TRIGGER swallow BEFORE INSERT ON weapon_comprehensive_stats FOR EACH ROW "
            "WHEN (new.player_guid = '0000BBBB') EXECUTE FUNCTION swallow()"
        )
    outcome = take(db, [round_file("2025-10-02-213000")])[0]
    assert outcome.status is ImportStatus.QUARANTINED
    assert "stored totals" in outcome.reason
    assert column(db, COUNTING) == []
    assert column(db, "SELECT success FROM processed_files") == [False]


def test_rebuild_applies_a_changed_time_zone(db: psycopg.Connection) -> None:
    """A rebuild recomputes times from names with the new time zone."""
    importer = Importer(db, "main", ZoneInfo("UTC"), HOUR)
    file = round_file("2025-10-02-213000")
    importer.add(file.name, file.content)
    rebuild(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE))
    assert column(db, "SELECT to_char(ended_at, 'HH24:MI') FROM rounds") == ["19:30"]
    assert verify_agrees(db)
