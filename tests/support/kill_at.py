"""Run etstats in this process and kill it (SIGKILL) at its Nth moment, or list the moments.

    python kill_at.py N KINDS_FILE WORDS...     N = 0: to the end; the kind of each moment is a line of KINDS_FILE
    python kill_at.py written:N KINDS_FILE WORDS...     moments of this kind alone

A moment is before and after each message to the database and each commit, and before each operation on a file that
changes it. Its kind is what happens then: the operation, and the suffix of the file. `written` is counted only on
request: the database has ended a transaction that wrote something.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from etstats.cli import run

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.utime"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Moments:
    """Count the moments of each kind, and kill the process at the given one."""

    def __init__(self, fatal: int, only: str) -> None:
        self.kinds: list[str] = []
        self._fatal, self._only = fatal, only

    def count_moment(self, kind: str) -> None:
        """Count one moment."""
        if self._only in ("", kind):
            self.kinds.append(kind)
            if len(self.kinds) == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, details: tuple[Any, ...]) -> None:
        """Handle a file event of Python: see the table of audit events in its library reference."""
        if event in _CHANGES or (event == "open" and isinstance(details[2], int) and details[2] & _WRITING):
            self.count_moment(
                f"{event} {'' if isinstance(details[0], int) else Path(os.fsdecode(details[0])).suffix}"
            )

    def around(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a moment before and after each call."""

        def called(*arguments: Any, **named: Any) -> Any:
            self.count_moment(f"before {kind}")
            result = function(*arguments, **named)
            self.count_moment(f"after {kind}")
            return result

        return called


class Transactions:
    """Detect, over a separate connection, that the database has ended a transaction that wrote something."""

    def __init__(self) -> None:
        self._own: Any = None
        self._next = b""

    def has_written(self, conn: psycopg.Connection) -> bool:
        """Return whether one has ended since the last call, on the server of the first call's connection."""
        if self._own is None:
            self._own = psycopg.pq.PGconn.connect(conn.info.dsn.encode())
        row = self._own.exec_(b"SELECT pg_snapshot_xmax(pg_current_snapshot())").get_value(0, 0)
        before, self._next = self._next, row or b""
        return before not in (b"", self._next)


def main() -> None:
    only, _, number = sys.argv[1].rpartition(":")
    kinds_file = Path(sys.argv[2])
    sys.argv = ["etstats", *sys.argv[3:]]
    sys.dont_write_bytecode = True
    moments = Moments(int(number), only)
    if only == "written":
        transactions, wait = Transactions(), psycopg.Connection.wait

        def waited(conn: psycopg.Connection, *arguments: Any, **named: Any) -> Any:
            result = wait(conn, *arguments, **named)
            if transactions.has_written(conn):
                moments.count_moment("written")
            return result

        psycopg.Connection.wait = waited  # type: ignore[assignment, method-assign]
    psycopg.Connection.wait = moments.around("message", psycopg.Connection.wait)  # type: ignore[method-assign]
    psycopg.Connection.commit = moments.around("commit", psycopg.Connection.commit)  # type: ignore[method-assign]
    psycopg.Transaction.__exit__ = moments.around("end", psycopg.Transaction.__exit__)  # type: ignore[method-assign]
    os.fsync = moments.around("fsync", os.fsync)
    os.write = moments.around("write", os.write)
    sys.addaudithook(moments.audit)
    try:
        run()
    finally:
        kinds_file.write_text("\n".join(moments.kinds))


if __name__ == "__main__":
    main()
