"""The columns that the code writes are those of the tables."""

import hashlib
import re

import psycopg
import pytest
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH

from etstats.db import catalog, columns, queries, sums

WRITTEN = {
    "processed_files": columns.FILE_COLUMNS,
    "rounds": columns.ROUND_COLUMNS,
    "player_comprehensive_stats": ("round_id", *columns.PLAYER_COLUMNS),
    "weapon_comprehensive_stats": columns.WEAPON_COLUMNS,
}
# What other statements set, or the database by itself.
ELSEWHERE = {
    "processed_files": {
        "processed_at", "discarded_at", "rejected_hash", "rejected_size", "rejected_content", "rejected_reason",
        "rejected_line", "rejected_at", "rejected_mtime",
    },
    "rounds": {"stored_at", "series_id"},
    "player_comprehensive_stats": set(),
    "weapon_comprehensive_stats": set(),
}  # fmt: skip


@pytest.mark.parametrize("table", WRITTEN)
def test_import_writes_every_column(db: psycopg.Connection, table: str) -> None:
    """A column added by a migration is missing here until the code writes it."""
    (found,) = [found for found in catalog.tables(db) if found.name == table]
    stored = {column.name for column in found.columns if not column.is_generated}
    assert len(set(WRITTEN[table])) == len(WRITTEN[table])
    assert set(WRITTEN[table]) | ELSEWHERE[table] == stored


def test_column_lists_are_used_and_exist() -> None:
    """No list is unused or misspelled."""
    texts = [queries.query(name).replace("{messages}", "posts") for name in queries.query_names()]
    texts = [text for text in texts if "{table}" not in text]  # queries of any table and column
    texts += [queries.check_query(path.stem) for path in queries.check_files()]
    used = {name for text in texts for name in re.findall(r"\{([a-z_]+)\}", text)}
    assert used == set(columns._lists()) == set(columns._lists(sealed=True))
    assert not any(re.search(r"\{[a-z_]+\}", columns.with_columns(text)) for text in texts)


def test_stored_sums_have_known_definitions() -> None:
    """Stored sums are read by these definitions: after a release, a change needs a migration that deletes them."""
    stored = (sums.PLAYER_SUMS, sums.MAP_SUMS, sums.AWARD_KEYS, sorted(sums.LOWEST_AWARDS))
    digest = hashlib.sha256(repr(stored).encode()).hexdigest()[:16]
    assert digest == "00082f2383663f73", "after a release: DELETE FROM sealed in a migration; then renew this"


@pytest.mark.parametrize("name", ["store_files", "store_rounds"])
def test_import_statements_are_parsed_once(name: str) -> None:
    """The statements of a group are shorter than the limit of psycopg's cache of parsed statements."""
    assert len(columns.query_with_columns(name).encode()) <= MAX_CACHED_STATEMENT_LENGTH
