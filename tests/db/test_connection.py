"""Connections: error messages without secrets, and the lock of a run."""

import socket
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import psycopg
import pytest

from etstats.db import connection
from etstats.db.connection import connect, database_errors
from etstats.db.locks import run_lock
from etstats.errors import ConfigError, DatabaseError, EtstatsError, LockedError
from tests.support.processes import HANG_SECONDS


@contextmanager
def server_replying(answer: bytes) -> Iterator[str]:
    """A server that answers the first message with these bytes and closes; yields its URL."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            with closing(listener.accept()[0]) as peer:
                peer.recv(4096)
                peer.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        yield f"postgresql://player:hunter2@127.0.0.1:{port}/base?sslmode=disable&gssencmode=disable"
        thread.join(timeout=HANG_SECONDS)


def error_response(text: str, code: str = "28P01", severity: str = "FATAL") -> bytes:
    """A server's ErrorResponse."""
    body = (
        b"".join(f"{key}{value}\0".encode() for key, value in {"S": severity, "C": code, "M": text}.items())
        + b"\0"
    )
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


def test_connection_has_utc_and_no_autocommit(database_url: str) -> None:
    """A connection has no autocommit, uses UTC and has an application name."""
    with connect(database_url) as conn:
        assert not conn.autocommit
        row = conn.execute(
            "SELECT now(), current_setting('application_name'), current_setting('TimeZone')"
        ).fetchone()
        assert row is not None
        assert row[0].utcoffset() == timedelta(0)
        assert row[1:] == ("etstats", "UTC")


def test_url_options_are_kept(database_url: str) -> None:
    """Options of the URL are kept, and its application name wins."""
    url = f"{database_url}{'&' if '?' in database_url else '?'}options=-c%20work_mem%3D7MB&application_name=mine"
    with connect(url) as conn:
        assert conn.execute("SHOW work_mem").fetchone() == ("7MB",)
        assert conn.execute("SHOW TimeZone").fetchone() == ("UTC",)
        assert conn.execute("SHOW application_name").fetchone() == ("mine",)


def test_read_only_connection_cannot_write(database_url: str) -> None:
    """A read-only connection cannot write; the error is a ConfigError."""
    with connect(database_url, read_only=True) as conn:
        with pytest.raises(ConfigError, match="read-only"), database_errors():
            conn.execute("INSERT INTO servers (name) VALUES ('x')")


def test_refused_connection_is_temporary() -> None:
    """A refused connection is temporary, and the message has the address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DatabaseError, match=f"127.0.0.1:{port} cannot be reached.*Is it running"):
        connect(f"postgresql://player:hunter2@127.0.0.1:{port}/base")


def test_missing_socket_is_temporary(tmp_path: Path) -> None:
    """A socket folder without a server is temporary."""
    with pytest.raises(DatabaseError, match="cannot be reached"):
        connect(f"postgresql:///base?host={tmp_path}")


def test_missing_database_is_a_config_error(postgres: str) -> None:
    """A missing database is a ConfigError."""
    url = urlsplit(postgres)._replace(path="/nowhere").geturl()
    with pytest.raises(ConfigError, match=r'"nowhere" does not exist.*database\.url, .*CREATE DATABASE "nowhere"'):
        connect(url)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (error_response('password authentication failed for user "player"'), ConfigError),
        (error_response("Passwort-Authentifizierung fehlgeschlagen", severity="FATAL"), ConfigError),
        (error_response("no such database: base", code="08P01"), ConfigError),
        (error_response("unsupported startup parameter: options", code="08P01"), ConfigError),
        (error_response("the database system is starting up", code="57P03"), DatabaseError),
        (error_response("sorry, too many clients already", code="53300"), DatabaseError),
        (b"", DatabaseError),
    ],
)
def test_each_server_error_is_permanent_or_temporary(said: bytes, expected: type[EtstatsError]) -> None:
    """Each answer is permanent or temporary; no message has the password."""
    with server_replying(said) as url, pytest.raises(expected) as caught:
        connect(url)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_missing_password_is_a_config_error() -> None:
    """A missing password is a ConfigError."""
    with server_replying(b"R\0\0\0\x08\0\0\0\x03") as url:
        with pytest.raises(ConfigError, match=r"requires a password, and database\.url has none"):
            connect(url.replace(":hunter2", ""))


def test_unsupported_tls_is_a_config_error() -> None:
    """Required TLS that the server does not support is a ConfigError."""
    with server_replying(b"N") as url, pytest.raises(ConfigError, match=r"No TLS with .*sslmode"):
        connect(url.replace("sslmode=disable", "sslmode=require"))


@pytest.mark.parametrize(
    "url",
    [
        "nonsense-hunter2",
        "postgresql://player:hunter2@host/base?colour=red",
        "postgresql://player:hun@ter2@host/base",
        "postgresql://player:hun/ter2@host/base",
        "postgresql://player:12/ter2@host/base",
        "postgresql://player:hunter2@host:port/base",
        "postgresql://player:hunter2@[host/base",
        "mysql://player:hunter2@host/base",
        "",
    ],
)
def test_malformed_url_is_not_quoted(url: str) -> None:
    """A malformed URL is refused without quoting it, since it may contain the password."""
    with pytest.raises(ConfigError, match=r"database\.url") as caught:
        connect(url)
    assert "ter2" not in "".join(traceback.format_exception(caught.value))


def test_too_old_server_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server older than the oldest supported version is refused with both versions."""
    monkeypatch.setattr(connection, "OLDEST_SERVER", 99)
    with pytest.raises(ConfigError, match=r"is 1\d\..*; etstats needs 99 or newer"):
        connect(database_url)


def test_terminated_connection_is_temporary(db: psycopg.Connection, admin: psycopg.Connection) -> None:
    """A session ended by the server is a temporary error, then and afterwards."""
    admin.execute("SELECT pg_terminate_backend(%s, 10000)", [db.info.backend_pid])
    for _ in range(2):
        with pytest.raises(DatabaseError, match="The database failed"), database_errors():
            db.execute("SELECT 1")


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [("53100", DatabaseError, "server's disk is full"), ("42501", ConfigError, "Grant the privilege")],
)
def test_full_disk_and_missing_privilege_have_messages(
    db: psycopg.Connection, code: str, expected: type[EtstatsError], said: str
) -> None:
    """A full disk and a missing privilege have their own messages."""
    with pytest.raises(expected, match=said), database_errors():
        db.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")


def test_invalid_sql_is_an_internal_error(db: psycopg.Connection) -> None:
    """Wrong SQL is not converted to a database error."""
    with pytest.raises(psycopg.errors.UndefinedTable), database_errors():
        db.execute("SELECT * FROM nowhere")


def test_second_run_does_not_get_the_lock(database_url: str, db: psycopg.Connection) -> None:
    """A second run fails at once, and succeeds after the first has ended."""
    with connect(database_url) as other:
        with run_lock(db), pytest.raises(LockedError, match="Another etstats run"), run_lock(other):
            pytest.fail("both hold the lock")
        with run_lock(other):
            assert other.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_commit_and_rollback_keep_the_lock(database_url: str, db: psycopg.Connection) -> None:
    """Neither commit nor rollback releases the lock."""
    with connect(database_url) as other, run_lock(db):
        db.execute("SELECT 1")
        db.commit()
        db.execute("SELECT 1")
        db.rollback()
        with pytest.raises(LockedError), run_lock(other):
            pytest.fail("both hold the lock")


def test_failed_run_releases_the_lock(database_url: str, db: psycopg.Connection) -> None:
    """A run that fails with a broken transaction releases the lock."""
    with pytest.raises(psycopg.errors.UndefinedTable), run_lock(db):
        db.execute("SELECT * FROM nowhere")
    with connect(database_url) as other, run_lock(other):
        assert not db.closed


def test_lost_connection_releases_the_lock(
    database_url: str, db: psycopg.Connection, admin: psycopg.Connection
) -> None:
    """A lost connection releases the lock, and the first error is reported."""

    def run() -> None:
        with run_lock(db), database_errors():
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [db.info.backend_pid])
            db.execute("SELECT 1")

    with pytest.raises(DatabaseError, match="The database failed"):
        run()
    with connect(database_url) as other, run_lock(other):
        assert db.closed
