"""The plans of all bounded queries, on a large database: none reads a large table completely."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from etstats.db.columns import with_columns
from etstats.db.connection import connect
from etstats.db.queries import query as named_query
from etstats.db.queries import query_names
from tests.conftest import own_database

ROUNDS, PLAYERS, WEAPONS, A_SESSION = 12_000, 6, 3, 12
BIG = ("rounds", "player_comprehensive_stats", "weapon_comprehensive_stats", "processed_files", "session_teams")
PARTIAL = ("processed_files_quarantine",)  # as large as the quarantine
START = datetime(2024, 1, 1, tzinfo=UTC)
NEWEST = START + timedelta(hours=ROUNDS)
MIDDLE = ROUNDS // 2
FILL = f"""
SET session_replication_role = replica;
INSERT INTO servers (name) VALUES ('main'), ('other');
INSERT INTO processed_files (server_id, filename, file_hash, size_bytes, content, source_hash, source_size,
    success)
SELECT 1, to_char(timestamp '2024-01-01' + n * interval '1 hour', 'YYYY-MM-DD-HH24MISS') || '-supply-round-1.txt',
       h, 100, convert_to(repeat(h, 8), 'UTF8'), h, 100, true
FROM generate_series(1, {ROUNDS}) n, LATERAL (SELECT encode(sha256(n::text::bytea), 'hex') AS h) x;
INSERT INTO sessions (server_id) SELECT 1 FROM generate_series(0, {ROUNDS // A_SESSION});
INSERT INTO rounds (server_id, file_id, match_id, round_number, round_date, round_time, ended_at, map_name, config,
    defender_team, winner_team, time_limit_seconds, round_outcome, is_cumulative, gaming_session_id)
SELECT 1, n, n / 2, 1 + n % 2, (timestamp '2024-01-01' + n * interval '1 hour')::date, '20:00',
       timestamptz '2024-01-01 00:00+00' + n * interval '1 hour', 'map' || n % 20, 'legacy6', 1, 2, 600,
       'completed', false, 1 + n / {A_SESSION}
FROM generate_series(1, {ROUNDS}) n;
INSERT INTO player_comprehensive_stats (round_id, player_guid, player_name, clean_name, team, was_reset, kills,
    deaths, headshots, hits, shots, bullets_fired, damage_given, damage_received, team_damage_given,
    team_damage_received, gibs, self_kills, team_kills, team_gibs, time_played_seconds, time_played_percent, xp,
    killing_spree_best, death_spree_worst, kill_assists, kill_steals, headshot_kills, objectives_stolen,
    objectives_returned, dynamites_planted, dynamites_defused, times_revived, tank_meatshield, time_dead_minutes,
    most_useful_kills, double_kills, triple_kills, quad_kills, multi_kills, mega_kills)
SELECT n, lpad(upper(to_hex((n * 7 + p * 31) % 200)), 8, '0'), 'name', 'name', 1 + p % 2, false, 5, 5, 2, 20,
       50, 50, 100, 100, 0, 0, 0, 0, 0, 0, 600, 100, 10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0
FROM generate_series(1, {ROUNDS}) n, generate_series(1, {PLAYERS}) p;
INSERT INTO weapon_comprehensive_stats (round_id, player_guid, weapon_name, kills, deaths, headshots, hits, shots)
SELECT round_id, player_guid, weapon, 2, 1, 1, 5, 20
FROM player_comprehensive_stats, unnest(ARRAY['MP40', 'THOMPSON', 'GRENADE']) weapon;
INSERT INTO player_aliases SELECT player_guid, 'name', count(*), '2024-01-01', '2025-01-01'
FROM player_comprehensive_stats GROUP BY player_guid;
INSERT INTO series (gaming_session_id, number) SELECT id, 1 FROM sessions;
UPDATE rounds r SET series_id = e.id FROM series e WHERE e.gaming_session_id = r.gaming_session_id;
INSERT INTO session_teams SELECT s, lpad(upper(to_hex((s * 7 + p) % 200)), 8, '0'), 1 + p % 2
FROM generate_series(1, {ROUNDS // A_SESSION}) s, generate_series(0, 11) p;
"""

# Questions about everything there is, whose answer needs all of it; each is asked by a person, or by a rebuild.
ABOUT_EVERYTHING = {
    "achievements_reached": "everybody's way to every threshold",
    "all_sides": "the site's pages of all sessions",
    "archive_in_order": "a rebuild reads the archive from end to end",
    "career_gains": "the site's achievements of all players",
    "bot_teams": "the table of a bot, once, when moving in",
    "careers": "the bests of all time",
    "catalog_columns": "the catalogue, not the database",
    "count_aliases": "counted once at the end of a rebuild",
    "count_files": "the length of a rebuild's progress bar",
    "count_stored_files": "diagnose counts all files",
    "count_server_files": "all files of a server that is renamed",
    "count_rounds": "the length of a progress bar",
    "drop_empty_sessions": "once, at the end of a rebuild",
    "dumped_tables": "the catalogue, not the database",
    "stored_files": "diagnose looks at each file",
    "anonymize_session_teams": "a forgotten player's sessions, whichever they are",
    "anonymize_reasons": "a forgotten GUID may stand in any reason",
    "health_facts": "counts of the whole database",
    "locate_findings": "the frame of a check over all that is stored",
    "map_names": "all maps, for a wrong name",
    "nearest_days": "all days, for a day on which nobody played",
    "nearest_rounds": "all ids, for a wrong one",
    "nearest_sessions": "all ids, for a wrong one",
    "participants": "the site's links of all sessions",
    "recent_imports": "a listing of the arrivals of the last weeks",
    "records_of_players": "the site's pages of many players, over all rounds",
    "replace_impossible_times": "once, at the beginning of a rebuild",
    "round_fingerprints": "the site compares every round with its pages",
    "touch_series": "a correction of one series, found by the name of its first file",
    "void_rounds": "a correction of all rounds of a map",
    "store_bot_settings": "once, when the settings of a server change",
    "session_sums": "the site's pages of all players",
    "teammates_of_players": "the site's pages of many players, over all rounds",
}


class Parameters(dict[str, Any]):
    """Parameters of a bounded query; a missing one is NULL."""

    def __missing__(self, key: str) -> None:
        return None


GUID = "0000000A"
ASKED = Parameters(
    after=ROUNDS - 10,
    at=NEWEST,
    before=NEWEST,
    day=date(2024, 6, 1),
    duplicates=[None],
    file_id=MIDDLE,
    file_ids=[MIDDLE, MIDDLE + 1],
    filename="2024-06-01-200000-supply-round-1.txt",
    filenames=["2024-06-01-200000-supply-round-1.txt"],
    first_at=NEWEST - timedelta(days=1),
    groups=[1, 1],
    guid=GUID,
    guids=[GUID],
    hashes=["0" * 64],
    id=MIDDLE,
    kind="status",
    known=[],
    ids=[MIDDLE, MIDDLE + 1],
    last_at=NEWEST,
    limit=10,
    map_name="map1",
    match_id=str(MIDDLE),
    moments=[NEWEST - timedelta(days=9), NEWEST],
    most=10,
    names=["2024-06-01-200000-supply-round-1.txt"],
    now=NEWEST,
    original=MIDDLE,
    other="0000000B",
    patience=timedelta(minutes=2),
    reach=timedelta(hours=1),
    round_id=MIDDLE,
    round_ids=[MIDDLE, MIDDLE + 1],
    schema="public",
    server_id=1,
    session_end=timedelta(minutes=30),
    session_id=500,
    session_ids=[500, 501],
    since=NEWEST - timedelta(days=2),
    source_hash="0" * 64,
    stamp="2024-12-30",
    subject=MIDDLE,
    weapon="MP40",
    with_hidden=True,
)
ALSO = {
    "notice_of": Parameters(ASKED, subject="main"),
    "newest_file": Parameters(ASKED, before="2030"),
    "files_since": Parameters(ASKED, since="2025-05-14"),
    "nearest_days": ASKED,
}


@pytest.fixture(scope="module")
def large(admin: psycopg.Connection, postgres: str, migrated_template: str) -> Iterator[psycopg.Connection]:
    """A database of thousands of rounds, with statistics, on one connection."""
    with own_database(admin, postgres, migrated_template) as url, connect(url) as conn:
        conn.execute(FILL)
        conn.execute("SET session_replication_role = origin")
        conn.commit()
        conn.autocommit = True
        conn.execute("ANALYZE")
        conn.execute("SET random_page_cost = 1.1")  # as in the embedded one; the default is for turning disks
        yield conn


def _scanned(node: Any, limited: bool = False) -> Iterator[str]:
    """Return the tables that a plan scans completely; an index scan that a LIMIT ends is not included."""
    if isinstance(node, list):
        for inner in node:
            yield from _scanned(inner, limited)
    elif isinstance(node, dict):
        kind = node.get("Node Type")
        whole = kind == "Seq Scan" or (kind in ("Index Scan", "Index Only Scan") and not limited)
        whole = whole and node.get("Index Name") not in PARTIAL
        if whole and "Index Cond" not in node and node["Relation Name"] in BIG:
            yield f"{kind} on {node['Relation Name']}"
        for value in node.values():
            yield from _scanned(value, kind == "Limit")


def query(name: str) -> str:
    """Return a named query of the package; the queries of posts and notices are about posts."""
    return with_columns(named_query(name).replace("{messages}", "posts"))


def _explained(name: str) -> bool:
    """Return whether a query is one statement that EXPLAIN accepts, on tables that it names."""
    text = named_query(name)
    return "{table}" not in text and bool(
        re.match(r"\s*\(?(WITH|SELECT|INSERT|UPDATE|DELETE)\b", text, re.IGNORECASE)
    )


@pytest.mark.parametrize(
    "name", [name for name in query_names() if name not in ABOUT_EVERYTHING and _explained(name)]
)
def test_bounded_queries_scan_no_large_table(large: psycopg.Connection, name: str) -> None:
    """A query about some rounds, files, a session, a player or some days scans no big table."""
    try:
        row = large.execute(f"EXPLAIN (FORMAT JSON) {query(name)}", ALSO.get(name, ASKED)).fetchone()
    except (
        psycopg.errors.IndeterminateDatatype,
        psycopg.errors.InvalidTextRepresentation,
        psycopg.ProgrammingError,
    ):
        raise AssertionError(f"add the parameters of {name} to ASKED") from None
    assert row is not None
    assert not list(_scanned(row[0])), json.dumps(row[0])[:2000]


def test_exceptions_are_existing_queries() -> None:
    """The list of exceptions names only existing queries."""
    assert set(ABOUT_EVERYTHING) <= set(query_names())


def test_plans_made_for_empty_tables_use_indexes(db: psycopg.Connection) -> None:
    """A first import plans its queries on empty tables and caches the plans: each uses a complete key."""
    around = json.dumps(db.execute(f"EXPLAIN (FORMAT JSON) {query('rounds_around')}", ASKED).fetchone())
    assert re.search(r"Index Cond[^}]*ended_at", around)
    foreign_key = "SELECT FROM player_comprehensive_stats WHERE round_id = %s AND player_guid = %s FOR KEY SHARE"
    (plan,) = db.execute(f"EXPLAIN (FORMAT JSON) {foreign_key}", [1, GUID]).fetchone() or ()
    assert "Filter" not in json.dumps(plan)
    assert re.search(
        r"Index Cond[^,]*round_id[^,]*player_guid|Index Cond[^,]*player_guid[^,]*round_id", json.dumps(plan)
    )
