"""Decide what to do with one file, given its name, its bytes and the rounds around it in the database."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from etstats.db import archive, rounds
from etstats.db.archive import ArchivedFile, NewFile
from etstats.db.connection import Connection
from etstats.domain.rounds import RawRound
from etstats.domain.rules.clock import moment
from etstats.importer.outcome import ImportResult, ImportStatus
from etstats.importer.reconcile import NewRound, Reconciler
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse


@dataclass(slots=True, kw_only=True)
class Parsed:
    """A file on its way through: what it says, or why it says nothing."""

    new: NewFile
    raw: RawRound | None
    reason: str
    line: int | None
    """None: not the parser but the database rejected it."""
    parse_ms: float


class BatchImporter:
    """The database's state of the files of one batch and of the sessions around them, kept up to date."""

    def __init__(
        self, conn: Connection, server_id: int, zone: ZoneInfo, gap: timedelta, batch: list[Parsed]
    ) -> None:
        self._conn = conn
        self._zone = zone
        with conn.transaction():
            alike = archive.files_like(conn, server_id, [parsed.new for parsed in batch])
            self._by_name = {f.filename: f for f in alike}
            self._file_ids = rounds.fresh_ids(conn, "processed_files", len(batch))
            self._neighbourhood = Reconciler(
                server_id,
                gap,
                partial(_read, conn),  # not a method, which would be a reference cycle
                rounds.fresh_ids(conn, "rounds", len(batch)),
                rounds.fresh_ids(conn, "sessions", 1 + len(batch) // 8),
            )
            names = {parsed.new.filename: parsed.new.source_mtime for parsed in batch if parsed.raw is not None}
            names |= {f.filename: f.source_mtime for f in alike if f.success}
            moments = [self._ended_at(name, mtime) for name, mtime in names.items()]
            self._neighbourhood.load(conn, moments)

    def take(self, parsed: Parsed) -> ImportResult:
        """Do what one file asks for, inside the caller's transaction."""
        new, before = parsed.new, self._by_name.get(parsed.new.filename)
        if parsed.raw is None:
            return self._quarantine(new, before, parsed.reason, parsed.line)
        if before is not None and _is_known(before, new):
            if before.success and before.source_hash == new.source_hash and _is_stale(before, new):
                self._confirm(before, new, parsed.raw)
            status = (
                ImportStatus.KNOWN if before.source_hash == new.source_hash else ImportStatus.STILL_QUARANTINED
            )
            return ImportResult(filename=new.filename, status=status)
        if before is not None and before.success and new.source_size < before.source_size:
            reason = f"shrank from {before.source_size} to {new.source_size} bytes; the longer one stays"
            return self._quarantine(new, before, reason, 0)
        return self._place(new, parsed.raw, before)

    def _confirm(self, before: ArchivedFile, new: NewFile, raw: RawRound) -> None:
        """The source shows the good content again: its newest mtime may know better when the round ended."""
        archive.confirm(self._conn, before.id, new.source_mtime)
        mtime = before.source_mtime if new.source_mtime is None else new.source_mtime
        confirmed = replace(before, source_mtime=mtime, rejected_hash=None)
        self._by_name[new.filename] = confirmed
        ended_at = self._ended_at(new.filename, mtime)
        if before.duplicate_of is None and ended_at != self._ended_at(new.filename, before.source_mtime):
            arrival = NewRound(file_id=before.id, ended_at=ended_at, raw=raw)
            rounds.apply(self._conn, self._neighbourhood.reconcile([arrival]))

    def _place(self, new: NewFile, raw: RawRound, before: ArchivedFile | None) -> ImportResult:
        """Archive a whole file that is new or changed, and settle what follows."""
        same_content = [
            f
            for f in self._by_name.values()
            if f.source_hash == new.source_hash and f.success and f.filename != new.filename
        ]
        earliest = min(same_content, key=lambda f: f.filename, default=None)
        original = next((f for f in same_content if f.duplicate_of is None), None)
        counts = earliest is None or new.filename < earliest.filename
        file_id = next(self._file_ids) if before is None else before.id
        duplicate_of = None if counts or original is None else original.id
        archive.store(self._conn, new, file_id, duplicate_of)
        self._by_name[new.filename] = ArchivedFile.of(new, file_id, duplicate_of)
        arrivals: list[NewRound] = []
        removed: list[int] = []
        if before is not None and before.success and before.duplicate_of is None:
            removed.append(file_id)
            arrivals += self._heir(before)
        if counts:
            removed = []
            arrivals.append(
                NewRound(file_id=file_id, ended_at=self._ended_at(new.filename, new.source_mtime), raw=raw)
            )
            if original is not None:
                self._let_count(new.server_id, file_id, new.source_hash)
                removed.append(original.id)
        rounds.apply(self._conn, self._neighbourhood.reconcile(arrivals, removed))
        return _outcome(new, before, earliest if not counts else original, counts=counts)

    def _heir(self, before: ArchivedFile) -> list[NewRound]:
        """The old content of a replaced file may live on under a later name: that one counts now."""
        copies = [f for f in self._by_name.values() if f.duplicate_of == before.id]
        copies += [f for f in archive.duplicates(self._conn, before.id) if f.filename not in self._by_name]
        if not copies:
            return []
        successor = min(copies, key=lambda f: f.filename)
        self._by_name |= {f.filename: f for f in copies}
        kept = archive.content(self._conn, successor.id)
        self._let_count(kept.server_id, successor.id, before.source_hash)
        ended_at = self._ended_at(kept.filename, kept.source_mtime)
        self._neighbourhood.load(self._conn, [ended_at])
        return [NewRound(file_id=successor.id, ended_at=ended_at, raw=parse(kept.filename, kept.content))]

    def _let_count(self, server_id: int, file_id: int, source_hash: str) -> None:
        """Of all files with these bytes this one counts; the others are its duplicates."""
        archive.link_duplicates(self._conn, server_id, source_hash, file_id)
        for name, file in self._by_name.items():
            if file.source_hash == source_hash and file.success:
                self._by_name[name] = replace(file, duplicate_of=None if file.id == file_id else file_id)

    def _quarantine(
        self, new: NewFile, before: ArchivedFile | None, reason: str, line: int | None
    ) -> ImportResult:
        is_same = before is not None and new.source_hash in (before.rejected_hash, before.source_hash)
        if before is not None and before.discarded and is_same:
            return ImportResult(filename=new.filename, status=ImportStatus.KNOWN)
        status = ImportStatus.STILL_QUARANTINED if is_same else ImportStatus.QUARANTINED
        if before is not None and before.success:
            archive.reject(self._conn, new, reason, line)
            self._by_name[new.filename] = replace(before, rejected_hash=new.source_hash, discarded=False)
        else:
            file_id = next(self._file_ids) if before is None else before.id
            archive.quarantine(self._conn, new, file_id, reason, line)
            self._by_name[new.filename] = replace(ArchivedFile.of(new, file_id, None), success=False)
        place = f"line {line}: " if line else ""
        return ImportResult(filename=new.filename, status=status, reason=place + reason)

    def _ended_at(self, filename: str, mtime: int | None) -> datetime:
        name = parse_filename(filename)
        assert name is not None  # noqa: S101  # only round files are ever good
        return moment(name.stamp, self._zone, mtime)


def _read(conn: Connection, file_id: int) -> RawRound:
    kept = archive.content(conn, file_id)
    return parse(kept.filename, kept.content)


def _is_known(before: ArchivedFile, new: NewFile) -> bool:
    """Whether nothing is to be done: the same bytes, good or discarded, or the same bad version again."""
    if before.source_hash == new.source_hash:
        return before.success or before.discarded
    return before.rejected_hash == new.source_hash


def _is_stale(before: ArchivedFile, new: NewFile) -> bool:
    """Return whether to record in the archive that the source has the good content again, or touched it."""
    return before.rejected_hash is not None or new.source_mtime not in (None, before.source_mtime)


def _outcome(
    new: NewFile, before: ArchivedFile | None, original: ArchivedFile | None, *, counts: bool
) -> ImportResult:
    if original is not None and not counts:
        reason = f"the same content as {original.filename}, which counts"
        return ImportResult(filename=new.filename, status=ImportStatus.DUPLICATE, reason=reason)
    reason = f"{original.filename} has the same content and a later name: it counts no more" if original else ""
    status = ImportStatus.REPLACED if before is not None and before.success else ImportStatus.IMPORTED
    return ImportResult(filename=new.filename, status=status, reason=reason)
