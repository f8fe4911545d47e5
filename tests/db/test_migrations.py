"""Migrations: applied once, in order, all or nothing, and never over a base that is not theirs."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from etstats.db.connection import connect
from etstats.db.migrations import migrate, status
from etstats.errors import ConfigError, EtstatsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small migrations."""
    (tmp_path / "0001_players.sql").write_text(
        "CREATE TABLE players (id integer);\nCREATE TABLE teams (id integer);\n"
    )
    (tmp_path / "0002_names.sql").write_text("ALTER TABLE players ADD COLUMN name text DEFAULT '100 %s';\n")
    return tmp_path


@pytest.fixture
def empty(empty_database_url: str):
    """A connection to a base without a table."""
    with connect(empty_database_url) as conn:
        yield conn


def test_applies_in_order_and_records(empty: psycopg.Connection, folder: Path) -> None:
    """Both steps are applied in order, with their names, and a second call has nothing to do."""
    assert migrate(empty, folder) == ["0001_players", "0002_names"]
    assert migrate(empty, folder) == []
    found = status(empty, folder)
    assert [str(step) for step in found.applied] == ["0001_players", "0002_names"]
    assert found.pending == ()
    assert found.applied[0].applied_at.utcoffset() is not None
    assert empty.execute("SELECT count(*) FROM players WHERE name IS NULL").fetchone() == (0,)


def test_status_of_an_empty_base_changes_nothing(empty: psycopg.Connection, folder: Path) -> None:
    """Asking an empty base names every step as pending and makes no table."""
    assert [str(step) for step in status(empty, folder).pending] == ["0001_players", "0002_names"]
    assert empty.execute("SELECT to_regclass('schema_migrations')").fetchone() == (None,)


def test_nothing_to_do_is_one_query(
    empty: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing to do neither the lock is taken nor the table made again."""
    migrate(empty, folder)
    asked: list[str] = []
    original = psycopg.Cursor.execute

    def spy(self: psycopg.Cursor, text, *args, **kwargs):
        asked.append(str(text))
        return original(self, text, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", spy)
    migrate(empty, folder)
    assert len(asked) == 1
    assert "FROM schema_migrations" in asked[0]


def test_a_failing_step_leaves_no_trace(empty: psycopg.Connection, folder: Path) -> None:
    """A step that fails half-way is undone whole, the one before it stays, and the mended one goes through."""
    second = folder / "0002_names.sql"
    second.write_text("CREATE TABLE half (id integer); SELECT nonsense;")
    with pytest.raises(EtstatsError, match=r"0002_names failed and left no trace: column .nonsense."):
        migrate(empty, folder)
    assert [step.number for step in status(empty, folder).applied] == [1]
    assert empty.execute("SELECT to_regclass('half')").fetchone() == (None,)
    empty.rollback()
    second.write_text("CREATE TABLE half (id integer);")
    assert migrate(empty, folder) == ["0002_names"]


def test_refuses_a_newer_base(empty: psycopg.Connection, folder: Path) -> None:
    """A base with a step that the program lacks was made by a newer program."""
    migrate(empty, folder)
    (folder / "0002_names.sql").unlink()
    with pytest.raises(ConfigError, match=r"0002_names.*newer one"):
        migrate(empty, folder)
    with pytest.raises(ConfigError, match="Upgrade etstats"):
        status(empty, folder)


@pytest.mark.parametrize("change", ["text", "name"])
def test_refuses_a_changed_step(empty: psycopg.Connection, folder: Path, change: str) -> None:
    """A step that was changed after it was applied is refused."""
    migrate(empty, folder)
    if change == "text":
        (folder / "0001_players.sql").write_text("CREATE TABLE players (id bigint);")
    else:
        (folder / "0001_players.sql").rename(folder / "0001_people.sql")
    with pytest.raises(ConfigError, match="changed since"):
        migrate(empty, folder)


def test_line_ends_are_not_a_change(empty: psycopg.Connection, folder: Path) -> None:
    """A checkout with Windows line ends holds the same migrations."""
    migrate(empty, folder)
    first = folder / "0001_players.sql"
    first.write_bytes(first.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(empty, folder) == []


@pytest.mark.parametrize("name", ["0002_again.sql", "3_short.sql", "0000_zero.sql", "0003-dash.sql"])
def test_refuses_a_folder_out_of_order(empty: psycopg.Connection, folder: Path, name: str) -> None:
    """A number taken twice or a name that is no NNNN_name.sql is a fault of the program."""
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(EtstatsError, match=name[:4]):
        migrate(empty, folder)


def test_two_at_once(empty_database_url: str, folder: Path) -> None:
    """Of several programs that migrate at once each step is applied by one, and none fails."""
    barrier = threading.Barrier(4)

    def run() -> list[str]:
        with connect(empty_database_url) as conn:
            barrier.wait(timeout=30)
            return migrate(conn, folder)

    with ThreadPoolExecutor(4) as pool:
        done = [future.result(timeout=60) for future in [pool.submit(run) for _ in range(4)]]
    assert sorted(step for steps in done for step in steps) == ["0001_players", "0002_names"]


def test_the_real_folder(db: psycopg.Connection) -> None:
    """The template the tests run on has every migration of the project, and the contract's tables."""
    assert status(db).pending == ()
    assert len(status(db).applied) >= 1
    names = "servers processed_files rounds player_comprehensive_stats weapon_comprehensive_stats"
    for name in names.split():
        assert db.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,), name


def test_a_user_without_rights(admin: psycopg.Connection, empty_database_url: str, folder: Path) -> None:
    """A role that may not create tables is told so as a matter of configuration."""
    with connect(empty_database_url) as conn:
        conn.execute("REVOKE CREATE ON SCHEMA public FROM public")  # as it is from PostgreSQL 15 on
        conn.execute("CREATE ROLE guest_of_migrations")
        conn.execute("SET ROLE guest_of_migrations")
        conn.commit()
        with pytest.raises(ConfigError, match="Grant the right"):
            migrate(conn, folder)
        conn.execute("RESET ROLE")
        conn.execute("DROP ROLE guest_of_migrations")
        conn.commit()
