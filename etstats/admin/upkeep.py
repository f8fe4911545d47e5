"""How the database stands: where it is, what schema it has; starting and stopping the embedded one."""

from dataclasses import dataclass
from pathlib import Path

from etstats.config.schema import Config
from etstats.db import embedded, maintenance, migrations
from etstats.db.connection import connect, with_schema
from etstats.db.maintenance import ReplicaFacts
from etstats.errors import ConfigError
from etstats.pipeline.database import database_url, replica_url


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """One screen about the database; what is None is unknown while the server is down.

    `schema` is the newest applied migration, `missing` what was dropped from it or changed. `folder` is where an
    embedded database lives.
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
    """How far `database.read_url` is behind, where one is set."""
    installed_version: str | None = None
    """The release of PostgreSQL that the next start of the embedded server uses."""


def status(config: Config) -> DatabaseStatus:
    """Look at the database without starting or changing it; DatabaseError when a configured server does not
    answer."""
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
    with connect(with_schema(url, config.database.schema), read_only=True) as conn:
        facts, schema = maintenance.base_facts(conn), migrations.status(conn)
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
    """Bring the schema up to date; returns the names of the steps that were applied."""
    with connect(database_url(config)) as conn:
        return migrations.migrate(conn)


def start(config: Config) -> None:
    """Start the embedded server; ConfigError when another one is configured."""
    _refuse_configured(config)
    embedded.ensure_running(config.data_dir)


def stop(config: Config) -> bool:
    """Stop the embedded server; False when it was not running. ConfigError when another one is configured."""
    _refuse_configured(config)
    return embedded.stop(config.data_dir)


def _replica(config: Config, written_to: str | None) -> ReplicaFacts | None:
    url = replica_url(config)
    if url is None:
        return None
    with connect(url, read_only=True) as conn:
        return maintenance.replica_facts(conn, written_to)


def _refuse_configured(config: Config) -> None:
    if config.database.url is not None:
        raise ConfigError("database.url names a PostgreSQL of its own; start and stop it with its own tools")
