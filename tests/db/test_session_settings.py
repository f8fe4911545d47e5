"""Settings of the environment, the role or the database do not change results."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from etstats.db.connection import connect
from etstats.errors import ConfigError
from tests.conftest import OUTSIDE_SERVER

NEEDED = {
    "client_encoding": ("UTF8", "LATIN1"),
    "DateStyle": ("ISO, YMD", "German"),
    "TimeZone": ("UTC", "Asia/Tokyo"),
    "IntervalStyle": ("postgres", "iso_8601"),
    "standard_conforming_strings": ("on", "off"),
    "search_path": ("public", "pg_catalog"),
    "bytea_output": ("hex", "escape"),
    "extra_float_digits": ("1", "-10"),
    "transform_null_equals": ("off", "on"),
    "default_transaction_isolation": ("read committed", "serializable"),
    "idle_session_timeout": ("0", "1h"),
    "idle_in_transaction_session_timeout": ("0", "1h"),
}


def check(url: str) -> None:
    """Check every setting, in this and in a later transaction, and some results that depend on them."""
    with connect(url) as conn:
        for _ in range(2):
            for name, (needed, _) in NEEDED.items():
                assert conn.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone() == (needed,), name
            row = conn.execute(r"SELECT 'Ž\n', 0.1::float8, '1d'::interval::text, '\x01'::bytea::text").fetchone()
            assert row == ("Ž\\n", 0.1, "1 day", "\\x01")
            assert conn.execute("SELECT current_schema()").fetchone() == ("public",)
            conn.rollback()


@pytest.mark.parametrize("name", NEEDED)
def test_database_settings_change_no_result(admin: psycopg.Connection, empty_database_url: str, name: str) -> None:
    """ALTER DATABASE ... SET changes no result."""
    database = sql.Identifier(conninfo_to_dict(empty_database_url)["dbname"])
    admin.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name), NEEDED[name][1]))
    check(empty_database_url)


def test_disabled_triggers_are_refused(admin: psycopg.Connection, empty_database_url: str) -> None:
    """Disabled triggers would give wrong sums: refused with the name of the setting."""
    database = sql.Identifier(conninfo_to_dict(empty_database_url)["dbname"])
    admin.execute(sql.SQL("ALTER DATABASE {} SET session_replication_role = replica").format(database))
    with pytest.raises(ConfigError, match=r"session_replication_role .* ALTER DATABASE .* RESET"):
        connect(empty_database_url)


@pytest.fixture
def role_url(admin: psycopg.Connection, empty_database_url: str) -> Iterator[str]:
    """The URL of a database whose role has other values for all settings, and a schema with its name."""
    if OUTSIDE_SERVER:
        pytest.skip("would change the role of somebody else's server")
    settings = conninfo_to_dict(empty_database_url)
    role, database = sql.Identifier(settings["user"]), sql.Identifier(settings["dbname"])
    for name, (_, other) in NEEDED.items():
        statement = "ALTER ROLE {} IN DATABASE {} SET {} = {}"
        admin.execute(sql.SQL(statement).format(role, database, sql.Identifier(name), other))
    yield empty_database_url
    admin.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(role, database))


def test_role_settings_change_no_result(role_url: str) -> None:
    """ALTER ROLE ... SET changes no result, for all settings at once."""
    check(role_url)


def test_libpq_environment_changes_no_result(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a server that is not embedded, libpq's variables change no result."""
    plain = make_conninfo(empty_database_url, passfile=os.devnull)
    for name, setting in {
        "PGCLIENTENCODING": "LATIN1",
        "PGDATESTYLE": "German",
        "PGTZ": "Asia/Tokyo",
        "PGOPTIONS": "-c IntervalStyle=iso_8601 -c search_path=pg_catalog -c standard_conforming_strings=off",
    }.items():
        monkeypatch.setenv(name, setting)
    check(plain)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_other_encoding_is_refused(admin: psycopg.Connection, postgres: str, encoding: str) -> None:
    """A database with another encoding is refused with the solution."""
    name = f"etstats_test_{encoding.lower()}_{os.getpid()}"
    locale = "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'"
    admin.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' {locale}")
    try:
        message = f'"{name}" .* encoding {encoding}; etstats needs UTF8. .*createdb.*--encoding=UTF8'
        with pytest.raises(ConfigError, match=message):
            connect(make_conninfo(postgres, dbname=name))
    finally:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
