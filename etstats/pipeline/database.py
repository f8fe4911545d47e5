"""Opening the base that the settings name: the configured PostgreSQL, or the embedded one, migrated."""

from collections.abc import Iterator
from contextlib import contextmanager

from etstats.config.schema import Config
from etstats.db.connection import ONE_MOMENT, Connection, connect
from etstats.db.migrations import migrate


def database_url(config: Config) -> str:
    """The configured address, or that of the embedded PostgreSQL, started when it is not running."""
    if config.database.url is not None:
        return config.database.url
    from etstats.db import embedded

    return embedded.ensure_running(config.data_dir)


@contextmanager
def open_database(config: Config) -> Iterator[Connection]:
    """A connection for writing; the schema is brought up to date first. Closed at the end."""
    conn = connect(database_url(config))
    try:
        migrate(conn)
        yield conn
    finally:
        conn.close()


@contextmanager
def open_for_reading(config: Config) -> Iterator[Connection]:
    """A read-only connection: to the replica where one is configured, else to the base itself, migrated.

    All that is asked over it is answered as of one moment, whatever an import or a rebuild commits meanwhile.
    """
    if config.database.read_url is None:
        with open_database(config) as conn:
            conn.read_only = True
            conn.isolation_level = ONE_MOMENT
            yield conn
        return
    conn = connect(config.database.read_url, read_only=True)
    conn.isolation_level = ONE_MOMENT
    try:
        yield conn
    finally:
        conn.close()
