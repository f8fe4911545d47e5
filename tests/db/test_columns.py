"""The columns that the code writes are those that the tables have."""

import re

import psycopg
import pytest

from etstats.db import catalog, columns, queries

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
    "rounds": {"stored_at", "is_counted", "series_id"},
    "player_comprehensive_stats": set(),
    "weapon_comprehensive_stats": set(),
}  # fmt: skip


@pytest.mark.parametrize("table", WRITTEN)
def test_an_import_writes_every_column(db: psycopg.Connection, table: str) -> None:
    """A column that a migration adds is missing here until the code fills it."""
    (found,) = [found for found in catalog.tables(db) if found.name == table]
    stored = {column.name for column in found.columns if not column.is_generated}
    assert len(set(WRITTEN[table])) == len(WRITTEN[table])
    assert set(WRITTEN[table]) | ELSEWHERE[table] == stored


def test_every_column_list_is_used_and_every_used_list_exists() -> None:
    """No list is dead, and none is misspelled: PostgreSQL would see its braces."""
    texts = [queries.query(name) for name in queries.query_names()]
    texts += [queries.check_query(path.stem) for path in queries.check_files()]
    used = {name for text in texts for name in re.findall(r"\{([a-z_]+)\}", text)}
    assert used == set(columns._lists())
    assert not any(re.search(r"\{[a-z_]+\}", columns.with_columns(text)) for text in texts)
