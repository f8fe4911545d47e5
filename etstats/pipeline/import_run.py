"""Import local files and folders, with the same checks as sync."""

import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from time import monotonic

from etstats.config.schema import Config
from etstats.db import sealing
from etstats.db.locks import collecting_lock
from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.domain.value_formats import check_server_name
from etstats.errors import ConfigError, EtstatsError, ParseError
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.importer import Importer, Incoming
from etstats.parser.filename import is_companion, parse_filename, refusal_of
from etstats.parser.reader import parse, too_large
from etstats.pipeline import anonymized_copies, server_names
from etstats.pipeline.database import open_database, stopwatch_hints, store_settings, timezone_of
from etstats.pipeline.report import SILENT, Progress, Report, import_files
from etstats.pipeline.site_update import mark_outdated, update_site
from etstats.sync.source import shown_name

DEFAULT_SERVER = "main"
_FIRST_FILES = 50  # used to recognize a renamed server


def import_paths(
    config: Config,
    paths: Iterable[Path],
    *,
    server: str | None = None,
    limit: int | None = None,
    patience: float = 0.0,
    progress: Progress = SILENT,
) -> Report:
    """Import local files and folders, oldest first.

    Raises LockedError if another run imports files of this server for longer than `patience` seconds.
    """
    name = server_name(config, server)
    report, began = Report(), monotonic()
    files = _round_files(paths, report)[:limit]
    progress.files_expected(len(files))
    with (
        open_database(config) as conn,
        collecting_lock(conn, [name], patience=patience, on_wait=progress.waiting_for_lock),
    ):
        anonymized_copies.update_copies(Pseudonyms(conn), config.copies_root)
        first = [_read(path) for path in files[:_FIRST_FILES]]
        hashes = {file.source_hash for file in first}
        if former := server_names.recognize(conn, config, name, hashes):
            report.renamed[name] = former
        elif hint := server_names.duplicates_hint(conn, name, hashes):
            report.hints.append(hint)
        if files:
            mark_outdated(config)
        importer = Importer(conn, name, timezone_of(conn, config)(name), config.sessions.gap)
        store_settings(conn, config)
        import_files(
            importer, name, chain(first, map(_read, files[_FIRST_FILES:])), report=report, progress=progress
        )
        report.hints += stopwatch_hints(conn, config).values()
        sealing.seal_some(conn, monotonic() - began)
    if files and config.site.path is not None:
        try:
            update_site(config)
        except EtstatsError as error:
            report.errors.append(error)
    return report


def similar_server(config: Config, name: str) -> str | None:
    """Return the known server that a new name resembles; None for a known name, a configured one, or another."""
    if name in {server.name for server in config.servers}:
        return None
    with open_database(config) as conn:
        return server_names.similar_server(conn, config, name)


def check(paths: Iterable[Path], *, limit: int | None = None) -> Report:
    """Parse and check local files and folders; uses no database."""
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
    """Return the server of imported files: the given name, else the only configured server, else `main`.

    Raises InvalidValueError for a name that is not valid in the settings either.
    """
    if given is not None:
        check_server_name(given)
        return given
    if len(config.servers) > 1:
        return config.server(None).name
    return config.servers[0].name if config.servers else DEFAULT_SERVER


def _round_files(paths: Iterable[Path], report: Report) -> list[Path]:
    """Return the round files among the paths and in the folders; ConfigError if another file is given.

    Other files that the game server writes are skipped, so that `import FOLDER/*` works.
    """
    found: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                inside = list(_walk(path))
                rounds = [entry for entry in inside if parse_filename(entry.name)]
                others = [entry.name for entry in inside if not parse_filename(entry.name)]
                report.skipped["name"] += len(others)
                report.refuse_names(
                    {shown_name(name): reason for name in sorted(others) if (reason := refusal_of(name))}
                )
                found += rounds
            elif path.is_file():
                if parse_filename(path.name):
                    found.append(path)
                elif is_companion(path.name):
                    report.skipped["name"] += 1
                else:
                    reason = (
                        refusal_of(path.name) or "expected a name such as 2025-10-02-232818-supply-round-1.txt"
                    )
                    raise ConfigError(f"{path}: not a round file; {reason}{_nearest(path)}")
            elif path.exists():
                raise ConfigError(f"{path}: not a regular file or folder")
            else:
                raise ConfigError(f"{path}: no such file or folder{_nearest(path)}")
        except OSError as error:
            raise ConfigError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    return sorted(found, key=lambda path: path.name)


def _nearest(path: Path) -> str:
    """Return a "Did you mean" hint with the most similar name in the same folder, or an empty string."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_dir() or parse_filename(entry.name)]
    except OSError:
        return ""
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return f". Did you mean {path.parent / nearest[0]}?" if nearest else ""


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder; links to folders are not followed, to avoid loops."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        elif entry.is_file():
            yield entry


def _read(path: Path) -> Incoming:
    """Read a file; for one larger than any round, keep only its head and its hash."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content, size, sha256 = file.read(MAX_ROUND_BYTES + 1), None, None
            if len(content) > MAX_ROUND_BYTES:
                file.seek(0)
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                content, size = content[:HEAD_BYTES], file.seek(0, os.SEEK_END)
        return Incoming(filename=path.name, content=content, mtime=int(found.st_mtime), hash=sha256, size=size)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
