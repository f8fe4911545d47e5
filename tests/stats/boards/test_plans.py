"""Tests that queries of few rounds use indexes at every step."""

from datetime import UTC, datetime

import pytest
from psycopg import Connection

from etstats.db import sealed
from etstats.db.columns import query_with_columns
from etstats.db.scope import Scope

QUERIES = (
    "player_sums", "weapon_sums", "scope_size", "weapon_scope_size", "scope_facts", "player_rounds", "player_maps",
    "player_sides", "player_weapons", "player_teammates", "maps", "weapons", "round_records", "session_records",
    "open_rounds",
)  # fmt: skip
BOUNDED = {
    "last rounds": Scope(last_rounds=5),
    "last sessions": Scope(last_sessions=2),
    "since": Scope(since=datetime(2025, 10, 5, tzinfo=UTC)),
    "map": Scope(map_name="supply", last_rounds=3),
}
LARGE = ("rounds", "player_comprehensive_stats", "weapon_comprehensive_stats")


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Return the URL of the database with the generated sessions."""
    return filled_url


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("bound", BOUNDED)
def test_bounded_queries_use_indexes(db: Connection, name: str, bound: str) -> None:
    """With sequential scans disabled the planner finds an index for every growing table."""
    guid = db.execute("SELECT min(player_guid) FROM player_comprehensive_stats").fetchone()
    assert guid is not None
    own = {"shown": [], "known": None, "weapon": "MP40", "guid": guid[0], "limit": 10, "other": None,
           "dpm_seconds": 300, "accuracy_shots": 100, "session_dpm_seconds": 1800, "before": None, "unknown": 0,
           "with_names": True, "most": None, "guids": None,
           **sealed.NOTHING.parameters}  # fmt: skip
    db.execute("SET LOCAL enable_seqscan = off")
    plan = [
        row[0] for row in db.execute("EXPLAIN " + query_with_columns(name), {**BOUNDED[bound].parameters, **own})
    ]
    passes = [line.strip() for line in plan if any(f"Seq Scan on {table} " in line for table in LARGE)]
    assert passes == []
