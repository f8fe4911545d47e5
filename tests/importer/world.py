"""Helpers to import files and to read the stored rows without surrogate ids."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.validate import validate
from etstats.admin.audit.verify import verify
from etstats.db.connection import Connection
from etstats.domain.import_result import ImportResult
from etstats.importer.importer import Importer, Incoming
from tests.support.files import File

ZONE = ZoneInfo("Europe/Ljubljana")
HOUR = timedelta(minutes=60)

_SNAPSHOT = {
    "files": """
        SELECT s.name, f.filename, f.source_hash, f.success, o.filename
        FROM processed_files f JOIN servers s ON s.id = f.server_id
        LEFT JOIN processed_files o ON o.id = f.duplicate_of""",
    "rounds": """
        SELECT s.name, f.filename, g.first, one.filename,
               to_jsonb(r) - '{id,server_id,file_id,round1_id,gaming_session_id,series_id,stored_at}'::text[],
               (SELECT e.number FROM series e WHERE e.id = r.series_id)
        FROM rounds r JOIN servers s ON s.id = r.server_id JOIN processed_files f ON f.id = r.file_id
        LEFT JOIN rounds r1 ON r1.id = r.round1_id LEFT JOIN processed_files one ON one.id = r1.file_id
        JOIN first_files g ON g.id = r.gaming_session_id""",
    "players": """
        SELECT s.name, f.filename, to_jsonb(p) - 'round_id'
        FROM player_comprehensive_stats p JOIN rounds r ON r.id = p.round_id
        JOIN servers s ON s.id = r.server_id JOIN processed_files f ON f.id = r.file_id""",
    "weapons": """
        SELECT s.name, f.filename, to_jsonb(w) - 'round_id'
        FROM weapon_comprehensive_stats w JOIN rounds r ON r.id = w.round_id
        JOIN servers s ON s.id = r.server_id JOIN processed_files f ON f.id = r.file_id""",
    "teams": """
        SELECT s.name, g.first, t.player_guid, t.team
        FROM session_teams t JOIN sessions x ON x.id = t.session_id JOIN servers s ON s.id = x.server_id
        JOIN first_files g ON g.id = t.session_id""",
    "series": """
        SELECT s.name, g.first, e.number, e.score1, e.score2, t.team, t.name, t.player_guid
        FROM series e JOIN sessions x ON x.id = e.gaming_session_id JOIN servers s ON s.id = x.server_id
        JOIN first_files g ON g.id = x.id LEFT JOIN series_teams t ON t.series_id = e.id""",
    "sessions": "SELECT s.name, g.first FROM sessions x JOIN servers s ON s.id = x.server_id "
    "LEFT JOIN first_files g ON g.id = x.id",
    "aliases": "SELECT guid, alias, times_seen, first_seen, last_seen FROM player_aliases",
}
_FIRST_FILES = """
    WITH first_files AS (
        SELECT r.gaming_session_id AS id, min(f.filename) AS first
        FROM rounds r JOIN processed_files f ON f.id = r.file_id GROUP BY 1)"""


def snapshot(conn: Connection) -> dict[str, list[str]]:
    """Return all rows of an import by table; sessions are named by their first file."""
    with conn.transaction():
        return {name: _rows(conn, sql) for name, sql in _SNAPSHOT.items()}


def _rows(conn: Connection, sql: str) -> list[str]:
    rows: list[tuple[Any, ...]] = conn.execute(f"{_FIRST_FILES} {sql}").fetchall()
    return sorted(map(repr, rows))


def take(
    conn: Connection, files: Iterable[File], server: str = "main", gap: timedelta = HOUR, zone: ZoneInfo = ZONE
) -> list[ImportResult]:
    """Import files in the given order, in one run."""
    importer = Importer(conn, server, zone, gap)
    return list(
        importer.add_all(Incoming(filename=file.name, content=file.content, mtime=file.mtime) for file in files)
    )


def empty(conn: Connection) -> None:
    """Delete everything."""
    with conn.transaction():
        conn.execute(
            "TRUNCATE servers, processed_files, sessions, rounds, player_aliases, player_ratings, rated_matches, "
            "unrated_matches RESTART IDENTITY CASCADE"
        )


def column(conn: Connection, sql: str) -> list[Any]:
    """Return one column of a query."""
    with conn.transaction():
        return [row[0] for row in conn.execute(sql)]


def assert_any_order_is_the_same(
    conn: Connection,
    data: st.DataObject,
    files: Sequence[File],
    plan: RebuildPlan,
    *,
    clear: Callable[[Connection], None] = empty,
    zone: ZoneInfo = ZONE,
) -> None:
    """Import files in time order, in any order and two runs, then rebuild: the rows are equal."""
    order = data.draw(st.permutations(files), label="order")
    cut = data.draw(st.integers(0, len(files)), label="runs")
    clear(conn)
    take(conn, sorted(files, key=lambda file: file.name), zone=zone)
    expected = snapshot(conn)
    clear(conn)
    take(conn, order[:cut], zone=zone)
    take(conn, order[cut:], zone=zone)
    assert snapshot(conn) == expected
    assert verify(conn, plan).differences == []
    assert rebuild(conn, plan).written == 0
    assert snapshot(conn) == expected
    assert validate(conn, HOUR).errors == []
