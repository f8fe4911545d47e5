"""Files and folders of this machine, with the same checks as those from a game server."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from etstats.config.schema import Config
from etstats.db.connection import collecting_lock
from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.errors import ConfigError, EtstatsError, ParseError
from etstats.importer import anonymize
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.importer import Importer, Incoming
from etstats.importer.outcome import ImportResult, ImportStatus
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse, too_large
from etstats.pipeline.database import open_database, timezone_of
from etstats.pipeline.report import SILENT, Report, Watcher, take_in
from etstats.pipeline.site_update import update_site

DEFAULT_SERVER = "main"


def import_paths(
    config: Config,
    paths: Iterable[Path],
    *,
    server: str | None = None,
    limit: int | None = None,
    watcher: Watcher = SILENT,
) -> Report:
    """Import files and folders of this machine, oldest first, each in a transaction of its own."""
    name = server_name(config, server)
    report = Report()
    files = _round_files(paths, report)[:limit]
    watcher.coming(len(files))
    with open_database(config) as conn, collecting_lock(conn, [name]):
        anonymize.update_copies(Pseudonyms(conn), config.copies_root)
        importer = Importer(conn, name, timezone_of(conn, config)(name), config.sessions.gap)
        take_in(importer, name, map(_read, files), report=report, watcher=watcher)
    if files and config.site.path is not None:
        try:
            update_site(config)
        except EtstatsError as error:
            report.errors.append(error)
    return report


def check(paths: Iterable[Path], *, limit: int | None = None) -> Report:
    """Parse and check files and folders of this machine without a database."""
    report = Report()
    for path in _round_files(paths, report)[:limit]:
        file = _read(path)
        try:
            if file.hash is not None:
                raise ParseError(file.filename, 0, too_large(file.size or 0))
            parse(file.filename, file.content)
            report.add(ImportResult(filename=path.name, status=ImportStatus.WHOLE))
        except ParseError as error:
            place = f"line {error.line}: " if error.line else ""
            report.add(
                ImportResult(filename=path.name, status=ImportStatus.QUARANTINED, reason=place + error.reason)
            )
    return report


def server_name(config: Config, given: str | None) -> str:
    """Whose files these are: as given, else the only server configured, else `main`."""
    if given is not None:
        return given
    if len(config.servers) > 1:
        return config.server(None).name
    return config.servers[0].name if config.servers else DEFAULT_SERVER


def _round_files(paths: Iterable[Path], report: Report) -> list[Path]:
    """The round files named, or in the folders named; a file named outright is taken whatever its name."""
    found: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                inside = list(_walk(path))
                rounds = [p for p in inside if parse_filename(p.name)]
                report.skipped["name"] += len(inside) - len(rounds)
                found += rounds
            elif path.is_file():
                found.append(path)
            elif path.exists():
                raise ConfigError(f"{path}: not a regular file or folder")
            else:
                raise ConfigError(f"{path}: no such file or folder")
        except OSError as error:
            raise ConfigError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    return sorted(found, key=lambda path: path.name)


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below a folder; links to folders are not followed, so that none is walked twice."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        elif entry.is_file():
            yield entry


def _read(path: Path) -> Incoming:
    """Read a file, of one larger than any round only its head and its hash."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content, size, sha256 = file.read(MAX_ROUND_BYTES + 1), None, None
            if len(content) > MAX_ROUND_BYTES:
                file.seek(0)
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                content, size = content[:HEAD_BYTES], file.tell()
        return Incoming(filename=path.name, content=content, mtime=int(found.st_mtime), hash=sha256, size=size)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
