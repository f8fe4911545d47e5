"""Connections to the database: how they are opened, how their errors are translated, and the lock of a run."""

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from etstats.db import embedded
from etstats.db.queries import query
from etstats.errors import CheckError, ConfigError, DatabaseError, LockedError

# It warns of what it raises as well, and a warning that nobody handles is printed: cron would mail it.
logging.getLogger("psycopg").setLevel(logging.ERROR)

Connection = psycopg.Connection[tuple[Any, ...]]
"""An open connection, for those who hand it on without speaking SQL."""

ONE_MOMENT = psycopg.IsolationLevel.REPEATABLE_READ
"""All that a transaction asks is answered as of its first question."""

OLDEST_SERVER = 14
DEFAULT_SCHEMA = "public"
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_SCHEMA_OPTION = re.compile(r"-csearch_path=([a-z0-9_]+)$", re.ASCII)
_TO_THE_PRIMARY = "point database.url to the primary, and database.read_url to the replica."
RUN_LOCK_KEY = 0x6574_7374_6174_7321  # "etstats!"
BACKUP_LOCK_KEY = 0x6574_7374_6261_636B  # "etstback"

# What a server says when it will answer later; its language is the server's, so the codes' English is a help only.
_TEMPORARY = re.compile(
    r"starting up|shutting down|not yet accepting|recovery|too many clients|too many connections"
    r"|connection slots|no more connections|server_login_retry|terminating connection|crash of another",
    re.IGNORECASE,
)
# A server's refusal carries a severity; what the client library says by itself does not.
_FROM_SERVER = re.compile(r"(?:FATAL|[^\W\d_]{4,}):  (.+)")


def with_schema(url: str, schema: str) -> str:
    """Return the URL of the same database, with the schema to which `connect` sets the search path."""
    if schema == DEFAULT_SCHEMA:
        return url
    if not _SCHEMA_NAME.fullmatch(schema) or schema.startswith("pg_"):
        raise ConfigError(
            f'database.schema "{schema}" is not valid; expected up to 63 of a-z, 0-9 and _, such as etstats'
        )
    options = _settings(url).get("options", "")
    return make_conninfo(url, options=f"{options} -csearch_path={schema}".strip())


def connect(url: str, *, read_only: bool = False) -> psycopg.Connection:
    """Open a connection: no autocommit, UTF-8, times in UTC, `read_only` transactions when only reading.

    What the results depend on is set here, whatever the environment, the role or the database sets. For the
    embedded server the environment of libpq is ignored, and the server must work in the folder of the URL.

    DatabaseError: it cannot be reached now. ConfigError: the URL, the password or the database is wrong, or the
    server is older than PostgreSQL 14. No message holds the password.
    """
    settings = _settings(url)
    schema = _take_schema(settings)
    place = _place(settings)
    folder = embedded.cluster_folder(settings)
    try:
        with embedded.libpq_environment_ignored() if folder else nullcontext():
            conn = psycopg.connect(make_conninfo("", **settings), prepare_threshold=5)
    except psycopg.OperationalError as error:
        raise _refusal(error, place, settings.get("password", "")) from None  # its locals hold the password
    except psycopg.Error as error:
        raise ConfigError(f"database.url cannot be used: {type(error).__name__}. Check it.") from None
    if conn.info.server_version < OLDEST_SERVER * 10000:
        version = conn.info.parameter_status("server_version")
        conn.close()
        raise ConfigError(
            f"PostgreSQL at {place} is {version}; etstats needs {OLDEST_SERVER} or newer. "
            "Upgrade it, or leave out database.url to use the embedded one."
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


def _take_schema(settings: dict[str, str]) -> str:
    """Return the schema that `with_schema` wrote, and take it out: a pooler does not accept options."""
    options = settings.get("options", "")
    found = _SCHEMA_OPTION.search(options)
    if found is None:
        return DEFAULT_SCHEMA
    settings["options"] = options[: found.start()].rstrip()
    if not settings["options"]:
        del settings["options"]
    return found[1]


def _prepare_session(conn: psycopg.Connection, place: str, folder: Path | None, schema: str) -> None:
    """Check that this is a database for etstats, and set what results depend on.

    A pooler in transaction mode restores only the settings that it tracks (PgBouncer: client_encoding, DateStyle,
    TimeZone and standard_conforming_strings); any other would reach an unrelated transaction. So these are
    compared instead, and ConfigError names one that differs.
    """
    encoding = conn.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigError(
            f'Database "{conn.info.dbname}" at {place} has the encoding {encoding}; etstats needs UTF8. '
            "Create another one with: createdb --template=template0 --encoding=UTF8 NAME"
        )
    conn.autocommit = True  # one message and its answer, instead of three
    with database_errors():
        parameters = {"backend_pid": conn.info.backend_pid, "is_embedded": folder is not None, "schema": schema}
        row = conn.execute(query("pin_settings"), parameters).fetchone()
        is_pooled, works_in = row[:2] if row else (False, None)
        wrong = conn.execute(query("settings_not_pinned"), {"schema": schema}).fetchone() if is_pooled else None
    conn.autocommit = False
    if folder and works_in != str(folder):
        raise ConfigError(f"The server at {place} works in {works_in}, not in {folder}. Run: etstats db stop")
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
    """Turn psycopg's errors that come from the database's state, not from our SQL, into ours."""
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
    """Turn a constraint's refusal of a file's rows into a CheckError that names the constraint."""
    try:
        yield
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        name = error.diag.constraint_name or error.diag.column_name or type(error).__name__
        raise CheckError(f"{filename}: the database rejects its values: {_first_line(error)} ({name})") from error


@contextmanager
def transactions_in_flight(conn: Connection) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Let transactions follow each other without waiting for answers: `with in_flight() as one: with one(): ...`.

    Answers, and the first error, come at the end of the block; an error undoes its transaction and all behind
    it. A query whose rows are fetched waits for the answers so far. Each transaction is whole by itself from its
    commit on; on the disk they are all at the end of the block, by one write instead of one each. Through a pooler
    each is written at its commit.
    """
    waits = _is_pooled(conn)

    @contextmanager
    def one() -> Iterator[None]:
        yield
        conn.execute("COMMIT AND CHAIN")  # one message for the end of this one and the beginning of the next

    conn.autocommit = True  # or psycopg would open a transaction of its own, and wait at its end
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
    tell: Callable[[str], None] = lambda text: None,
) -> Iterator[None]:
    """Hold the lock of this database while one run works; LockedError when another run holds it.

    Wait up to `patience` seconds in the server's queue, where no later run overtakes it; `tell` is called
    once when it has to wait. Backups have their own lock, because runs continue during a backup.

    The lock belongs to the server's session and dies with it, so none can be left behind.
    """
    wait = partial(_wait, patience=patience, tell=tell)
    with _lock_session(conn) as session, _locked(session, key, "on this database", wait=wait):
        yield


def is_awaited(conn: psycopg.Connection) -> bool:
    """Return whether another process waits for the lock of the whole database."""
    with database_errors(), conn.transaction():
        return conn.execute(query("is_run_lock_awaited"), {"key": RUN_LOCK_KEY}).fetchone() == (True,)


@contextmanager
def collecting_lock(conn: psycopg.Connection, servers: Collection[str]) -> Iterator[None]:
    """Hold the locks of these game servers. Others may be collected; a run on the whole database may not start.

    Raises LockedError when another run holds one of them, or the whole database.
    """
    with _lock_session(conn) as session, ExitStack() as held:
        held.enter_context(_locked(session, RUN_LOCK_KEY, "on this database", shared=True))
        for name in sorted(servers):
            digest = hashlib.blake2b(name.encode(), digest_size=8, key=b"etstats").digest()
            held.enter_context(_locked(session, int.from_bytes(digest, signed=True), f"for {name}"))
        yield


def _is_pooled(conn: Connection) -> bool:
    """Say whether `connect` found a pooler: only then it turns prepared statements off."""
    return conn.prepare_threshold is None


@contextmanager
def _lock_session(conn: Connection) -> Iterator[Connection]:
    """Give a connection that keeps its session: this one, or through a pooler another with an open transaction.

    In transaction mode a pooler hands the session to other clients as soon as the transaction ends.
    """
    if not _is_pooled(conn):
        yield conn
        return
    with database_errors():
        session = psycopg.connect(conn.info.dsn, password=conn.info.password or None, prepare_threshold=None)
    with closing(session):
        with database_errors():
            session.execute(query("allow_idle_transaction"))
        yield session
        with suppress(psycopg.Error):
            session.commit()  # the pooler would close a session in the midst of a transaction


@contextmanager
def _locked(
    conn: psycopg.Connection,
    key: int,
    what: str,
    *,
    shared: bool = False,
    wait: Callable[[psycopg.Connection, int], bool] = lambda conn, key: False,
) -> Iterator[None]:
    take, release = (
        ("try_shared_run_lock", "release_shared_run_lock") if shared else ("try_run_lock", "release_run_lock")
    )
    with database_errors(), conn.transaction():
        row = conn.execute(query(take), {"key": key}).fetchone()
    if row != (True,) and not wait(conn, key):
        raise LockedError(f"Another etstats run is active {what}; this run changed nothing.")
    try:
        yield
    finally:
        # A lost connection has released the lock already.
        with suppress(psycopg.Error):
            if conn.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
                conn.rollback()
            with conn.transaction():
                conn.execute(query(release), {"key": key})


def _wait(conn: psycopg.Connection, key: int, *, patience: float, tell: Callable[[str], None]) -> bool:
    """Take the lock as soon as its holders let go; False when they have not within `patience` seconds."""
    if patience <= 0:
        return False
    with database_errors(), conn.transaction():
        holder = conn.execute(query("run_lock_holder"), {"key": key}).fetchone()
    address, seconds = holder or ("", 0)
    who = f" ({f'from {address}, ' if address else ''}running for {seconds} s)" if holder else ""
    tell(f"waiting up to {patience:.0f} s for another etstats run to end{who}")
    with database_errors():
        try:
            with conn.transaction():
                conn.execute(query("limit_lock_wait"), {"milliseconds": str(round(patience * 1000))})
                conn.execute(query("wait_for_run_lock"), {"key": key})
        except psycopg.errors.LockNotAvailable:
            return False
    return True


def _settings(url: str) -> dict[str, str]:
    if not url.strip():
        raise ConfigError("database.url is empty; leave it out to use the embedded PostgreSQL.")
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # The library's words quote the URL, password and all.
        raise ConfigError(
            "database.url is not a PostgreSQL URL; expected postgresql://user:password@host:5432/database, "
            "with the odd characters of a password percent-encoded."
        ) from None
    # An "@" or "/" in a bare password ends up in the parts behind it: say so before a message can show it.
    host = given.get("host", "")
    misplaced = given.get("dbname", "") + ("" if host.startswith("/") else host)
    if not given.get("port", "5432").replace(",", "").isdigit() or "@" in misplaced:
        raise ConfigError(
            "database.url: the password's special characters must be percent-encoded (@ is %40, / is %2F)."
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


def _place(settings: dict[str, str]) -> str:
    host = settings.get("host") or settings.get("hostaddr") or "the local socket"
    return host if host.startswith("/") else f"{host}:{settings.get('port', 5432)}"


def _refusal(error: psycopg.OperationalError, place: str, password: str) -> ConfigError | DatabaseError:
    text = str(error)
    if password:
        text = text.replace(password, "***")
    answer = _FROM_SERVER.search(text)
    if answer and not _TEMPORARY.search(text):
        reason = answer[1].strip()
        if "unsupported startup parameter" in reason:
            return ConfigError(
                f"The pooler at {place} refuses: {reason}. PgBouncer: ignore_startup_parameters = options."
            )
        return ConfigError(
            f"PostgreSQL at {place} refuses: {reason}. Check user, password and base in database.url."
        )
    if "no password supplied" in text:
        return ConfigError(f"PostgreSQL at {place} asks for a password, and database.url has none.")
    if re.search(r"\bSSL was required|certificate", text):
        reason = text.splitlines()[0].rpartition("failed: ")[2]
        return ConfigError(
            f"No TLS with PostgreSQL at {place}: {reason}. Check sslmode and sslrootcert in database.url."
        )
    reason = answer[1].strip() if answer else text.splitlines()[0].rpartition("failed: ")[2]
    return DatabaseError(
        f"PostgreSQL at {place} cannot be reached: {reason}. Is it running, and is database.url right?"
    )


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0].rstrip(".")
