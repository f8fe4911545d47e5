"""The stored series: independent of the import order, and updated by corrections."""

from itertools import permutations

import psycopg
import pytest

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.verify import verify
from etstats.admin.privacy import forget
from etstats.db import identity
from etstats.db.series import sessions_of_players
from etstats.importer.series import refresh_series
from tests.importer.world import HOUR, ZONE, column, empty, snapshot, take
from tests.support.files import File, line, round_file

ALPHA, DELTA, OMEGA = "alpha", "delta", "omega"
NAMES = (
    "SELECT DISTINCT number || ' ' || team || ' ' || name FROM series s JOIN series_teams t ON series_id = s.id"
)


def members(team: str) -> dict[str, str]:
    """Three players of a clan: GUID -> name."""
    number = {ALPHA: "A", DELTA: "D", OMEGA: "E"}[team]
    return {f"0000{number}00{at}": f"{team}.{name}" for at, name in enumerate(("ann", "bob", "eve"), 1)}


def played(stamp: str, axis: str, allies: str, map_name: str, winner: int = 2) -> File:
    """A round 1 between two clans."""
    lines = [line(guid, name, team=1) for guid, name in members(axis).items()]
    lines += [line(guid, name, team=2) for guid, name in members(allies).items()]
    return round_file(f"2025-10-02-{stamp}", 1, lines, map_name=map_name, winner=winner)


FILES = (
    played("210000", ALPHA, DELTA, "supply"),
    played("212000", DELTA, ALPHA, "radar"),
    played("214000", OMEGA, ALPHA, "frostbite"),
    played("220000", ALPHA, OMEGA, "adlernest"),
)


def verify_agrees(conn: psycopg.Connection) -> bool:
    """Return whether `rebuild --verify` finds no difference."""
    return not verify(conn, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).differences


def test_order_of_imports_changes_no_series(db: psycopg.Connection) -> None:
    """One file at a time in each order, or all in one run: the same series, names, teams and rounds."""
    take(db, FILES)
    wanted = snapshot(db)
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 alpha", "1 2 delta", "2 1 alpha", "2 2 omega"]
    for order in permutations(FILES):
        empty(db)
        for file in order:
            take(db, [file])
        assert snapshot(db) == wanted
    assert verify_agrees(db)


def test_late_file_joins_or_splits_series(db: psycopg.Connection) -> None:
    """A late match between others splits a series; the rounds are reassigned."""
    take(db, [FILES[0], played("220000", DELTA, ALPHA, "adlernest")])
    assert column(db, "SELECT number FROM series") == [1]
    take(db, [FILES[2]])
    rounds = "SELECT s.number FROM rounds r JOIN series s ON s.id = r.series_id ORDER BY r.ended_at"
    assert column(db, rounds) == [1, 2, 3]
    assert column(db, "SELECT axis_team FROM rounds ORDER BY ended_at") == [1, 2, 2]
    assert verify_agrees(db)


def test_hidden_and_forgotten_players_name_no_team(db: psycopg.Connection, tmp_path: object) -> None:
    """Hiding changes the name, unhiding restores it, and verify agrees."""
    solo = [line("0000000A", "^1marsh", team=1), line("0000000B", "cartman", team=2)]
    take(db, [round_file("2025-10-02-210000", 1, solo)])
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 Team marsh", "1 2 Team cartman"]
    with db.transaction():
        identity.hide(db, "0000000A")
        refresh_series(db, sessions_of_players(db, ["0000000A"]))
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 Team A", "1 2 Team cartman"]
    assert verify_agrees(db)
    with db.transaction():
        identity.unhide(db, "0000000A")
        refresh_series(db, sessions_of_players(db, ["0000000A"]))
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 Team marsh", "1 2 Team cartman"]
    forget(db, "0000000A", tmp_path)
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 Team A", "1 2 Team cartman"]
    assert verify_agrees(db)


def test_admin_sets_a_team_name(db: psycopg.Connection) -> None:
    """By the series' first file; the newest name counts, an undone one does not, later files keep it."""
    take(db, FILES[:2])
    for value in ("2 first", "2 Σigma | ÄÖ"):
        with db.transaction():
            db.execute(
                "INSERT INTO corrections (kind, subject, value) VALUES ('team_name', %s, %s)",
                [f"main/{FILES[0].name}", value],
            )
            refresh_series(db, column_in(db, "SELECT id FROM sessions"))
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 alpha", "1 2 Σigma | ÄÖ"]
    take(db, FILES[2:])
    assert "1 2 Σigma | ÄÖ" in column(db, NAMES)
    assert verify_agrees(db)
    with db.transaction():
        db.execute("UPDATE corrections SET undone_at = now()")
        refresh_series(db, column_in(db, "SELECT id FROM sessions"))
    assert column(db, f"{NAMES} ORDER BY 1") == ["1 1 alpha", "1 2 delta", "2 1 alpha", "2 2 omega"]


@pytest.mark.parametrize("sides", [(1,), (3, 3), (1, 1), ()])
def test_one_sided_rounds_have_series(db: psycopg.Connection, sides: tuple[int, ...]) -> None:
    """One player, only spectators, everybody on one side, nobody: no error."""
    lines = [line(f"0000000{at}", f"p{at}", team=side) for at, side in enumerate(sides)]
    take(
        db,
        [round_file("2025-10-02-210000", 1, lines), round_file("2025-10-02-212000", 1, lines, map_name="radar")],
    )
    assert column(db, "SELECT count(*) FROM series") == [1]
    assert column(db, "SELECT score1 FROM series") == [None]
    assert verify_agrees(db)


def column_in(conn: psycopg.Connection, sql: str) -> list[int]:
    """Return one column, in the caller's transaction."""
    return [row[0] for row in conn.execute(sql)]
