"""Status of the database (location, schema), and starting and stopping the embedded one."""

from dataclasses import dataclass
from pathlib import Path

from etstats.config.schema import Config
from etstats.db import embedded, maintenance, migrations
from etstats.db.connection import connect, database_errors
from etstats.db.locks import collecting_lock
from etstats.db.maintenance import ReplicaFacts
from etstats.db.urls import to_primary, with_schema
from etstats.errors import ConfigError
from etstats.pipeline import server_names
from etstats.pipeline.database import connect_to_replica, database_url, open_database, replica_url


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """State of the database; None values are unknown because the server is down.

    `schema` is the newest applied migration, `missing` the dropped or changed objects. `folder` is the folder of
    an embedded database.
    """

    kind: str
    running: bool
    name: str | None
    server_version: str | None
    size_bytes: int | None
    schema: str | None
    pending: tuple[str, ...]
    missing: tuple[str, ...]
    folder: Path | None
    log_folder: Path | None
    replica: ReplicaFacts | None = None
    """Replication lag of `database.read_url`, if set."""
    installed_version: str | None = None
    """Version of PostgreSQL for the next start of the embedded server."""


def rename_server(config: Config, old: str, new: str) -> int:
    """Rename a game server, see `server_names.rename_server`; LockedError while a server is synced."""
    with open_database(config) as conn, collecting_lock(conn, {old, new}):
        return server_names.rename_server(conn, config, old, new)


def status(config: Config) -> DatabaseStatus:
    """Return the state of the database without starting or changing it.

    DatabaseError: a configured server does not respond."""
    own = embedded.status(config.data_dir) if config.database.url is None else None
    url = config.database.url if own is None else own.url
    folder, log_folder = (own.folder, own.log_folder) if own else (None, None)
    if url is None:
        return DatabaseStatus(
            kind="embedded",
            running=False,
            name=None,
            server_version=None,
            size_bytes=None,
            schema=None,
            pending=(),
            missing=(),
            folder=folder,
            log_folder=log_folder,
            installed_version=embedded.installed_version(),
        )
    with database_errors(), connect(with_schema(to_primary(url), config.database.schema), read_only=True) as conn:
        facts, schema = maintenance.database_facts(conn), migrations.status(conn)
        missing = migrations.missing_objects(conn)
        replica = _replica(config, maintenance.written_to(conn))
    return DatabaseStatus(
        kind="embedded" if own else "configured",
        running=True,
        name=facts.name,
        server_version=facts.server_version,
        size_bytes=facts.size_bytes,
        schema=str(schema.applied[-1]) if schema.applied else None,
        pending=tuple(map(str, schema.pending)),
        missing=tuple(missing),
        folder=folder,
        log_folder=log_folder,
        replica=replica,
        installed_version=embedded.installed_version() if own else None,
    )


def migrate(config: Config) -> list[str]:
    """Apply pending migrations; return their names."""
    with database_errors(), connect(database_url(config)) as conn:
        return migrations.migrate(conn)


def start(config: Config) -> None:
    """Start the embedded server; ConfigError if another server is configured."""
    _refuse_configured(config)
    embedded.ensure_running(config.data_dir)


def stop(config: Config) -> bool:
    """Stop the embedded server; False if it was not running. ConfigError if another server is configured."""
    _refuse_configured(config)
    return embedded.stop(config.data_dir)


def _replica(config: Config, written_to: str | None) -> ReplicaFacts | None:
    url = replica_url(config)
    if url is None:
        return None
    with database_errors(), connect_to_replica(url) as conn:
        return maintenance.replica_facts(conn, written_to)


def _refuse_configured(config: Config) -> None:
    if config.database.url is not None:
        raise ConfigError("database.url selects another PostgreSQL server; start and stop it with its own tools")
