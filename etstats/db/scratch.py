"""Create a temporary database on the same server or, without that privilege, on a temporary server."""

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from etstats.db import embedded
from etstats.db.connection import connect, database_errors
from etstats.db.queries import query
from etstats.errors import EtstatsError


@contextmanager
def scratch_database(url: str, data_dir: Path, *, clear: bool = True) -> Iterator[str]:
    """Yield the URL of an empty database that is dropped afterwards; the caller holds the lock of backups.

    `data_dir`: the folder for a temporary server, if the user of `url` may not create databases. `clear`: first
    drop all temporary databases, left by killed processes or in use.
    """
    prefix = f"etstats_scratch_{hashlib.sha256(_name_of(url).encode()).hexdigest()[:8]}_"
    name = prefix + secrets.token_hex(6)
    if not _is_created(url, name, prefix if clear else None):
        with _own_server(data_dir) as own:
            yield own
        return
    try:
        yield make_conninfo(url, dbname=name)
    finally:
        with suppress(psycopg.Error, EtstatsError):
            _drop(url, [name])


def _name_of(url: str) -> str:
    with database_errors(), connect(url) as conn:
        return conn.info.dbname


def _is_created(url: str, name: str, prefix: str | None) -> bool:
    """Create the database if permitted; the privilege is checked first to keep errors out of the server's log."""
    try:
        with database_errors(), connect(url) as conn:
            if conn.execute(query("may_create_databases")).fetchone() != (True,):
                return False
            leftovers = conn.execute(query("scratch_databases"), {"prefix": prefix}).fetchall() if prefix else []
        _drop(url, [row[0] for row in leftovers])
        _create(url, name)
    except (psycopg.Error, EtstatsError):
        return False
    return True


def _create(url: str, name: str) -> None:
    with database_errors(), connect(url) as conn:
        conn.autocommit = True
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    connect(make_conninfo(url, dbname=name)).close()  # a pooler may not let us through to it


def _drop(url: str, names: list[str]) -> None:
    with database_errors(), connect(url) as conn:
        conn.autocommit = True
        for name in names:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _own_server(data_dir: Path) -> Iterator[str]:
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=data_dir))
    folder.chmod(0o711)  # the account that PostgreSQL runs as has to pass through
    try:
        yield embedded.ensure_running(folder, durable=False)
    finally:
        with suppress(EtstatsError):
            embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
