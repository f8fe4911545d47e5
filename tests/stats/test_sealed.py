"""Tests that sealed periods do not change any result, also after later changes of their rounds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.verify import verify
from etstats.admin.correct import NewCorrection, make, undo
from etstats.admin.privacy import forget
from etstats.db import archive, boards, corrections, dump, identity, maps, players, sealing, sessions
from etstats.db.connection import connect
from etstats.db.maps import RecordValue
from etstats.db.scope import Scope
from etstats.db.series import sessions_of_players
from etstats.demo.generator import Quirks, generate
from etstats.domain.rules import ranking
from etstats.domain.rules.corrections import CorrectionKind
from etstats.domain.rules.records import ACCURACY_SHOTS, DPM_SECONDS, SESSION_DPM_SECONDS
from etstats.errors import EtstatsError
from etstats.importer.series import refresh_series
from etstats.parser.reader import parse
from etstats.stats import careers, mvp_counts, profiles, seasons
from etstats.stats.awards import award_counts
from tests.conftest import own_database
from tests.importer.world import HOUR, ZONE, column, empty, take
from tests.support.examples import EXAMPLES, on_a_database
from tests.support.files import File

QUIRKS = Quirks(
    resets=0.2, spectators=0.2, late_joiners=0.2, leavers=0.2, substitutes=0.5, renames=0.2, surrenders=0.2,
    lost_files=0.15, bots=0.4, impossible_numbers=0.2, knife_drops=0.3,
)  # fmt: skip
# Sessions by server: some span the end of a month or of a year; both servers play at once on one day.
STARTS = {
    "north": ("2023-11-20T20:00", "2023-11-30T23:40", "2023-12-31T23:20", "2024-01-20T21:00", "2024-06-14T20:00",
              "2024-12-31T22:00", "2025-01-31T23:20", "2025-03-20T20:00"),
    "south": ("2023-12-20T20:00", "2024-01-20T21:10", "2024-07-01T01:30", "2025-01-10T20:00"),
}  # fmt: skip


@cache
def league(seed: int) -> tuple[tuple[str, File], ...]:
    """Return (server, file) in time order: the same players on both servers, complete and older layouts."""
    found = []
    for server, starts in STARTS.items():
        for number, start in enumerate(starts):
            files = generate(
                seed,
                start=datetime.fromisoformat(start).replace(tzinfo=ZONE),
                sessions=1,
                players=5 + number % 2,
                maps=(2, 2),
                layout=(33, 38, 38, 36)[number % 4],
                quirks=QUIRKS,
            )
            found += [(server, File(file.name, file.content, file.mtime)) for file in files]
    return tuple(sorted(found, key=lambda one: one[1].name))


@cache
def guids(seed: int) -> tuple[str, ...]:
    """Return all GUIDs."""
    return tuple(
        sorted({player.guid for _, file in league(seed) for player in parse(file.name, file.content).players})
    )


@cache
def map_names(seed: int) -> tuple[str, ...]:
    """Return the played maps."""
    return tuple(sorted({parse(file.name, file.content).name.map_name for _, file in league(seed)}))


def answers(conn: psycopg.Connection, seed: int) -> dict[str, object]:
    """Return the results of all queries that use sealed periods, over several scopes."""
    middle = datetime(2024, 1, 20, 20, 30, tzinfo=UTC)
    scopes = (
        Scope(),
        Scope(server="north"),
        Scope(map_name=map_names(seed)[0]),
        Scope(map_name=map_names(seed)[1], server="north", until=datetime(2025, 3, 1, tzinfo=UTC)),
        Scope(since=middle),
        Scope(since=datetime(2023, 12, 1, tzinfo=UTC), until=datetime(2025, 1, 1, tzinfo=UTC)),
        Scope(until=middle, server="south"),
        Scope(last_sessions=3),
    )
    found: dict[str, object] = {}
    with conn.transaction():
        own = _persons(conn)[:2]
        found["achievements"] = careers.achievement_rows(conn)
        found["seasons"] = seasons.seasons(conn, Scope(), ZONE, most=3)
        found |= {f"achievements of {guid}": careers.progress_rows(conn, guid) for guid in own}
        for scope in scopes:
            about = _about(conn, scope, own if scope.is_everything else own[:1])
            found |= {f"{name}: {scope}": answer for name, answer in about.items()}
        for before in (None, middle):
            for persons in (None, own[:2]):
                sums = sessions.careers(
                    conn, dpm_seconds=DPM_SECONDS, before=before, guids=persons, with_hidden=bool(persons)
                )
                found[f"careers before {before} of {persons}"] = sorted(sums.items())
    return found


def _persons(conn: psycopg.Connection) -> list[str]:
    """Return the persons of the database, by GUID."""
    return [row[0] for row in conn.execute("SELECT DISTINCT player_guid FROM person_stats ORDER BY 1")]


def _about(conn: psycopg.Connection, scope: Scope, persons: Sequence[str]) -> dict[str, object]:
    bounds = {"dpm_seconds": DPM_SECONDS, "accuracy_shots": ACCURACY_SHOTS}
    found: dict[str, object] = {
        "size": boards.size(conn, scope),
        "size of a weapon": boards.size(conn, scope, "MP40"),
        "weapon": sorted(map(repr, boards.weapon_sums(conn, scope, "MP40"))),
        "round records": maps.round_records(conn, scope, **bounds),
        "session records": maps.session_records(conn, scope, dpm_seconds=SESSION_DPM_SECONDS),
        "players": players.player_list(conn, scope),
        "weapons": maps.weapons(conn, scope),
        "maps": maps.maps(conn, scope),
        "facts": maps.facts(conn, scope),
        "awards": award_counts(conn, scope, 3),
        "MVPs": mvp_counts.standings(conn, scope),
    }
    for known in (None, "gibs", "revives_given") if scope.is_everything else (None,):
        found[f"board, {known}"] = sorted(map(repr, boards.player_sums(conn, scope, persons[:1], known)))
        found[f"board of gibs, {known}"] = _only_gibs(conn, scope, persons[:1], known)
    pair = _persons(conn)[-2:]
    two = boards.player_sums(conn, scope, pair, guids=pair, with_before=False)
    found["two players"] = sorted(map(repr, two))
    if len(pair) == 2:  # else all are merged
        found["comparison"] = profiles.compare(conn, scope, *pair)
    for guid in persons:
        found |= {
            f"maps of {guid}": players.maps(conn, scope, guid),
            f"sides of {guid}": players.sides(conn, scope, guid),
            f"weapons of {guid}": players.weapons(conn, scope, guid),
            f"last rounds of {guid}": players.rounds(conn, scope, guid, 3),
            f"round records of {guid}": _own_records(conn, scope, guid),
            f"session records of {guid}": maps.session_records(
                conn, scope, dpm_seconds=SESSION_DPM_SECONDS, guid=guid
            ),
        }
    return found


def _own_records(conn: psycopg.Connection, scope: Scope, guid: str) -> list[RecordValue]:
    """Return the records of a player, which are those of all rounds."""
    bounds = {"dpm_seconds": DPM_SECONDS, "accuracy_shots": ACCURACY_SHOTS}
    found = maps.round_records(conn, scope, guid=guid, **bounds)
    assert maps.player_records(conn, scope, guid, **bounds) == [
        record for record in found if record.map_name is None
    ]
    return found


def _only_gibs(conn: psycopg.Connection, scope: Scope, shown: Sequence[str], known: str | None) -> list[object]:
    """Return the sums of one board in one part, which are those of all columns in two parts."""
    read = {part.sums for part in boards.player_sums(
        conn, scope, shown, known, only=["gibs"], with_before=False, with_names=False)}  # fmt: skip
    found = sorted((sums.player_guid, sums.rounds, sums.last_seen, sums.shots, sums.gibs) for sums in read)
    whole = ranking.combine(part.sums for part in boards.player_sums(conn, scope, shown, known))
    expected = sorted((sums.player_guid, sums.rounds, sums.last_seen, sums.shots, sums.gibs) for sums in whole)
    assert found == expected
    assert {sums.player_name for sums in read} == {sums.player_guid for sums in read}
    return list(found)


@contextmanager
def unsealed(conn: psycopg.Connection) -> Iterator[None]:
    """Unseal all periods in the block, so that all rounds are read."""
    with conn.transaction(force_rollback=True):
        sealing.unseal_all(conn)
        yield


def check(conn: psycopg.Connection, seed: int) -> None:
    """Compare each result with that of all rounds, and each sealed sum with its rounds."""
    found = answers(conn, seed)
    with unsealed(conn):
        expected = answers(conn, seed)
    for question, answer in expected.items():
        assert found[question] == answer, question
    with conn.transaction():
        assert sealing.differences(conn) == []


def scratch(conn: psycopg.Connection) -> None:
    """Delete all rows."""
    empty(conn)
    with conn.transaction():
        conn.execute(
            "TRUNCATE corrections, player_identities, identity_conflicts, hidden_players, forgotten_players,"
            " forgetting_key RESTART IDENTITY"
        )


Step = Callable[[psycopg.Connection], object]


def _seal(conn: psycopg.Connection) -> int:
    return sealing.seal(conn, least_rounds=0)


def _correct(kind: CorrectionKind, subject: str, value: str = "") -> Step:
    return lambda conn: make(conn, NewCorrection(kind=kind, subject=subject, value=value))


def _undo(conn: psycopg.Connection) -> None:
    with conn.transaction():
        active = [row.id for row in corrections.corrections(conn) if row.undone_at is None]
    if active:
        undo(conn, active[0])


def _bots(*, records: bool) -> Step:
    def change(conn: psycopg.Connection) -> None:
        with conn.transaction():
            archive.store_settings(conn, [], bot_rounds="humans", bot_records=records)

    return change


def _settings(server: str, *, zone: str = str(ZONE), is_stopwatch: bool = True) -> Step:
    def change(conn: psycopg.Connection) -> None:
        with conn.transaction():
            archive.store_settings(conn, [(server, zone, is_stopwatch)], bot_rounds="humans", bot_records=False)

    return change


def _hide(guid: str, *, is_hidden: bool) -> Step:
    def change(conn: psycopg.Connection) -> None:
        with conn.transaction():
            (identity.hide if is_hidden else identity.unhide)(conn, guid)
            refresh_series(conn, sessions_of_players(conn, [guid]))

    return change


def _again(conn: psycopg.Connection) -> None:
    rebuild(conn, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE))


def steps(seed: int, copies: Path) -> list[Step]:
    """Return possible changes of a league between the arrivals of its files."""
    persons, files = guids(seed), league(seed)
    return [
        *[_seal] * 6,
        lambda conn: sealing.seal(conn, seconds=0.1, least_rounds=0),
        *(_correct(CorrectionKind.MERGE, one, other) for one in persons[:3] for other in persons[3:5]),
        _correct(CorrectionKind.SPLIT, persons[0]),
        _correct(CorrectionKind.RENAME, persons[1], "Alpha"),
        *(_correct(CorrectionKind.VOID, f"{server}/{file.name}") for server, file in files[::5]),
        _correct(CorrectionKind.EXCLUDE_MAP, map_names(seed)[0]),
        _undo,
        _hide(persons[2], is_hidden=True),
        _hide(persons[2], is_hidden=False),
        lambda conn: forget(conn, persons[-1], copies),
        _bots(records=True),
        _bots(records=False),
        _settings("south", zone="UTC"),
        _settings("south", zone="America/New_York"),
        _again,
        *(partial(_replace, files[at]) for at in range(0, len(files), 7)),
    ]


def _arrive(one: tuple[str, File], conn: psycopg.Connection) -> None:
    take(conn, [one[1]], one[0])


def _replace(one: tuple[str, File], conn: psycopg.Connection) -> None:
    """Import a file again with other content, without the map's second player."""
    server, file = one
    lines = file.content.splitlines(keepends=True)
    take(conn, [File(file.name, b"".join(lines[:1] + lines[2:]), (file.mtime or 0) + 60)], server)


@on_a_database(max(1, EXAMPLES // 3))
@given(data=st.data())
def test_results_do_not_depend_on_sealed_periods(
    db: psycopg.Connection, tmp_path: Path, data: st.DataObject
) -> None:
    """Sealed at any time between late, replaced, corrected, merged, hidden and anonymized rounds."""
    seed = data.draw(st.integers(0, 2), label="seed")
    files = list(league(seed))
    late = data.draw(st.lists(st.sampled_from(files), max_size=12, unique=True), label="late")
    scratch(db)
    for server in STARTS:
        take(db, [file for place, file in files if place == server and (place, file) not in late], server)
    _seal(db)
    events: list[Step] = [partial(_arrive, one) for one in late]
    others = data.draw(st.lists(st.sampled_from(steps(seed, tmp_path)), min_size=2, max_size=8), label="steps")
    for step in others:
        events.insert(data.draw(st.integers(0, len(events)), label="place"), step)
    for number, step in enumerate(events):
        with suppress(EtstatsError):  # a correction that would change nothing
            step(db)
        if number % 6 == 5:
            check(db, seed)
    check(db, seed)
    _seal(db)
    check(db, seed)
    assert verify(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).differences == []


def filled(db: psycopg.Connection, seed: int = 0) -> None:
    """Import the league."""
    for server in STARTS:
        take(db, [file for place, file in league(seed) if place == server], server)


def test_past_months_and_years_are_sealed(db: psycopg.Connection) -> None:
    """All months with rounds except the last, and past years; then nothing is left to seal."""
    filled(db)
    assert _seal(db) == 17 + 2  # and careers, in two years
    found = column(
        db,
        """SELECT concat_ws(' ', v.name, CASE d.level WHEN 1 THEN 'year' WHEN 2 THEN 'until' END,
                            (CASE d.level WHEN 2 THEN d.stop ELSE d.start END AT TIME ZONE v.timezone)::date)
           FROM sealed d JOIN servers v ON v.id = d.server_id ORDER BY 1""",
    )
    assert found == [
        "north 2023-11-01", "north 2023-12-01", "north 2024-01-01", "north 2024-06-01", "north 2024-12-01",
        "north 2025-01-01", "north 2025-02-01", "north until 2025-01-01", "north year 2023-01-01",
        "north year 2024-01-01", "south 2023-12-01", "south 2024-01-01", "south 2024-07-01", "south 2025-01-01",
        "south until 2025-01-01", "south year 2023-01-01", "south year 2024-01-01",
    ]  # fmt: skip
    assert column(db, "SELECT count(*) FROM sealed WHERE split_sessions <> '{}'") == [7]
    assert _seal(db) == 0


def test_late_round_unseals_a_session_of_another_month(db: psycopg.Connection) -> None:
    """The session was sealed completely, and now continues in the next month."""
    files = [file for server, file in league(0) if server == "north"]
    late = [file for file in files if file.name.startswith("2023-12-01")]
    take(db, [file for file in files if file not in late], "north")
    _seal(db)
    take(db, late, "north")
    assert column(db, "SELECT count(*) FROM sealed WHERE start = '2023-11-01'") == [0]
    check(db, 0)


def test_queries_read_sealed_sums(db: psycopg.Connection) -> None:
    """A manually changed sum is shown, and verify finds it; a rebuild repairs it."""
    filled(db)
    _seal(db)
    with db.transaction():
        before = maps.weapons(db, Scope())
        db.execute(
            "UPDATE sealed_weapons SET kills = kills + 1000 WHERE weapon_name = 'MP40' AND player_guid <> ''"
        )
        assert maps.weapons(db, Scope()) != before
        with unsealed(db):
            assert maps.weapons(db, Scope()) == before
    plan = RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)
    found = verify(db, plan)
    assert {difference.table for difference in found.differences} == {"sealed_weapons"}
    assert len(found.differences) == 17
    rebuild(db, plan)
    assert verify(db, plan).differences == []
    with db.transaction():
        assert maps.weapons(db, Scope()) == before


def test_achievements_read_sealed_steps(db: psycopg.Connection) -> None:
    """A manually changed date is shown, and verify finds it."""
    filled(db)
    _seal(db)
    with db.transaction():
        db.execute("UPDATE sealed_steps SET reached_on = '2020-01-01Z'")
        assert datetime(2020, 1, 1, tzinfo=UTC) in {row.first_on for row in careers.achievement_rows(db)}
    found = verify(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE))
    assert [difference.table for difference in found.differences] == ["sealed_steps"]


def test_careers_are_sealed_up_to_a_session_end(db: psycopg.Connection) -> None:
    """A year at a time, up to the last session before the rest; the change of an earlier round unseals."""
    filled(db)
    _seal(db)
    (stop,) = column(db, "SELECT stop FROM sealed WHERE server_id = 0")
    assert column(
        db,
        """SELECT count(*) FROM (SELECT min(ended_at) AS first, max(ended_at) AS last
                                 FROM rounds GROUP BY gaming_session_id) s
           WHERE first < (SELECT stop FROM sealed WHERE server_id = 0)
             AND last >= (SELECT stop FROM sealed WHERE server_id = 0)""",
    ) == [0]
    assert stop > datetime(2025, 1, 31, tzinfo=UTC)
    files = [file for server, file in league(0) if server == "north"]
    _correct(CorrectionKind.VOID, f"north/{files[-1].name}")(db)
    assert column(db, "SELECT stop FROM sealed WHERE server_id = 0") == [stop]
    _correct(CorrectionKind.VOID, f"north/{files[0].name}")(db)
    assert column(db, "SELECT stop FROM sealed WHERE server_id = 0") == []
    _seal(db)
    assert column(db, "SELECT stop FROM sealed WHERE server_id = 0") == [stop]
    check(db, 0)


def test_careers_are_sealed_after_years_without_rounds(db: psycopg.Connection) -> None:
    """As after a long break, or after one file of a server with a wrong clock."""
    for number, year in enumerate((2003, 2019, 2023)):
        start = datetime(year, 5, 1, 20, tzinfo=ZONE)
        files = generate(number, start=start, sessions=3, maps=(2, 2), pause_days=(8, 8))
        take(db, [File(file.name, file.content, file.mtime) for file in files], "north")
    _seal(db)
    starts = column(db, "SELECT min(ended_at) FROM rounds GROUP BY gaming_session_id ORDER BY 1")
    assert column(db, "SELECT stop FROM sealed WHERE server_id = 0") == [starts[-2]]
    check(db, 0)


def test_stopwatch_setting_unseals(db: psycopg.Connection) -> None:
    """A round 1 without its round 2 is a map with an MVP only without stopwatch."""
    files = [file for server, file in league(0) if server == "north"]
    take(db, files[:1] + [file for file in files if not file.name.startswith(files[0].name[:10])], "north")
    _seal(db)
    for is_stopwatch in (False, True):
        _settings("north", is_stopwatch=is_stopwatch)(db)
        check(db, 0)
        _seal(db)
    assert verify(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).differences == []


@pytest.mark.parametrize("is_hidden_first", [True, False])
def test_merge_hides_rounds_of_both_guids(db: psycopg.Connection, *, is_hidden_first: bool) -> None:
    """Also in periods with only the GUID that was not hidden before; a split shows them again."""
    for number, month in enumerate((1, 2, 3)):
        start = datetime(2024, month, 10, 20, tzinfo=ZONE)
        files = generate(number, start=start, players=4, maps=(2, 2))
        take(db, [File(file.name, file.content, file.mtime) for file in files], "north")
    hidden, best = column(
        db,
        """SELECT DISTINCT ON (r.round_date) p.player_guid
           FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
           WHERE r.round_date < '2024-03-01' ORDER BY r.round_date, p.kills DESC""",
    )
    _hide(hidden, is_hidden=True)(db)
    pair = (hidden, best) if is_hidden_first else (best, hidden)
    identity = {"person": pair[0], "other": pair[1]}
    for statement in (
        "INSERT INTO player_identities (player_guid, identity_guid)"
        " VALUES (%(other)s, %(person)s), (%(person)s, %(person)s)",
        "DELETE FROM player_identities WHERE player_guid IN (%(person)s, %(other)s)",
    ):
        _seal(db)
        with db.transaction():
            db.execute(statement, identity)
        check(db, 0)


def test_small_database_is_not_sealed(db: psycopg.Connection) -> None:
    """Reading all of its rounds takes no longer."""
    filled(db)
    assert sealing.seal(db) == 0
    assert sealing.seal(db, least_rounds=30) > 0


def test_failed_seal_leaves_no_row(db: psycopg.Connection) -> None:
    """After an error no row of the period remains."""
    filled(db)
    with db.transaction():
        db.execute("ALTER TABLE sealed_maps ADD CONSTRAINT none CHECK (map_name = '') NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        _seal(db)
    for table in (
        "sealed",
        "sealed_players",
        "sealed_player_maps",
        "sealed_weapons",
        "sealed_maps",
        "sealed_sessions",
        "sealed_awards",
        "sealed_careers",
        "sealed_steps",
    ):
        assert column(db, f"SELECT count(*) FROM {table}") == [0]


def test_overflowing_sums_leave_a_period_unsealed(db: psycopg.Connection) -> None:
    """The period is read from its rounds."""
    filled(db)
    with db.transaction():
        db.execute("ALTER TABLE player_comprehensive_stats DISABLE TRIGGER USER")
        db.execute("UPDATE player_comprehensive_stats SET xp = 1 << 30")
        db.execute("ALTER TABLE player_comprehensive_stats ENABLE TRIGGER USER")
    assert _seal(db) < 17 + 2
    with db.transaction():
        assert sealing.differences(db) == []


def test_concurrently_changed_server_is_not_sealed(db: psycopg.Connection, database_url: str) -> None:
    """The change is committed after the start of sealing, and would be missing in the sums."""
    filled(db)
    with connect(database_url) as other:
        other.execute("UPDATE rounds SET stored_at = now() WHERE server_id = (SELECT max(id) FROM servers)")
        assert _seal(db) == 10
        other.commit()
    assert _seal(db) == 7 + 2


def test_replaced_rows_unseal_everything(
    db: psycopg.Connection, admin: psycopg.Connection, postgres: str, migrated_template: str
) -> None:
    """A restore replaces rounds without triggers."""
    filled(db)
    _seal(db)
    with own_database(admin, postgres, migrated_template) as url, connect(url) as copy:
        take(copy, [league(1)[-1][1]], "north")
        dump.replace_rows(copy, db)
    assert column(db, "SELECT count(*) FROM sealed") == [0]
    assert column(db, "SELECT count(*) FROM sealed_players") == [0]
