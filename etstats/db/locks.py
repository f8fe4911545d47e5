"""The locks of a run: of the whole database, of game servers, and of backups."""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psycopg

from etstats.db.connection import Connection, is_pooled
from etstats.db.queries import query
from etstats.errors import LockedError

RUN_LOCK_KEY = 0x6574_7374_6174_7321  # "etstats!"
BACKUP_LOCK_KEY = 0x6574_7374_6261_636B  # "etstback"


@contextmanager
def run_lock(
    conn: Connection,
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


def has_waiters(conn: Connection, servers: Collection[str] = ()) -> bool:
    """Return whether another process waits for the lock of the database or of one of these servers."""
    keys = [RUN_LOCK_KEY, *map(_server_key, servers)]
    with conn.transaction():
        return conn.execute(query("is_run_lock_awaited"), {"keys": keys}).fetchone() == (True,)


@contextmanager
def collecting_lock(
    conn: Connection,
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


@contextmanager
def _lock_session(conn: Connection) -> Iterator[Connection]:
    """Yield a connection that keeps its session: this one, or with a pooler a second one in a transaction.

    In transaction mode, a pooler gives the session to other clients when the transaction ends.
    """
    if not is_pooled(conn):
        yield conn
        return
    session = psycopg.connect(conn.info.dsn, password=conn.info.password or None, prepare_threshold=None)
    with closing(session):
        session.execute(query("allow_idle_transaction"))
        yield session
        with suppress(psycopg.Error):
            session.commit()  # the pooler would close a session in the midst of a transaction


@contextmanager
def _locked(conn: Connection, key: int, what: str, queue: "_Queue", *, shared: bool = False) -> Iterator[None]:
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

    def wait(self, conn: Connection, key: int, *, shared: bool) -> bool:
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

    def _text(self, conn: Connection, key: int) -> str:
        with conn.transaction():
            holder = conn.execute(query("run_lock_holder"), {"key": key}).fetchone()
        address, seconds = holder or ("", 0)
        who = f" ({f'from {address}, ' if address else ''}running for {seconds} s)" if holder else ""
        return f"waiting up to {self._patience:.0f} s for another etstats run to end{who}"
