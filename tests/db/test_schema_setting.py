"""`database.schema`: etstats and another program in one database."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from etstats.db import dump
from etstats.db.connection import connect
from etstats.db.urls import with_schema
from etstats.demo.generator import generate, write_files
from etstats.errors import ConfigError
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


@pytest.fixture
def shared(
    cli: Cli, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, list[tuple[object, ...]]]]:
    """A database in which another program has tables with the same names; returns their contents."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("CREATE TABLE schema_migrations (version bigint); INSERT INTO schema_migrations VALUES (7)")
        conn.execute("CREATE TABLE rounds (title text); INSERT INTO rounds VALUES ('theirs')")

    def theirs() -> dict[str, list[tuple[object, ...]]]:
        with psycopg.connect(empty_database_url) as conn:
            names = conn.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            return {name: conn.execute(f"SELECT * FROM public.{name}").fetchall() for (name,) in names.fetchall()}

    return theirs


def test_separate_schema_is_created_and_used(
    cli: Cli,
    shared: Callable[[], dict[str, list[tuple[object, ...]]]],
    empty_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The schema is created and used, and the tables of the other program are unchanged."""
    before = shared()
    assert before == {"schema_migrations": [(7,)], "rounds": [("theirs",)]}
    assert cli("sessions").code == 2
    monkeypatch.setenv("ETSTATS_DATABASE_SCHEMA", "etstats")
    folder = tmp_path / "gamestats"
    folder.mkdir()
    write_files(folder, generate(7, start=datetime(2025, 10, 2, 5, 30, tzinfo=UTC), files=8))
    assert "8 imported" in cli("import", folder).err
    with connect(with_schema(empty_database_url, "etstats")) as conn:
        stored = dump.contents(conn)
        assert {table.name: table.rows for table in stored}["rounds"] == 8
    assert cli("rebuild", "--verify").code == 0
    assert cli("leaderboard", "--top", "kd", "--csv").out.count("\n") > 2
    assert cli("export", "--dictionary", "--markdown").out.count("### rounds\n") == 1
    assert cli("db", "status").code == 0
    assert cli("backup").code == 0
    with connect(with_schema(empty_database_url, "etstats")) as conn:
        conn.execute("DELETE FROM rounds")
        conn.commit()
        assert cli("restore", "latest", "--yes").code == 0
        assert dump.contents(conn) == stored
    assert shared() == before


@pytest.mark.parametrize(
    "name", ["", "Etstats", "a b", "pg_temp", "x" * 64, "a,public", "a'b", "-c role=x", "schéma"]
)
def test_invalid_schema_name_is_refused(cli: Cli, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2 with the value, which is not sent to the server."""
    monkeypatch.setenv("ETSTATS_DATABASE_SCHEMA", name)
    done = cli("sessions")
    assert done.code == 2
    assert f'ETSTATS_DATABASE_SCHEMA: invalid schema name "{name}"' in done.err or (not name and done.err)
    with pytest.raises(ConfigError, match="invalid schema name"):
        with_schema("postgresql://localhost/x", name)


def test_other_url_options_are_kept() -> None:
    """Other options are kept in front of the schema."""
    url = with_schema("postgresql://localhost/x?options=-c%20work_mem%3D8MB", "etstats")
    assert "options='-c work_mem=8MB -csearch_path=etstats'" in url
    assert with_schema("postgresql://localhost/x", "public") == "postgresql://localhost/x"
