"""Open the database of the settings, the configured PostgreSQL or the embedded one, and migrate it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from zoneinfo import ZoneInfo

from etstats.config.schema import Config
from etstats.db import archive, embedded
from etstats.db.connection import SNAPSHOT_ISOLATION, Connection, connect, database_errors
from etstats.db.migrations import content_errors, migrate
from etstats.db.urls import to_primary, with_schema

_REPLICA = "database.read_url (--read-url)"


def database_url(config: Config) -> str:
    """Return the URL of the configured PostgreSQL, or of the embedded one, which is started if necessary."""
    url = config.database.url
    if url is None:
        url = embedded.ensure_running(config.data_dir)
    return with_schema(to_primary(url), config.database.schema)


def replica_url(config: Config) -> str | None:
    """Return the URL of the replica for reading commands; None if none is configured."""
    url = config.database.read_url
    return None if url is None else with_schema(url, config.database.schema, _REPLICA)


def connect_to_replica(url: str) -> Connection:
    """Open a read-only connection to the URL of `replica_url`; its errors name that setting."""
    return connect(url, read_only=True, setting=_REPLICA)


@contextmanager
def open_database(config: Config) -> Iterator[Connection]:
    """Yield a connection for writing, after migrating the schema; close it at the end.

    Database errors in the block are raised as EtstatsErrors.
    """
    with database_errors(), closing(connect(database_url(config))) as conn:
        migrate(conn)
        with content_errors(conn):
            yield conn


@contextmanager
def open_for_reading(
    config: Config, prepare: Callable[[Connection], object] | None = None
) -> Iterator[Connection]:
    """Yield a read-only connection: to the replica if configured, else to the database, migrated.

    All queries see one snapshot, even if an import or a rebuild commits meanwhile. `prepare` may write before the
    snapshot, to update derived rows; it is not called for a replica.
    """
    url = replica_url(config)
    if url is None:
        with open_database(config) as conn:
            if prepare is not None:
                prepare(conn)
            conn.read_only = True
            conn.isolation_level = SNAPSHOT_ISOLATION
            yield conn
        return
    with database_errors(), closing(connect_to_replica(url)) as conn:
        conn.isolation_level = SNAPSHOT_ISOLATION
        with content_errors(conn):
            yield conn


def store_settings(conn: Connection, config: Config) -> None:
    """Store the settings that affect rounds in the servers' rows; servers without a row are skipped."""
    servers = [(server.name, server.timezone, server.stopwatch is not False) for server in config.servers]
    with conn.transaction():
        archive.store_settings(conn, servers, bot_rounds=config.bots.rounds, bot_records=config.bots.records)


def stopwatch_hints(conn: Connection, config: Config) -> dict[str, str]:
    """Return a hint for each server that seems not to play stopwatch and does not set `stopwatch`, by name."""
    decided = {server.name for server in config.servers if server.stopwatch is not None}
    with conn.transaction():
        found = archive.servers_without_round1(conn)
    return {
        name: f"{name}: the last {rounds} rounds are round 2s without a round 1; if the server does not play "
        "stopwatch, set stopwatch = false for it and run: etstats rebuild"
        for name, rounds in found.items()
        if name not in decided
    }


def timezone_of(conn: Connection, config: Config) -> Callable[[str], ZoneInfo]:
    """Return a function from a server's name to its time zone: as configured, else as last stored, else UTC."""
    with conn.transaction():
        zones = archive.server_timezones(conn)
    zones |= {server.name: server.timezone for server in config.servers}
    return lambda name: ZoneInfo(zones.get(name, "UTC"))
