"""Write, verify, list and restore backups.

A file with its final name has been verified: restored into a scratch database and compared by counts and hashes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from etstats import __version__
from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.config.schema import Config
from etstats.db import dump, sealing, server_status
from etstats.db.backup_file import Contents, Manifest, open_backup
from etstats.db.connection import connect, database_errors
from etstats.db.locks import BACKUP_LOCK_KEY, RUN_LOCK_KEY, run_lock
from etstats.db.scratch import scratch_database
from etstats.errors import ConfigError
from etstats.pipeline.database import database_url, open_database, timezone_of

_BEFORE_RESTORE = "-before-restore"
_NAME = re.compile(rf"etstats-(\d{{8}}T\d{{6}}Z)({_BEFORE_RESTORE})?\.zip", re.ASCII)
_STAMP = "%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial"
TOMORROW = timedelta(days=1)
"""A backup dated further in the future than this was made with a wrong clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One verified backup in the folder."""

    path: Path
    made_at: datetime
    size_bytes: int

    @property
    def is_before_restore(self) -> bool:
        """Return whether a restore made it before replacing the database."""
        return self.path.stem.endswith(_BEFORE_RESTORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Result of a backup: the file, its contents, the duration, and the removed old backups."""

    backup: Backup
    rounds: int
    rows: int
    seconds: float
    removed: tuple[Backup, ...]


class TableChange(NamedTuple):
    """A table that a restore would change: rows now and in the backup; equal if only values differ."""

    name: str
    now: int
    then: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePreview:
    """A valid backup, and the changes of a restore."""

    manifest: Manifest
    changes: tuple[TableChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """Result of a restore; `kept` is the backup of the previous database, None if it was empty."""

    made_at: datetime
    rounds: int
    rows: int
    kept: Path | None


def folder_of(config: Config) -> Path:
    """Return the backup folder."""
    return Path(config.backup.path).expanduser() if config.backup.path else config.data_dir / "backups"


def backups(folder: Path) -> list[Backup]:
    """Return the backups in the folder, newest first; other file names are ignored."""
    found: list[Backup] = []
    if folder.is_dir():
        for path in folder.iterdir():
            made_at = _made_at(path.name)
            if made_at is not None and path.is_file():
                found.append(Backup(path=path, made_at=made_at, size_bytes=path.stat().st_size))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def _made_at(name: str) -> datetime | None:
    """Return the time in the name of a backup; None if it is not such a name."""
    match = _NAME.fullmatch(name)
    try:
        return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC) if match else None
    except ValueError:  # not a valid date
        return None


def newest(found: Sequence[Backup], now: datetime) -> Backup | None:
    """Return the newest backup that was not made by a restore or with a clock far ahead of `now`.

    If all were made by restores, the newest of these; None if there is none up to `now`.
    """
    made = [backup for backup in found if backup.made_at <= now + TOMORROW]
    return next((backup for backup in made if not backup.is_before_restore), made[0] if made else None)


def expired(found: Sequence[Backup], now: datetime, keep_days: int) -> list[Backup]:
    """Return the backups older than `keep_days`, but never the newest one, see `newest`.

    With three or more, the age is measured from one day after the second newest, so that a run with a wrong clock
    removes none.
    """
    made = sorted(
        (backup for backup in found if backup.made_at <= now), key=lambda backup: backup.made_at, reverse=True
    )
    if len(made) < 2:
        return []
    until = min(now, made[1].made_at + timedelta(days=1)) if len(made) > 2 else now
    kept = newest(made, now)
    return [backup for backup in made if backup != kept and until - backup.made_at > timedelta(days=keep_days)]


def restorable(config: Config, now: datetime, *, moved: bool) -> Backup | None:
    """Return the newest backup if nothing was ever imported, or after a move to a database of older imports."""
    found = newest(backups(folder_of(config)), now)
    if found is None:
        return None
    with open_database(config) as conn:
        last = server_status.health_facts(conn).last_import
    return found if last is None or (moved and last < found.made_at) else None


def make(config: Config, now: datetime) -> Made:
    """Write a backup, verify it by a restore, then remove expired ones.

    LockedError: another backup is being made. TemporaryError: no space.
    """
    started = perf_counter()
    folder = _ready(folder_of(config))
    with open_database(config) as conn, run_lock(conn, BACKUP_LOCK_KEY):
        backup, manifest = _write(config, folder, now)
    removed = expired(backups(folder), now, config.backup.keep_days)
    for old in removed:
        old.path.unlink(missing_ok=True)
    return Made(
        backup=backup,
        rounds=manifest.rows_of("rounds"),
        rows=manifest.rows,
        seconds=perf_counter() - started,
        removed=tuple(removed),
    )


def restore(
    config: Config,
    path: Path,
    now: datetime,
    *,
    patience: float = 0.0,
    on_wait: Callable[[str], None] = lambda text: None,
) -> RestoreResult:
    """Replace the database with a backup in one transaction, after a backup of the current one.

    The backup is first restored into a scratch database; BackupError if it is not valid, without changes. Posted
    rounds are not posted again; if the record of posts is lost, this applies to all rounds that ended until now.
    LockedError: a run or a backup is still running after `patience` seconds; `on_wait` is called when it waits
    for.
    """
    with ExitStack() as stack:
        conn = stack.enter_context(open_database(config))
        for key in (RUN_LOCK_KEY, BACKUP_LOCK_KEY):
            stack.enter_context(run_lock(conn, key, patience=patience, on_wait=on_wait))
        kept = None
        with (
            scratch_database(database_url(config), config.data_dir) as url,
            database_errors(),
            connect(url) as scratch,
        ):
            manifest = dump.load(scratch, path)
            if manifest.is_unreleased:
                plan = RebuildPlan(gap=config.sessions.gap, zone_of=timezone_of(scratch, config))
                rebuild(scratch, plan)
            if any(table.rows for table in dump.contents(conn)):
                kept = _write(config, _ready(folder_of(config)), now, is_before_restore=True)[0].path
            newest_posted = server_status.newest_posted_round(conn)
            rows = dump.replace_rows(scratch, conn)
            # Posts that are newer than the backup must not be sent again.
            server_status.raise_watermarks(conn, newest_posted + timedelta(seconds=1) if newest_posted else now)
            sealing.seal(conn)
    return RestoreResult(
        made_at=manifest.made_at,
        rounds=next((table.rows for table in rows if table.name == "rounds"), 0),
        rows=sum(table.rows for table in rows),
        kept=kept,
    )


def preview(config: Config, path: Path) -> RestorePreview:
    """Read a backup and compare it with the database; BackupError if it is not valid."""
    with open_backup(path) as backup:
        backup.verify()
        manifest = backup.manifest
    with open_database(config) as conn:
        now = {table.name: table for table in dump.contents(conn)}
    then = {table.name: table for table in manifest.tables}
    changes = [
        TableChange(name=name, now=here.rows, then=there.rows)
        for name in sorted(now.keys() | then.keys())
        for here, there in [(now.get(name, _no_rows(name)), then.get(name, _no_rows(name)))]
        # Tables of another schema version have other columns, so their text differs.
        if here.rows != there.rows or (here.columns == there.columns and here.sha256 != there.sha256)
    ]
    return RestorePreview(manifest=manifest, changes=tuple(changes))


def _no_rows(name: str) -> Contents:
    return Contents(name=name, columns=(), rows=0, sha256="")


def find(config: Config, name: str, now: datetime) -> Path:
    """Return the backup given by `latest`, a path, or a name in the folder; ConfigError if there is none.

    `latest` ignores backups made by a restore: after a killed restore it is still the backup to restore.
    """
    found = backups(folder_of(config))
    if name == "latest":
        if not found:
            raise ConfigError(f"there is no backup in {folder_of(config)}; create one with: etstats backup")
        return (newest(found, now) or found[0]).path
    given = Path(name).expanduser()
    return next((path for path in (given, folder_of(config) / name) if path.is_file()), given)


def _write(
    config: Config, folder: Path, now: datetime, *, is_before_restore: bool = False
) -> tuple[Backup, Manifest]:
    """Write, verify and name one backup; remove it if this fails."""
    suffix = _BEFORE_RESTORE if is_before_restore else ""
    while (final := folder / f"etstats-{now.astimezone(UTC):{_STAMP}}{suffix}.zip").exists():
        now += timedelta(seconds=1)  # never overwrite another one, such as the one that is being restored
    partial = final.with_name(final.name + _PARTIAL)
    _remove(folder.glob(f"etstats-*{_PARTIAL}"))  # of killed runs
    url = database_url(config)
    try:
        with database_errors(), connect(url) as conn:
            manifest = dump.write_dump(conn, partial, made_at=now, version=__version__)
        clear = not is_before_restore  # a restore is using another scratch database
        with (
            scratch_database(url, config.data_dir, clear=clear) as scratch_url,
            database_errors(),
            connect(scratch_url) as scratch,
        ):
            dump.load(scratch, partial)
        partial.replace(final)
    finally:
        _remove([partial])
    return Backup(path=final, made_at=now, size_bytes=final.stat().st_size), manifest


def _ready(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the backup folder {folder} cannot be made: {error.strerror}; set [backup] path"
        ) from error
    return folder


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
