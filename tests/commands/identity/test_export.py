"""Tests of export: all tables and rows, all or nothing, with a complete dictionary."""

import csv
import json
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from etstats.admin.export import ExportKind, export
from etstats.db import catalog
from etstats.demo.generator import generate
from etstats.errors import ConfigError
from etstats.importer.importer import Importer
from tests.conftest import CliResult
from tests.stats.sessions.rows import add_round, add_session, line
from tests.support.paths import ROOT

Cli = Callable[..., CliResult]
DOCUMENT = ROOT / "docs" / "database.md"


@pytest.fixture
def played(db: Connection) -> Connection:
    """Return a database with a generated session, a quarantined file, and a name that is a formula."""
    importer = Importer(db, "main", ZoneInfo("Europe/Ljubljana"), timedelta(minutes=60))
    for file in generate(3, start=datetime(2025, 10, 6, 20, 5), players=6, maps=(2, 2)):  # noqa: DTZ001
        importer.add(file.name, file.content, file.mtime)
    importer.add("2025-10-07-200000-supply-round-1.txt", b"half a li")
    add_round(db, add_session(db), [line(1, 1, '=HYPERLINK("x")'), line(2, 2, 'a "b", c')])
    db.commit()
    return db


def rows_of(db: Connection, table: str) -> int:
    """Return the number of rows of a table."""
    (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(count)


def exported(db: Connection) -> set[str]:
    """Return the tables that an export must contain."""
    return {table.name for table in catalog.tables(db) if not table.is_view} - {"forgetting_key"}


def test_csv_has_every_row_and_column(played: Connection, tmp_path: Path) -> None:
    """CSV is read by another reader: formulas are text, quotes and commas are kept."""
    tables = exported(played)
    export(played, tmp_path / "out", ExportKind.CSV)
    assert {path.stem for path in (tmp_path / "out").iterdir()} == tables | {"data_dictionary"}
    found = {}
    for name in tables:
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            found[name] = list(csv.DictReader(file))
        assert len(found[name]) == rows_of(played, name), name
    names = {row["player_name"] for row in found["player_comprehensive_stats"]}
    assert {'\'=HYPERLINK("x")', 'a "b", c'} <= names
    kills = played.execute("SELECT sum(kills) FROM player_comprehensive_stats").fetchone()
    assert kills == (sum(int(row["kills"]) for row in found["player_comprehensive_stats"]),)


def test_json_lines_have_every_row_unchanged(played: Connection, tmp_path: Path) -> None:
    """JSON lines: one document per line, unknown numbers are null, names are unchanged."""
    tables = exported(played)
    export(played, tmp_path / "out", ExportKind.JSONL)
    for name in tables:
        lines = (tmp_path / "out" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(text) for text in lines]
        assert len(rows) == rows_of(played, name), name
        if name == "player_comprehensive_stats":
            assert '=HYPERLINK("x")' in {row["player_name"] for row in rows}
            assert None in {row["revives_given"] for row in rows}


def test_sqlite_keeps_types_and_keys(played: Connection, tmp_path: Path) -> None:
    """SQLite: numbers, bytes and keys have their types."""
    tables = exported(played)
    export(played, tmp_path / "stats.sqlite", ExportKind.SQLITE)
    with closing(sqlite3.connect(tmp_path / "stats.sqlite")) as database:
        there = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert there == tables | {"data_dictionary"}
        for name in tables:
            assert database.execute(f'SELECT count(*) FROM "{name}"').fetchone() == (rows_of(played, name),), name
        question = """SELECT sum(kills), round(sum(time_dead_minutes), 1), round(sum(dpm)), max(was_reset) FROM
                      player_comprehensive_stats"""
        answer = played.execute(
            """SELECT sum(kills), round(sum(time_dead_minutes), 1)::float, round(sum(dpm)), max(was_reset::int)
               FROM player_comprehensive_stats"""
        ).fetchone()
        assert database.execute(question).fetchone() == answer
        (content,) = database.execute("SELECT content FROM processed_files WHERE NOT success").fetchone()
        assert content == b"half a li"
        (ended_at,) = database.execute("SELECT max(ended_at) FROM rounds").fetchone()
        assert (datetime.fromisoformat(ended_at),) == played.execute("SELECT max(ended_at) FROM rounds").fetchone()


def test_archived_bytes_are_not_exported_by_default(played: Connection, tmp_path: Path) -> None:
    """The archived bytes are not exported by default, and not in the dictionary."""
    export(played, tmp_path / "out", ExportKind.CSV, with_files=False)
    with (tmp_path / "out" / "processed_files.csv").open(encoding="utf-8") as file:
        assert not {"content", "rejected_content"} & set(next(csv.reader(file)))
    assert "processed_files,content," not in (tmp_path / "out" / "data_dictionary.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", list(ExportKind))
def test_existing_targets_are_not_replaced(played: Connection, tmp_path: Path, kind: ExportKind) -> None:
    """Existing files, folders and broken links are not changed."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(ConfigError, match="exists and is not replaced"):
            export(played, tmp_path / name, kind)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "link"]


@pytest.mark.parametrize("kind", list(ExportKind))
def test_failed_export_leaves_nothing(played: Connection, tmp_path: Path, kind: ExportKind) -> None:
    """After an error neither the target nor a partial export remains."""

    def fail(done: int, all_tables: int) -> None:
        if done == 5:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        export(played, tmp_path / "out", kind, progress=fail)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="cannot be written"):
        export(played, tmp_path / "no" / "such" / "folder", kind)


@pytest.mark.parametrize("kind", list(ExportKind))
def test_export_is_private_with_any_umask(played: Connection, tmp_path: Path, kind: ExportKind) -> None:
    """Files have mode 0600 and folders 0700, with any umask."""
    before = os.umask(0)
    try:
        export(played, tmp_path / "out", kind)
    finally:
        os.umask(before)
    made = [tmp_path / "out", *(tmp_path / "out").glob("*")]
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in made} == {
        path: 0o700 if path.is_dir() else 0o600 for path in made
    }


def test_dictionary_matches_the_database(db: Connection) -> None:
    """`sql/dictionary.toml` matches the database catalogue."""
    tables = {table.name: table for table in catalog.tables(db)}
    words = catalog.dictionary()
    assert words.keys() == tables.keys()
    for name, table in tables.items():
        assert set(words[name]) <= {"", *(column.name for column in table.columns)}, name
        assert table.meaning, name
        assert all(table.meanings), name


def test_documented_dictionary_is_current(cli: Cli) -> None:
    """If this fails, run: etstats export --dictionary --markdown."""
    result = cli("export", "--dictionary", "--markdown")
    assert result.code == 0
    assert DOCUMENT.read_text(encoding="utf-8").endswith(result.out)


def test_exit_codes_of_the_command(cli: Cli, played: Connection, tmp_path: Path) -> None:
    """Exit 0 once, 2 the second time; 2 without a target or with an unknown format, with a suggestion."""
    target = tmp_path / "stats.sqlite"
    assert cli("export", "--to", target, "--format", "sqlite").code == 0
    assert cli("export", "--to", target, "--format", "sqlite").code == 2
    assert cli("export").code == 2
    assert "jsonl" in cli("export", "--to", tmp_path / "x", "--format", "json").err
    assert json.loads(cli("export", "--dictionary", "--json").out)[0]["table"]
