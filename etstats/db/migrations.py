"""Apply the migrations `sql/migrations/NNNN_name.sql`, each once and in order, and record their hashes.

The names of all schema objects are recorded too, to detect dropped indexes, triggers, views, columns and
constraints.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from etstats.db.queries import query, sql_root
from etstats.errors import ConfigError, EtstatsError

LOCK_KEY = 0x6574_7374_6D69_6772  # "etstmigr"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# Sealed periods begin at -infinity.
_BOUNDED_COLUMN = re.compile(
    r"column (?!sealed\.start )(\w+)\.(\w+) (date|timestamp with time zone|double precision)(?! generated|\[).*"
)


class ForeignTablesError(ConfigError):
    """The database has tables of another program with names of etstats; `reason` is without the solutions."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}. For tables of its own: etstats init --schema etstats (or with --embedded, or with "
            "--database-url-file FILE)"
        )
        self.reason = reason


UNRELEASED: dict[int, str] = {
    1: "bf7a13ba47fa0d635b22ac5bea64374bcb289c17d9b8282d3c02562a8ca3529a",
    2: "249c19e7c588751862343b31f6adadcfb528d825f88b4107d1b9eedf46318c52",
    3: "4899d3a3de68d73e4ea2af120418e297b44b02d5b88c2a413eec25eb17bdfce4",
    4: "cf3b0366b7a55e09658215d50b6753898ecc7d4dfc9c97e43824ab583692d860",
    5: "60789c0c25c512d3802a534061a6fe197392ef8b5269bd4727e5b5d7dab158b6",
    7: "3f8a6f21a862effa5ec282888f516cdf10e690a92e41250a22ef9639b843ef16",
    8: "5f5cbcfa3270d7195518c2790e42dd526042b86068a815a32942f3a9cedf3c31",
    9: "5427f98a8baee745275fec1a0ddfa69082ce5b43b813c68653d04d59b7932947",
}
"""The schema before the first release, by migration; `restore` accepts backups of it, nothing else does."""

UNRELEASED_TABLES = frozenset(
    ("changed_sessions", "file_counts", "folder_marks", "forgetting_key", "forgotten_players", "hidden_players",
     "player_aliases", "player_comprehensive_stats", "player_links", "post_channels", "post_watermarks", "posts",
     "processed_files", "rounds", "server_looks", "servers", "session_teams", "sessions",
     "weapon_comprehensive_stats")
)  # fmt: skip
"""The tables of that schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration of this version of etstats."""

    number: int
    name: str
    sha256: str
    sql: str

    def __str__(self) -> str:
        """Return its file name without the suffix."""
        return f"{self.number:04}_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedMigration:
    """A migration that was applied to a database."""

    number: int
    name: str
    sha256: str
    applied_at: datetime

    def __str__(self) -> str:
        """Return its file name without the suffix."""
        return f"{self.number:04}_{self.name}"


class SchemaStatus(NamedTuple):
    """The applied and the pending migrations of a database, both in order."""

    applied: tuple[AppliedMigration, ...]
    pending: tuple[Migration, ...]


def migrate(conn: psycopg.Connection, folder: Path | None = None, *, up_to: int | None = None) -> list[str]:
    """Apply the pending migrations in order, each in a transaction with its record; return their names.

    `up_to`: the last migration to apply, to load a backup of an older version. Without pending migrations, one
    query runs. A failing migration is rolled back. The connection must have no open transaction. ConfigError: the
    database is of a newer version or of another program, or an applied migration was changed.
    """
    migrations = _read_folder(folder or sql_root() / "migrations")
    done: list[str] = []
    for migration in _pending(migrations, _applied(conn)):
        if up_to is not None and migration.number > up_to:
            break
        with conn.transaction():
            conn.execute(query("lock_migrations"), {"key": LOCK_KEY})
            _create_record(conn)
            # Another process may have applied it while this one waited for the lock.
            if migration in _pending(migrations, _applied(conn)):
                _apply(conn, migration)
                done.append(str(migration))
    return done


def prepare(conn: psycopg.Connection) -> None:
    """Create the record in a new database, since a query for a missing table would be logged as an error."""
    with conn.transaction():
        _create_record(conn)


def status(conn: psycopg.Connection, folder: Path | None = None) -> SchemaStatus:
    """Return the applied and the pending migrations; raises the same errors as `migrate`."""
    migrations = _read_folder(folder or sql_root() / "migrations")
    applied = _applied(conn)
    return SchemaStatus(applied=applied, pending=_pending(migrations, applied))


def missing_objects(conn: psycopg.Connection) -> list[str]:
    """Return the objects dropped or changed since the last migration, such as `index rounds.rounds_map`; sorted.

    For a dropped table or view, its parts are not listed. Added objects are not reported. Empty for a database
    without a schema.
    """
    try:
        with conn.transaction():
            missing = _recorded_objects(conn) - _objects(conn)
    except psycopg.errors.UndefinedTable:
        return []
    dropped = [name.split()[1] for name in missing if name.startswith(("table ", "view "))]
    return sorted(name for name in missing if not any(f" {table}." in name for table in dropped))


def impossible_values(conn: psycopg.Connection) -> list[str]:
    """Return one impossible time or number of each column that has one, such as `rounds.ended_at infinity`."""
    recorded = _recorded_objects(conn) & _objects(conn)
    columns = [match.groups() for name in sorted(recorded) if (match := _BOUNDED_COLUMN.fullmatch(name))]
    selects = [
        sql.SQL(query("impossible_number" if kind == "double precision" else "impossible_time")).format(
            name=sql.Literal(f"{table}.{name}"), table=sql.Identifier(table), column=sql.Identifier(name)
        )
        for table, name, kind in columns
        if f"table {table}" in recorded
    ]
    return [found for (found,) in conn.execute(sql.SQL(" UNION ALL ").join(selects))] if selects else []


@contextmanager
def content_errors(conn: psycopg.Connection) -> Iterator[None]:
    """Convert an error caused by a missing schema object, or by an impossible value in a row, to ConfigError."""
    try:
        yield
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.UndefinedColumn,
        psycopg.errors.UndefinedFunction,
    ) as error:
        conn.rollback()
        if missing := missing_objects(conn):
            raise ConfigError(
                f"the schema of the database was changed, {missing[0]} is missing: {_first_line(error)}. "
                "See: etstats db status"
            ) from error
        raise
    except (psycopg.DataError, ArithmeticError, LookupError, ValueError) as error:
        if conn.closed:
            raise
        conn.rollback()
        if values := impossible_values(conn):
            raise ConfigError(
                f"the database was changed, it has an impossible value: {values[0]}. Run etstats rebuild, which "
                "repairs rounds and ratings; for other tables restore a backup"
            ) from error
        if isinstance(error, psycopg.errors.NumericValueOutOfRange):
            raise ConfigError(
                f"the database was changed, a number is impossible: {_first_line(error)}. See: etstats validate"
            ) from error
        raise


def known_migrations() -> tuple[Migration, ...]:
    """Return the migrations of this etstats, in order."""
    return _read_folder(sql_root() / "migrations")


def is_of_a_checkout(applied: Mapping[int, str]) -> bool:
    """Whether a schema (migration number -> hash) is another initial one than ours that was never released."""
    lines = (sql_root() / "migrations" / "released.sha256").read_text(encoding="utf-8").splitlines()
    known = {known_migrations()[0].sha256, *(line.partition(" ")[0] for line in lines)}
    return set(applied) == {1} and applied[1] not in known


def _read_folder(folder: Path) -> tuple[Migration, ...]:
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if not match:
            raise EtstatsError(f"{path}: the name of a migration must be NNNN_name.sql")
        expected = len(migrations) + 1
        if int(match[1]) != expected:
            raise EtstatsError(f"{path}: expected number {expected:04}; migrations are numbered without gaps")
        # A checkout with Windows line ends has the same migrations.
        content = path.read_bytes().replace(b"\r\n", b"\n")
        migrations.append(
            Migration(
                number=expected,
                name=match[2],
                sha256=hashlib.sha256(content).hexdigest(),
                sql=content.decode("utf-8"),
            )
        )
    if not migrations:
        raise EtstatsError(f"no migrations in {folder}: the installation is damaged; install etstats again")
    return tuple(migrations)


def _create_record(conn: psycopg.Connection) -> None:
    if schema := conn.execute(query("schema_to_create")).fetchone():
        conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(*schema)))
    conn.execute(query("create_schema_migrations"))


def _applied(conn: psycopg.Connection) -> tuple[AppliedMigration, ...]:
    try:
        with conn.transaction(), conn.cursor(row_factory=class_row(AppliedMigration)) as cursor:
            return tuple(cursor.execute(query("applied_migrations")))
    except psycopg.errors.UndefinedTable:
        return ()
    except psycopg.errors.UndefinedColumn:
        raise ForeignTablesError(
            f'the database "{conn.info.dbname}" has a table schema_migrations of another program'
        ) from None


def _pending(migrations: tuple[Migration, ...], applied: tuple[AppliedMigration, ...]) -> tuple[Migration, ...]:
    """Return the pending migrations, after checking that the applied ones are unchanged."""
    known = {migration.number: migration for migration in migrations}
    if any(UNRELEASED.get(record.number) == record.sha256 for record in applied):
        raise ConfigError(
            "the database has the schema of an etstats before its first release. Back it up with that version "
            "(etstats backup), then restore the backup with this one into a new database (another "
            "database.url, or another data_dir for the embedded one)"
        )
    for record in applied:
        migration = known.pop(record.number, None)
        if migration is None:
            raise ConfigError(
                f"the database has migration {record} of a newer etstats; upgrade etstats, or use another database"
            )
        if (migration.name, migration.sha256) != (record.name, record.sha256):
            raise ConfigError(
                f"migration {migration} was changed after it had been applied as {record}; run etstats backup "
                "with the version that applied it, then etstats restore FILE with this one into another "
                "data_dir or database.url"
            )
    newest = max((record.number for record in applied), default=0)
    skipped = [str(migration) for number, migration in known.items() if number < newest]
    if skipped:
        raise ConfigError(
            f"migration {skipped[0]} was never applied to the database, although {newest:04} was; restore "
            "a backup into a new database"
        )
    return tuple(known.values())


def _apply(conn: psycopg.Connection, migration: Migration) -> None:
    recorded, before = _recorded_objects(conn), _objects(conn)
    try:
        conn.execute(migration.sql)
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege):
        raise  # the state of the database, not a fault of the migration
    except (
        psycopg.errors.DuplicateTable,
        psycopg.errors.DuplicateObject,
        psycopg.errors.DuplicateFunction,
    ) as error:
        raise ForeignTablesError(
            f'the database "{conn.info.dbname}" has objects of another program: {_first_line(error)}'
        ) from error
    except psycopg.Error as error:
        raise EtstatsError(f"migration {migration} failed and was rolled back: {_first_line(error)}") from error
    after = _objects(conn)
    record = {
        "number": migration.number,
        "name": migration.name,
        "sha256": migration.sha256,
        # Other programs may have objects in the same schema: they are there before and after.
        "objects": sorted(recorded & after | after - before),
    }
    conn.execute(query("record_migration"), record)


def _objects(conn: psycopg.Connection) -> set[str]:
    return {name for (name,) in conn.execute(query("schema_objects"))}


def _recorded_objects(conn: psycopg.Connection) -> set[str]:
    row = conn.execute(query("recorded_objects")).fetchone()
    return set(row[0]) if row else set()


def _first_line(error: psycopg.Error) -> str:
    return str(error).splitlines()[0]
