"""The schema, step by step: `sql/migrations/NNNN_name.sql`, each applied once and recorded with its hash."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from etstats.db.connection import database_errors
from etstats.db.queries import query, sql_root
from etstats.errors import ConfigError, EtstatsError

LOCK_KEY = 0x6574_7374_6D69_6772  # "etstmigr"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema as the program has it."""

    number: int
    name: str
    sha256: str
    sql: str

    def __str__(self) -> str:
        """Give the name it has in the folder."""
        return f"{self.number:04}_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One step of the schema as the base has it."""

    number: int
    name: str
    sha256: str
    applied_at: datetime

    def __str__(self) -> str:
        """Give the name it had in the folder."""
        return f"{self.number:04}_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """What a base has and what it lacks, both in order."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]


def migrate(
    conn: psycopg.Connection, folder: Path | None = None, *, only: Collection[int] | None = None
) -> list[str]:
    """Apply what is pending, in order, each step with its record in one transaction; return their names.

    `only` these numbers: the schema as an older etstats had it, for a backup of that time.

    With nothing to do it costs one query. A step that fails leaves the base as the step before it left it.
    The connection must have no transaction open. ConfigError: the base is newer, or a step's text changed.
    """
    steps = _read_folder(folder or sql_root() / "migrations")
    done: list[str] = []
    for step in _pending(steps, _applied(conn)):
        if only is not None and step.number not in only:
            continue
        with database_errors(), conn.transaction():
            conn.execute(query("lock_migrations"), {"key": LOCK_KEY})
            conn.execute(query("create_schema_migrations"))
            # Another program may have done it while this one waited for the lock.
            if step in _pending(steps, _applied(conn)):
                _apply(conn, step)
                done.append(str(step))
    return done


def status(conn: psycopg.Connection, folder: Path | None = None) -> SchemaStatus:
    """Return which steps the base has and which it lacks; the same refusals as `migrate`."""
    steps = _read_folder(folder or sql_root() / "migrations")
    applied = _applied(conn)
    return SchemaStatus(applied=applied, pending=_pending(steps, applied))


def _read_folder(folder: Path) -> tuple[Migration, ...]:
    steps: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if not match:
            raise EtstatsError(f"{path} is not named NNNN_name.sql.")
        number = int(match[1])
        if number in steps or number == 0:
            raise EtstatsError(f"{path}: the number {match[1]} is taken; numbers start at 0001.")
        # A checkout with Windows line ends is the same text.
        content = path.read_bytes().replace(b"\r\n", b"\n")
        steps[number] = Migration(
            number=number,
            name=match[2],
            sha256=hashlib.sha256(content).hexdigest(),
            sql=content.decode("utf-8"),
        )
    if not steps:
        raise EtstatsError(f"No migrations in {folder}: the installation is damaged; install it again.")
    return tuple(steps.values())


def _applied(conn: psycopg.Connection) -> tuple[Applied, ...]:
    with database_errors():
        try:
            with conn.transaction(), conn.cursor(row_factory=class_row(Applied)) as cursor:
                return tuple(cursor.execute(query("applied_migrations")))
        except psycopg.errors.UndefinedTable:
            return ()


def _pending(steps: tuple[Migration, ...], applied: tuple[Applied, ...]) -> tuple[Migration, ...]:
    """Return the steps the base lacks, after making sure that those it has are ours, unchanged."""
    known = {step.number: step for step in steps}
    for record in applied:
        step = known.pop(record.number, None)
        if step is None:
            raise ConfigError(
                f"The base has migration {record}, which this etstats does not know: it was made by a newer one. "
                "Upgrade etstats here, or point database.url to another base."
            )
        if (step.name, step.sha256) != (record.name, record.sha256):
            raise ConfigError(
                f"Migration {step} is not the one that was applied to this base as {record}: its text was changed "
                "since. Install a released etstats, or restore the base from a backup of this one."
            )
    return tuple(known.values())


def _apply(conn: psycopg.Connection, step: Migration) -> None:
    try:
        conn.execute(step.sql)
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege):
        raise  # the base's, not the step's
    except psycopg.Error as error:
        raise EtstatsError(f"Migration {step} failed and left no trace: {str(error).splitlines()[0]}") from error
    conn.execute(query("record_migration"), {"number": step.number, "name": step.name, "sha256": step.sha256})
