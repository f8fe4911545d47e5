"""Migrations: applied once, in order, atomically, and never to a foreign database."""

import hashlib
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from etstats.db.connection import connect, database_errors
from etstats.db.migrations import UNRELEASED, migrate, missing_objects, status
from etstats.db.queries import sql_root
from etstats.errors import ConfigError, EtstatsError
from tests.conftest import CliResult
from tests.support.processes import HANG_SECONDS

Cli = Callable[..., CliResult]


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
    """A connection to a database without tables."""
    with connect(empty_database_url) as conn:
        yield conn


def test_applies_in_order_and_records(empty: psycopg.Connection, folder: Path) -> None:
    """Both migrations are applied in order and recorded; a second call does nothing."""
    assert migrate(empty, folder) == ["0001_players", "0002_names"]
    assert migrate(empty, folder) == []
    found = status(empty, folder)
    assert [str(step) for step in found.applied] == ["0001_players", "0002_names"]
    assert found.pending == ()
    assert found.applied[0].applied_at.utcoffset() is not None
    assert empty.execute("SELECT count(*) FROM players WHERE name IS NULL").fetchone() == (0,)


def test_status_of_an_empty_database_changes_nothing(empty: psycopg.Connection, folder: Path) -> None:
    """In an empty database all migrations are pending, and no table is created."""
    assert [str(step) for step in status(empty, folder).pending] == ["0001_players", "0002_names"]
    assert empty.execute("SELECT to_regclass('schema_migrations')").fetchone() == (None,)


def test_no_pending_migration_needs_one_query(
    empty: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pending migrations, no lock is taken and no table created."""
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


def test_failing_migration_is_rolled_back(empty: psycopg.Connection, folder: Path) -> None:
    """A failing migration is rolled back, the earlier one is kept, and the repaired one is applied."""
    second = folder / "0002_names.sql"
    second.write_text("CREATE TABLE half (id integer); SELECT nonsense;")
    with pytest.raises(EtstatsError, match=r"0002_names failed and was rolled back: column .nonsense."):
        migrate(empty, folder)
    assert [step.number for step in status(empty, folder).applied] == [1]
    assert empty.execute("SELECT to_regclass('half')").fetchone() == (None,)
    empty.rollback()
    second.write_text("CREATE TABLE half (id integer);")
    assert migrate(empty, folder) == ["0002_names"]


def test_refuses_a_newer_database(empty: psycopg.Connection, folder: Path) -> None:
    """A database with an unknown migration was created by a newer version."""
    migrate(empty, folder)
    (folder / "0002_names.sql").unlink()
    with pytest.raises(ConfigError, match=r"0002_names of a newer etstats"):
        migrate(empty, folder)
    with pytest.raises(ConfigError, match="upgrade etstats"):
        status(empty, folder)


@pytest.mark.parametrize("change", ["text", "name"])
def test_refuses_a_changed_migration(empty: psycopg.Connection, folder: Path, change: str) -> None:
    """A migration changed after it was applied is refused."""
    migrate(empty, folder)
    if change == "text":
        (folder / "0001_players.sql").write_text("CREATE TABLE players (id bigint);")
    else:
        (folder / "0001_players.sql").rename(folder / "0001_people.sql")
    with pytest.raises(ConfigError, match="was changed after"):
        migrate(empty, folder)


def test_line_ends_do_not_change_the_hash(empty: psycopg.Connection, folder: Path) -> None:
    """Windows line ends do not change the hash."""
    migrate(empty, folder)
    first = folder / "0001_players.sql"
    first.write_bytes(first.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(empty, folder) == []


@pytest.mark.parametrize(
    "name", ["0002_again.sql", "3_short.sql", "0000_zero.sql", "0003-dash.sql", "0004_after_a_gap.sql"]
)
def test_refuses_a_folder_out_of_order(empty: psycopg.Connection, folder: Path, name: str) -> None:
    """A duplicate number, a gap, or an invalid name is an error."""
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(EtstatsError, match=name[:4]):
        migrate(empty, folder)
    assert empty.execute("SELECT to_regclass('players')").fetchone() == (None,)


def test_refuses_a_migration_below_the_newest_applied(empty: psycopg.Connection, folder: Path) -> None:
    """A database that skipped a migration is refused."""
    migrate(empty, folder)
    empty.execute("DELETE FROM schema_migrations WHERE number = 1")
    empty.commit()
    for refuse in (migrate, status):
        with pytest.raises(ConfigError, match="0001_players was never applied to the database, although 0002 was"):
            refuse(empty, folder)


def test_migrations_stop_at_a_given_version(empty: psycopg.Connection, folder: Path) -> None:
    """Migrations are applied up to `up_to`, and the others later."""
    assert migrate(empty, folder, up_to=1) == ["0001_players"]
    assert migrate(empty, folder, up_to=1) == []
    assert migrate(empty, folder) == ["0002_names"]


def changed_releases(folder: Path) -> list[str]:
    """Return the released migrations whose hash differs from `released.sha256`."""
    return [
        name
        for line in (folder / "released.sha256").read_text().splitlines()
        if not line.startswith("#")
        for sha256, name in [line.split()]
        if not (folder / name).is_file()
        or hashlib.sha256((folder / name).read_bytes().replace(b"\r\n", b"\n")).hexdigest() != sha256
    ]


def test_released_migrations_are_frozen() -> None:
    """A released migration is never edited, because databases have its hash."""
    assert changed_releases(sql_root() / "migrations") == []


def test_changed_or_deleted_release_is_detected(folder: Path) -> None:
    """A change or deletion is detected."""
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    lines = [f"{sha256}  {name}\n" for name, sha256 in hashes.items()]
    (folder / "released.sha256").write_text("".join(lines))
    assert changed_releases(folder) == []
    (folder / "0001_players.sql").write_text("SELECT 1;")
    (folder / "0002_names.sql").unlink()
    assert changed_releases(folder) == ["0001_players.sql", "0002_names.sql"]


FOREIGN = {
    "another table of migrations": "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)",
    "a table": "CREATE TABLE rounds (id integer, title text)",
    "a view": "CREATE VIEW match_summaries AS SELECT 1 AS number",
    "an index": "CREATE TABLE things (id integer); CREATE INDEX rounds_map ON things (id)",
    "a type": "CREATE TYPE series AS ENUM ('first', 'second')",
    "a function": "CREATE FUNCTION is_bullet_weapon(weapon text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_refuses_a_database_of_another_program(empty: psycopg.Connection, kind: str) -> None:
    """For any conflicting name, the message has the solutions, and the database is not changed."""
    empty.execute(FOREIGN[kind])
    empty.commit()
    before = empty.execute("SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall()
    empty.commit()
    with pytest.raises(ConfigError, match=r"of another program.*--schema.*--embedded.*--database-url-file"):
        migrate(empty)
    assert not empty.closed
    after = empty.execute("SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall()
    assert sorted(after) == sorted(before)


def test_foreign_database_exits_with_2(cli: Cli, db: psycopg.Connection) -> None:
    """A command prints one line and exits with 2."""
    db.execute("ALTER TABLE schema_migrations RENAME COLUMN number TO version")
    db.commit()
    for command in (["sessions"], ["db", "status"], ["db", "migrate"], ["health"]):
        done = cli(*command)
        assert (done.code, done.err.count("\n")) == (2, 1), command
        assert "schema_migrations of another program" in done.err


def test_refuses_the_schema_before_the_first_release(cli: Cli, db: psycopg.Connection) -> None:
    """Exit code 2 with the solution, for any of its migrations."""
    db.execute("DELETE FROM schema_migrations")
    for number, sha256 in list(UNRELEASED.items())[:3]:
        db.execute(
            "INSERT INTO schema_migrations (number, name, sha256, objects) VALUES (%s, 'old', %s, '{}')",
            [number, sha256],
        )
    db.commit()
    done = cli("sessions")
    assert done.code == 2
    assert "before its first release" in done.err
    assert "etstats backup" in done.err
    assert "restore" in done.err


DROPPED = {
    "ALTER TABLE rounds DISABLE TRIGGER sessions_gain": ["trigger rounds.sessions_gain"],
    "DROP TRIGGER aliases_seen ON player_comprehensive_stats": ["trigger player_comprehensive_stats.aliases_seen"],
    "DROP INDEX rounds_map": ["index rounds.rounds_map"],
    "ALTER TABLE rounds DROP CONSTRAINT rounds_held_check": ["constraint rounds.rounds_held_check"],
    "ALTER TABLE rounds DROP COLUMN held": [
        "column rounds.held text",
        "constraint rounds.rounds_held_check",
        "constraint rounds.rounds_held_only_when_held",
    ],
    "ALTER TABLE rounds ALTER map_name DROP NOT NULL": ["column rounds.map_name text not null"],
    "ALTER TABLE posts ALTER attempts TYPE bigint": ["column posts.attempts integer not null"],
    "DROP TABLE corrections": ["table corrections"],
    "DROP VIEW gaming_sessions": ["view gaming_sessions"],
    "DROP FUNCTION names_of": ["function names_of"],
    "CREATE TABLE mine (id integer PRIMARY KEY); CREATE INDEX mine_too ON rounds (config); DROP TABLE mine": [],
}  # fmt: skip


@pytest.mark.parametrize("statement", DROPPED)
def test_dropped_objects_are_reported(db: psycopg.Connection, statement: str) -> None:
    """Dropped objects of each kind are found; added ones are not reported."""
    assert missing_objects(db) == []
    db.execute(statement)
    db.commit()
    assert status(db).pending == ()
    found = missing_objects(db)
    assert found == DROPPED[statement]


def test_objects_of_other_programs_are_ignored(empty: psycopg.Connection, folder: Path) -> None:
    """Objects that existed before a migration, or that a migration drops, are not missing."""
    empty.execute("CREATE TABLE theirs (id integer PRIMARY KEY)")
    empty.commit()
    migrate(empty, folder, up_to=1)
    empty.execute("CREATE TABLE theirs_too (id integer PRIMARY KEY)")
    empty.commit()
    with (folder / "0002_names.sql").open("a") as file:
        file.write("DROP TABLE teams;")
    migrate(empty, folder)
    empty.execute("DROP TABLE theirs, theirs_too")
    empty.commit()
    assert missing_objects(empty) == []
    empty.execute("DROP TABLE players")
    assert missing_objects(empty) == ["table players"]


def test_db_status_and_health_report_missing_objects(cli: Cli, db: psycopg.Connection) -> None:
    """`db status` and `health` report it and exit with 3; other commands refer to `db status`."""
    assert cli("db", "status").code == 0
    assert json.loads(cli("db", "status", "--json").out)["missing"] == []
    db.execute("DROP INDEX rounds_map; DROP TRIGGER sessions_gain ON rounds")
    db.commit()
    done = cli("db", "status")
    assert done.code == 3
    assert re.search(r"^missing +index rounds\.rounds_map, trigger rounds\.sessions_gain$", done.out, re.MULTILINE)
    assert "trigger rounds.sessions_gain" in json.loads(cli("db", "status", "--json").out)["missing"]
    done = cli("health")
    assert done.code == 3
    assert "missing or changed: index rounds.rounds_map, trigger rounds.sessions_gain" in done.out
    db.execute("ALTER TABLE rounds DROP COLUMN ended_at CASCADE")
    db.commit()
    done = cli("health")
    assert done.code == 2
    assert "the schema of the database was changed, column " in done.err
    assert "is missing: column " in done.err
    assert "etstats db status" in done.err


def test_simultaneous_runs_apply_each_migration_once(empty_database_url: str, folder: Path) -> None:
    """With several processes at once, each migration is applied once, and none fails."""
    barrier = threading.Barrier(4)

    def run() -> list[str]:
        with connect(empty_database_url) as conn:
            barrier.wait(timeout=HANG_SECONDS)
            return migrate(conn, folder)

    with ThreadPoolExecutor(4) as pool:
        done = [future.result(timeout=HANG_SECONDS) for future in [pool.submit(run) for _ in range(4)]]
    assert sorted(step for steps in done for step in steps) == ["0001_players", "0002_names"]


def test_template_has_all_migrations_and_tables(db: psycopg.Connection) -> None:
    """The test template has all migrations and the documented tables."""
    assert status(db).pending == ()
    assert len(status(db).applied) >= 1
    names = "servers processed_files rounds player_comprehensive_stats weapon_comprehensive_stats"
    for name in names.split():
        assert db.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,), name


def test_missing_privilege_is_a_config_error(
    admin: psycopg.Connection, empty_database_url: str, folder: Path
) -> None:
    """A role that may not create tables is a ConfigError."""
    with connect(empty_database_url) as conn:
        conn.execute("REVOKE CREATE ON SCHEMA public FROM public")  # as it is from PostgreSQL 15 on
        conn.execute("CREATE ROLE guest_of_migrations")
        conn.execute("SET ROLE guest_of_migrations")
        conn.commit()
        with pytest.raises(ConfigError, match="Grant the privilege"), database_errors():
            migrate(conn, folder)
        conn.execute("RESET ROLE")
        conn.execute("DROP ROLE guest_of_migrations")
        conn.commit()
