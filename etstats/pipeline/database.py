"""Opening the database that the settings name: the configured PostgreSQL, or the embedded one, migrated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from etstats.config.schema import Config
from etstats.db import archive
from etstats.db.connection import ONE_MOMENT, Connection, connect, database_errors, with_schema
from etstats.db.migrations import migrate, schema_errors


def database_url(config: Config) -> str:
    """Return the configured address, or that of the embedded PostgreSQL, started when it is not running."""
    url = config.database.url
    if url is None:
        from etstats.db import embedded

        url = embedded.ensure_running(config.data_dir)
    return with_schema(url, config.database.schema)


def replica_url(config: Config) -> str | None:
    """Return the address of the replica for reading commands, where one is configured."""
    url = config.database.read_url
    return None if url is None else with_schema(url, config.database.schema)


@contextmanager
def open_database(config: Config) -> Iterator[Connection]:
    """A connection for writing; the schema is brought up to date first. Closed at the end."""
    conn = connect(database_url(config))
    try:
        migrate(conn)
        with schema_errors(conn):
            yield conn
    finally:
        conn.close()


@contextmanager
def open_for_reading(config: Config) -> Iterator[Connection]:
    """A read-only connection: to the replica where one is configured, else to the database itself, migrated.

    All that is asked over it is answered as of one moment, whatever an import or a rebuild commits meanwhile.
    """
    url = replica_url(config)
    if url is None:
        with open_database(config) as conn:
            conn.read_only = True
            conn.isolation_level = ONE_MOMENT
            yield conn
        return
    conn = connect(url, read_only=True)
    conn.isolation_level = ONE_MOMENT
    try:
        with schema_errors(conn):
            yield conn
    finally:
        conn.close()


def timezone_of(conn: Connection, config: Config) -> Callable[[str], ZoneInfo]:
    """Return the time zone of a server by its name: as configured, else as last configured, else UTC."""
    with database_errors(), conn.transaction():
        zones = archive.server_timezones(conn)
    zones |= {server.name: server.timezone for server in config.servers}
    return lambda name: ZoneInfo(zones.get(name, "UTC"))
