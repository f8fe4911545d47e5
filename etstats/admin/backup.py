"""Backups: one verified file a night, kept for some days, and the way back.

A file under its final name has been restored into a scratch database and compared, count by count and hash by
hash.
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
from etstats.admin.audit.rebuild import RebuildPlan, rebuild
from etstats.config.schema import Config
from etstats.db import dump, server_status
from etstats.db.backup_file import Contents, Manifest, open_backup
from etstats.db.connection import BACKUP_LOCK_KEY, RUN_LOCK_KEY, connect, run_lock
from etstats.db.scratch import scratch_base
from etstats.errors import ConfigError
from etstats.pipeline.database import database_url, open_database, timezone_of

_NAME = re.compile(r"etstats-(\d{8}T\d{6}Z)\.zip", re.ASCII)
_STAMP = "%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One verified backup in the folder."""

    path: Path
    made_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup just made: what it holds, what it took, and the old ones that were removed."""

    backup: Backup
    rounds: int
    rows: int
    seconds: float
    removed: tuple[Backup, ...]


class TableChange(NamedTuple):
    """A table that a restore would change: its rows now and in the backup; equal when only contents differ."""

    name: str
    now: int
    then: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePreview:
    """A valid backup, and what restoring it would change."""

    manifest: Manifest
    changes: tuple[TableChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """A database just restored; `kept` is the backup of what was there before, None when it was empty."""

    made_at: datetime
    rounds: int
    rows: int
    kept: Path | None


def folder_of(config: Config) -> Path:
    """Where backups lie."""
    return Path(config.backup.path).expanduser() if config.backup.path else config.data_dir / "backups"


def backups(folder: Path) -> list[Backup]:
    """The backups in the folder, newest first; files of other names are none of ours."""
    found: list[Backup] = []
    if folder.is_dir():
        for path in folder.iterdir():
            made_at = _made_at(path.name)
            if made_at is not None and path.is_file():
                found.append(Backup(path=path, made_at=made_at, size_bytes=path.stat().st_size))
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def _made_at(name: str) -> datetime | None:
    """When the backup of this file name was made; None when it is not the name of one."""
    match = _NAME.fullmatch(name)
    try:
        return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC) if match else None
    except ValueError:  # digits that are no date
        return None


def expired(found: Sequence[Backup], now: datetime, keep_days: int) -> list[Backup]:
    """Those older than that many days; the newest one is never among them."""
    newest = max(found, key=lambda backup: backup.made_at, default=None)
    return [b for b in found if b is not newest and now - b.made_at > timedelta(days=keep_days)]


def make(config: Config, now: datetime) -> Made:
    """Write a backup, prove that it restores, then remove what is too old.

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
    tell: Callable[[str], None] = lambda text: None,
) -> RestoreResult:
    """Make the database what the backup says, in one transaction, after backing up what is there.

    The backup is restored into a scratch database first; BackupError when it is not valid, and nothing changes.
    Rounds that were posted, or when that is not known any more all that ended until now, are not posted again.
    LockedError: a run or a backup is still running after `patience` seconds; `tell` hears that they are waited
    for.
    """
    with ExitStack() as held:
        conn = held.enter_context(open_database(config))
        for key in (RUN_LOCK_KEY, BACKUP_LOCK_KEY):
            held.enter_context(run_lock(conn, key, patience=patience, tell=tell))
        kept = None
        with scratch_base(database_url(config), config.data_dir) as url, connect(url) as scratch:
            manifest = dump.load(scratch, path)
            if manifest.is_unreleased:
                plan = RebuildPlan(gap=config.sessions.gap, zone_of=timezone_of(scratch, config))
                rebuild(scratch, plan)
            if any(table.rows for table in dump.contents(conn)):
                kept = _write(config, _ready(folder_of(config)), now, clear=False)[0].path
            told = server_status.newest_told(conn)
            rows = dump.replace_rows(scratch, conn)
            # What the backup does not know to be posted already must not be posted again.
            server_status.raise_watermarks(conn, told + timedelta(seconds=1) if told else now)
    return RestoreResult(
        made_at=manifest.made_at,
        rounds=next((table.rows for table in rows if table.name == "rounds"), 0),
        rows=sum(table.rows for table in rows),
        kept=kept,
    )


def preview(config: Config, path: Path) -> RestorePreview:
    """Read a whole backup and compare it with the database; BackupError when it is not valid."""
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
        # Tables of another schema have other columns, and so another text.
        if here.rows != there.rows or (here.columns == there.columns and here.sha256 != there.sha256)
    ]
    return RestorePreview(manifest=manifest, changes=tuple(changes))


def _no_rows(name: str) -> Contents:
    return Contents(name=name, columns=(), rows=0, sha256="")


def find(config: Config, name: str) -> Path:
    """The backup meant by `latest`, a path, or a name in the folder; ConfigError when there is none such."""
    found = backups(folder_of(config))
    if name == "latest":
        if not found:
            raise ConfigError(f"there is no backup in {folder_of(config)}; make one with: etstats backup")
        return found[0].path
    given = Path(name).expanduser()
    return next((path for path in (given, folder_of(config) / name) if path.is_file()), given)


def _write(config: Config, folder: Path, now: datetime, *, clear: bool = True) -> tuple[Backup, Manifest]:
    """Write, verify and name one backup; nothing is left behind when it fails. `clear`: see `scratch_base`."""
    while (final := folder / f"etstats-{now.astimezone(UTC):{_STAMP}}.zip").exists():
        now += timedelta(seconds=1)  # never over another one, least of all over the one that is being restored
    partial = final.with_name(final.name + _PARTIAL)
    _remove(folder.glob(f"etstats-*{_PARTIAL}"))  # of killed runs
    url = database_url(config)
    try:
        with connect(url) as conn:
            manifest = dump.write_dump(conn, partial, made_at=now, version=__version__)
        with scratch_base(url, config.data_dir, clear=clear) as scratch_url, connect(scratch_url) as scratch:
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
