"""Open connections to the database, convert database errors, and hold the locks of a run."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_loads

from etstats.db import embedded
from etstats.db.queries import query
from etstats.domain.value_formats import check_schema_name
from etstats.errors import CheckError, ConfigError, DatabaseError, InvalidValueError, LockedError

# psycopg also logs what it raises; without a handler the log is printed, and cron would mail it.
logging.getLogger("psycopg").setLevel(logging.ERROR)

Connection = psycopg.Connection[tuple[Any, ...]]
"""An open connection, for modules that pass it on without using SQL."""

SNAPSHOT_ISOLATION = psycopg.IsolationLevel.REPEATABLE_READ
"""The isolation level at which a transaction reads one snapshot."""

OLDEST_SERVER = 14
DEFAULT_SCHEMA = "public"
_SCHEMA_OPTION = re.compile(r"-csearch_path=([a-z0-9_]+)$", re.ASCII)
PRIMARY = "database.url"
"""The setting that messages name, unless they are about another URL."""
_TO_THE_PRIMARY = "point database.url to the primary, and database.read_url to the replica."
RUN_LOCK_KEY = 0x6574_7374_6174_7321  # "etstats!"
BACKUP_LOCK_KEY = 0x6574_7374_6261_636B  # "etstback"

# Messages of a server that is temporarily unavailable; only an addition to the codes, since they may be localized.
_TEMPORARY = re.compile(
    r"starting up|shutting down|not yet accepting|recovery|too many clients|too many connections"
    r"|connection slots|no more connections|server_login_retry|terminating connection|crash of another",
    re.IGNORECASE,
)
# An error from the server has a severity, an error of the client library has none.
_FROM_SERVER = re.compile(r"(?:FATAL|[^\W\d_]{4,}):  (.+)")


def with_schema(url: str, schema: str, setting: str = PRIMARY) -> str:
    """Return the URL of the same database, with the schema to which `connect` sets the search path.

    `setting` names the source of the URL in messages.
    """
    if schema == DEFAULT_SCHEMA:
        return url
    check_schema_name(schema)  # it is part of an SQL statement
    options = _settings(url, setting).get("options", "")
    return make_conninfo(url, options=f"{options} -csearch_path={schema}".strip())


def to_primary(url: str) -> str:
    """Return the URL with target_session_attrs set to use the host that accepts writes.

    A target_session_attrs in the URL is kept.
    """
    settings = _settings(url, PRIMARY)
    if "target_session_attrs" in settings or not _has_several_hosts(settings):
        return url
    return make_conninfo(url, target_session_attrs="read-write")


def connect(url: str, *, read_only: bool = False, setting: str = PRIMARY) -> psycopg.Connection:
    """Open a connection without autocommit, with UTF-8, times in UTC, and `read_only` transactions if requested.

    Settings that affect results are set here, so that environment, role or database cannot change them. For the
    embedded server, libpq's environment variables are ignored and the server must run in the folder of the URL.
    `setting` names the source of the URL in messages.

    Raises DatabaseError if the server is unavailable; ConfigError if the URL, the password or the database is
    wrong, or the server is older than PostgreSQL 14. No message contains the password.
    """
    settings = _settings(url, setting)
    schema = _take_schema(settings)
    place = _address(settings)
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


def _take_schema(settings: dict[str, str]) -> str:
    """Remove the schema that `with_schema` wrote and return it: a pooler does not accept options."""
    options = settings.get("options", "")
    found = _SCHEMA_OPTION.search(options)
    if found is None:
        return DEFAULT_SCHEMA
    settings["options"] = options[: found.start()].rstrip()
    if not settings["options"]:
        del settings["options"]
    return found[1]


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
    waits = _is_pooled(conn)

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


@contextmanager
def run_lock(
    conn: psycopg.Connection,
    key: int = RUN_LOCK_KEY,
    *,
    patience: float = 0.0,
    on_wait: Callable[[str], None] = lambda text: None,
) -> Iterator[None]:
    """Hold the lock of this database during a run; LockedError if another run holds it.

    Waits up to `patience` seconds, in order of arrival; `on_wait` is called once before waiting. Backups have
    their own lock, because runs continue during a backup. The lock is released when the session ends, so a killed
    process leaves no lock.
    """
    queue = _Queue(patience, on_wait)
    with _lock_session(conn) as session, _locked(session, key, "on this database", queue):
        yield


def has_waiters(conn: psycopg.Connection, servers: Collection[str] = ()) -> bool:
    """Return whether another process waits for the lock of the database or of one of these servers."""
    keys = [RUN_LOCK_KEY, *map(_server_key, servers)]
    with conn.transaction():
        return conn.execute(query("is_run_lock_awaited"), {"keys": keys}).fetchone() == (True,)


@contextmanager
def collecting_lock(
    conn: psycopg.Connection,
    servers: Collection[str],
    *,
    patience: float = 0.0,
    on_wait: Callable[[str], None] = lambda text: None,
) -> Iterator[None]:
    """Hold the locks of these game servers. Runs for other servers may start, runs on the database must wait.

    Raises LockedError if another run holds one of them, or the database, for longer than `patience` seconds; a
    polling run ends when another process waits.
    """
    queue = _Queue(patience, on_wait)
    with _lock_session(conn) as session, ExitStack() as held:
        held.enter_context(_locked(session, RUN_LOCK_KEY, "on this database", queue, shared=True))
        for name in sorted(servers):
            held.enter_context(_locked(session, _server_key(name), f"for {name}", queue))
        yield


def _server_key(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8, key=b"etstats").digest()
    return int.from_bytes(digest, signed=True)


def _is_pooled(conn: Connection) -> bool:
    """Return whether `connect` found a pooler, in which case it disabled prepared statements."""
    return conn.prepare_threshold is None


@contextmanager
def _lock_session(conn: Connection) -> Iterator[Connection]:
    """Yield a connection that keeps its session: this one, or with a pooler a second one in a transaction.

    In transaction mode, a pooler gives the session to other clients when the transaction ends.
    """
    if not _is_pooled(conn):
        yield conn
        return
    session = psycopg.connect(conn.info.dsn, password=conn.info.password or None, prepare_threshold=None)
    with closing(session):
        session.execute(query("allow_idle_transaction"))
        yield session
        with suppress(psycopg.Error):
            session.commit()  # the pooler would close a session in the midst of a transaction


@contextmanager
def _locked(
    conn: psycopg.Connection, key: int, what: str, queue: "_Queue", *, shared: bool = False
) -> Iterator[None]:
    take, release = (
        ("try_shared_run_lock", "release_shared_run_lock") if shared else ("try_run_lock", "release_run_lock")
    )
    with conn.transaction():
        row = conn.execute(query(take), {"key": key}).fetchone()
    if row != (True,) and not queue.wait(conn, key, shared=shared):
        raise LockedError(
            f"Another etstats run is active {what}; this run changed nothing. Run it again when that one ends."
        )
    try:
        yield
    finally:
        # A lost connection has released the lock already.
        with suppress(psycopg.Error):
            if conn.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
                conn.rollback()
            with conn.transaction():
                conn.execute(query(release), {"key": key})


class _Queue:
    """Waits for locks, up to `patience` seconds in total; `on_wait` is called before the first wait."""

    def __init__(self, patience: float, on_wait: Callable[[str], None]) -> None:
        self._patience = patience
        self._until = time.monotonic() + patience
        self._on_wait: Callable[[str], None] | None = on_wait

    def wait(self, conn: psycopg.Connection, key: int, *, shared: bool) -> bool:
        """Acquire the lock when it is free; return False after the timeout."""
        left = self._until - time.monotonic()
        if self._patience <= 0 or left <= 0:
            return False
        if self._on_wait is not None:
            self._on_wait(self._text(conn, key))
            self._on_wait = None
        name = "wait_for_shared_run_lock" if shared else "wait_for_run_lock"
        try:
            with conn.transaction():
                conn.execute(query("limit_lock_wait"), {"milliseconds": str(max(1, round(left * 1000)))})
                conn.execute(query(name), {"key": key})
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    def _text(self, conn: psycopg.Connection, key: int) -> str:
        with conn.transaction():
            holder = conn.execute(query("run_lock_holder"), {"key": key}).fetchone()
        address, seconds = holder or ("", 0)
        who = f" ({f'from {address}, ' if address else ''}running for {seconds} s)" if holder else ""
        return f"waiting up to {self._patience:.0f} s for another etstats run to end{who}"


def _settings(url: str, setting: str) -> dict[str, str]:
    if not url.strip():
        raise ConfigError(f"{setting} is empty; leave it out to use the embedded PostgreSQL.")
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # The library's message quotes the URL, including the password.
        raise InvalidValueError(
            f"{setting} is not a PostgreSQL URL; expected postgresql://user:password@host:5432/database, "
            "with special characters of the password percent-encoded."
        ) from None
    # An "@" or "/" in a bare password ends up in the parts behind it: say so before a message can show it.
    host = given.get("host", "")
    misplaced = given.get("dbname", "") + ("" if host.startswith("/") else host)
    if not given.get("port", "5432").replace(",", "").isdigit() or "@" in misplaced:
        raise ConfigError(
            f"{setting}: the password's special characters must be percent-encoded (@ is %40, / is %2F)."
        )
    defaults = {
        "application_name": "etstats",
        "connect_timeout": "10",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "60000",
    }
    return {**defaults, **given, "client_encoding": "UTF8"}


def _has_several_hosts(settings: dict[str, str]) -> bool:
    return "," in settings.get("host", "") + settings.get("hostaddr", "")


def _address(settings: dict[str, str]) -> str:
    hosts = (settings.get("host") or settings.get("hostaddr") or "the local socket").split(",")
    ports = settings.get("port", "5432").split(",")
    ports = ports if len(ports) == len(hosts) else ports * len(hosts)
    return ", ".join(
        host if host.startswith("/") else f"{host}:{port}" for host, port in zip(hosts, ports, strict=False)
    )


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
