"""Open connections to the database, and convert database errors."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.types.json import set_json_loads

from etstats.db import embedded
from etstats.db.queries import query
from etstats.db.urls import PRIMARY, address_of, settings_of, take_schema
from etstats.errors import CheckError, ConfigError, DatabaseError

# psycopg also logs what it raises; without a handler the log is printed, and cron would mail it.
logging.getLogger("psycopg").setLevel(logging.ERROR)

Connection = psycopg.Connection[tuple[Any, ...]]
"""An open connection, for modules that pass it on without using SQL."""

SNAPSHOT_ISOLATION = psycopg.IsolationLevel.REPEATABLE_READ
"""The isolation level at which a transaction reads one snapshot."""

OLDEST_SERVER = 14
_TO_THE_PRIMARY = "point database.url to the primary, and database.read_url to the replica."

# Messages of a server that is temporarily unavailable; only an addition to the codes, since they may be localized.
_TEMPORARY = re.compile(
    r"starting up|shutting down|not yet accepting|recovery|too many clients|too many connections"
    r"|connection slots|no more connections|server_login_retry|terminating connection|crash of another",
    re.IGNORECASE,
)
# An error from the server has a severity, an error of the client library has none.
_FROM_SERVER = re.compile(r"(?:FATAL|[^\W\d_]{4,}):  (.+)")


def connect(url: str, *, read_only: bool = False, setting: str = PRIMARY) -> psycopg.Connection:
    """Open a connection without autocommit, with UTF-8, times in UTC, and `read_only` transactions if requested.

    Settings that affect results are set here, so that environment, role or database cannot change them. For the
    embedded server, libpq's environment variables are ignored and the server must run in the folder of the URL.
    `setting` names the source of the URL in messages.

    Raises DatabaseError if the server is unavailable; ConfigError if the URL, the password or the database is
    wrong, or the server is older than PostgreSQL 14. No message contains the password.
    """
    settings = settings_of(url, setting)
    schema = take_schema(settings)
    place = address_of(settings)
    folder = embedded.cluster_folder(settings)
    try:
        with embedded.libpq_environment_ignored() if folder else nullcontext():
            conn = psycopg.connect(make_conninfo("", **settings), prepare_threshold=5)
        set_json_loads(_document, conn)
    except psycopg.OperationalError as error:
        # Its locals hold the password.
        raise _refusal(error, place, settings, setting) from None
    except psycopg.Error as error:
        raise ConfigError(f"{setting} cannot be used: {type(error).__name__}. Check it.") from None
    if conn.info.server_version < OLDEST_SERVER * 10000:
        version = conn.info.parameter_status("server_version")
        conn.close()
        raise ConfigError(
            f"PostgreSQL at {place} is {version}; etstats needs {OLDEST_SERVER} or newer. "
            f"Upgrade it, or leave out {setting} to use the embedded one."
        )
    if not read_only and conn.info.parameter_status("in_hot_standby") == "on":
        conn.close()
        raise ConfigError(f"PostgreSQL at {place} is a replica; {_TO_THE_PRIMARY}")
    try:
        _prepare_session(conn, place, folder, schema)
    except BaseException:
        conn.close()
        raise
    conn.read_only = read_only or None
    return conn


def _document(text: str | bytes) -> object:
    """Parse a stored document; None if it is nested too deeply or has a number too long for Python."""
    try:
        return json.loads(text)
    except (RecursionError, ValueError):
        return None


def _prepare_session(conn: psycopg.Connection, place: str, folder: Path | None, schema: str) -> None:
    """Check the encoding and the folder of the database, and set the settings that affect results.

    A pooler in transaction mode restores only the settings that it tracks (PgBouncer: client_encoding, DateStyle,
    TimeZone and standard_conforming_strings); others would leak into unrelated transactions. So the others are
    only compared, and a ConfigError names one that differs.
    """
    encoding = conn.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigError(
            f'Database "{conn.info.dbname}" at {place} has the encoding {encoding}; etstats needs UTF8. '
            "Create another one with: createdb --template=template0 --encoding=UTF8 NAME"
        )
    conn.autocommit = True  # one round trip instead of three
    with database_errors():
        parameters = {"backend_pid": conn.info.backend_pid, "is_embedded": folder is not None, "schema": schema}
        row = conn.execute(query("pin_settings"), parameters).fetchone()
        is_pooled, works_in, replication_role = row[:3] if row else (False, None, "")
        wrong = conn.execute(query("settings_not_pinned"), {"schema": schema}).fetchone() if is_pooled else None
    conn.autocommit = False
    if folder and works_in != str(folder):
        raise ConfigError(f"The server at {place} works in {works_in}, not in {folder}. Run: etstats db stop")
    if replication_role == "replica":  # only a superuser may change it
        raise ConfigError(
            'The server sets session_replication_role to "replica", which turns off the triggers of etstats. Run: '
            f"ALTER DATABASE {conn.info.dbname} RESET session_replication_role, or the same for the role"
        )
    if is_pooled:
        conn.prepare_threshold = None  # a prepared statement stays behind on one of the pooler's connections
    if wrong:
        name, found, expected = wrong
        raise ConfigError(
            f'The server sets {name} to "{found}"; etstats needs "{expected}", which cannot be set through '
            f"the pooler at {place}. Run: ALTER ROLE {conn.info.user} SET {name} = '{expected}'"
        )


@contextmanager
def database_errors() -> Iterator[None]:
    """Convert psycopg errors caused by the state of the database (not by wrong SQL) to EtstatsErrors."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise DatabaseError("The database server's disk is full; free space and run this again.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"The database denied access: {_first_line(error)}. Grant the privilege to database.url's user."
        ) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise ConfigError(f"The database is read-only; {_TO_THE_PRIMARY}") from error
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f"The database failed: {_first_line(error)}. The transaction was rolled back; run the command again."
        ) from error


@contextmanager
def integrity_errors(filename: str) -> Iterator[None]:
    """Convert a constraint violation of a file's rows to a CheckError that names the constraint."""
    try:
        yield
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        name = error.diag.constraint_name or error.diag.column_name or type(error).__name__
        raise CheckError(f"{filename}: the database rejects its values: {_first_line(error)} ({name})") from error


@contextmanager
def transactions_in_flight(conn: Connection) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Run transactions in a pipeline, without waiting for answers: `with in_flight() as one: with one(): ...`.

    The first error is raised at the end of the block; it rolls back its transaction and all later ones. A query
    whose rows are fetched waits for the answers so far. The transactions are atomic each, and flushed to disk
    together at the end of the block; through a pooler, each is flushed at its commit.
    """
    waits = is_pooled(conn)

    @contextmanager
    def one() -> Iterator[None]:
        yield
        conn.execute("COMMIT AND CHAIN")  # one message for the end of this one and the beginning of the next

    conn.autocommit = True  # otherwise psycopg opens a transaction and waits at its end
    try:
        with conn.pipeline():
            if not waits:
                conn.execute(query("disable_synchronous_commit"))
            conn.execute("BEGIN")
            yield one
            conn.execute("COMMIT")
            if not waits:
                conn.execute(query("reset_synchronous_commit"))
                conn.execute(query("write_wal_record"))
    finally:
        if not conn.closed:
            conn.rollback()
            if not waits:
                conn.execute(query("reset_synchronous_commit"))
            conn.autocommit = False


def is_pooled(conn: Connection) -> bool:
    """Return whether `connect` found a pooler, in which case it disabled prepared statements."""
    return conn.prepare_threshold is None


def _refusal(
    error: psycopg.OperationalError, place: str, settings: dict[str, str], setting: str
) -> ConfigError | DatabaseError:
    text = str(error)
    if password := settings.get("password"):
        text = text.replace(password, "***")
    answer = _FROM_SERVER.search(text)
    if answer and not _TEMPORARY.search(text):
        reason = answer[1].strip()
        if "unsupported startup parameter" in reason:
            return ConfigError(
                f"The pooler at {place} refuses: {reason}. PgBouncer: ignore_startup_parameters = options."
            )
        return ConfigError(
            f"PostgreSQL at {place} refuses: {reason}. Check user, password and database in {setting}, or create "
            f"them there: {_creation_sql(settings)}"
        )
    if "no password supplied" in text:
        return ConfigError(f"PostgreSQL at {place} requires a password, and {setting} has none.")
    if re.search(r"\bSSL was required|certificate", text):
        reason = text.splitlines()[0].rpartition("failed: ")[2]
        return ConfigError(
            f"No TLS with PostgreSQL at {place}: {reason}. Check sslmode and sslrootcert in {setting}."
        )
    # One line for each host that was tried, and lines of advice between them.
    reasons = [line.rpartition("failed: ")[2] for line in text.splitlines() if "failed: " in line]
    reason = answer[1].strip() if answer else "; ".join(dict.fromkeys(reasons)) or text.splitlines()[0]
    return DatabaseError(
        f"PostgreSQL at {place} cannot be reached: {reason}. Is it running, and is {setting} right?"
    )


def _creation_sql(settings: dict[str, str]) -> str:
    """Return the SQL with which an administrator creates the role and its database."""
    user = settings.get("user") or "etstats"
    role, name = (f'"{word.replace(chr(34), chr(34) * 2)}"' for word in (user, settings.get("dbname") or user))
    return (
        f"CREATE ROLE {role} LOGIN PASSWORD '...'; "
        f"CREATE DATABASE {name} OWNER {role} ENCODING 'UTF8' TEMPLATE template0;"
    )


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0].rstrip(".")
