"""Import one batch of files: decide the status of each file, archive it and reconcile the rounds around it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from etstats.db import archive, rounds
from etstats.db.archive import FileVersion
from etstats.db.connection import Connection
from etstats.db.series import naming_rules
from etstats.domain.files import Incoming, StoredFile
from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.domain.rounds import RawRound
from etstats.domain.rules.clock import MISDATED, moment
from etstats.domain.rules.pairing import LONGEST_BREAK
from etstats.importer.changed_rounds import FileChanges, NewIds, NewRound
from etstats.importer.reconcile import reconcile
from etstats.importer.round_window import MissingContentError, MissingRoundsError, RoundWindow
from etstats.importer.window_loader import load
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse

_MARGIN = timedelta(
    hours=2
)  # loaded beyond the range of a change, because a partner depends on its own neighbours


@dataclass(slots=True, kw_only=True)
class Parsed:
    """A file with its parsed content, or the reason why it is rejected."""

    new: Incoming
    raw: RawRound | None
    reason: str
    line: int | None
    """None: rejected by the database instead of the parser."""
    parse_ms: float


class BatchImporter:
    """Imports a batch group by group; keeps the stored state of its files and of the rounds around them."""

    def __init__(
        self,
        conn: Connection,
        server_id: int,
        zone: ZoneInfo,
        gap: timedelta,
        *,
        batch: list[Parsed],
        window: RoundWindow,
    ) -> None:
        self._conn = conn
        self._server_id = server_id
        self._zone = zone
        self._gap = gap
        self._window = window
        # The changes of one group: written together after its last file was decided.
        self._to_archive: dict[str, FileVersion] = {}
        self._added: dict[int, NewRound] = {}
        self._removed: set[int] = set()
        with conn.transaction():
            alike = archive.files_like(conn, server_id, [parsed.new for parsed in batch])
            self._by_name = {file.filename: file for file in alike}
            hashes = Counter(
                [*(parsed.new.source_hash for parsed in batch), *(file.source_hash for file in alike)]
            )
            self._shared_hashes = {source_hash for source_hash, count in hashes.items() if count > 1}
            for parsed in batch:
                parsed.new = self._with_possible_time(parsed.new)
            self._file_ids = rounds.fresh_ids(conn, "processed_files", len(batch))
            few = 1 + len(batch) // 8
            self._ids = NewIds(
                rounds.fresh_ids(conn, "rounds", len(batch)),
                rounds.fresh_ids(conn, "sessions", few),
                rounds.fresh_ids(conn, "series", few),
            )
            names = {parsed.new.filename: parsed.new.mtime for parsed in batch if parsed.raw is not None}
            names |= {file.filename: file.source_mtime for file in alike if file.success}
            moments = [self._ended_at(name, mtime) for name, mtime in names.items()]
            reach = max(gap, LONGEST_BREAK) + _MARGIN
            window.keep(moments, reach)
            window.use_rules(naming_rules(conn, server_id))
            load(conn, window, server_id, moments, reach)

    def _with_possible_time(self, new: Incoming) -> Incoming:
        """Replace an mtime in the future (wrong clock) by the stored mtime, or by now for a new file."""
        now = time.time()
        if new.mtime is None or new.mtime <= now + MISDATED.total_seconds():
            return new
        before = self._by_name.get(new.filename)
        return new._replace(mtime=int(now) if before is None else before.source_mtime)

    def process(self, group: Sequence[Parsed]) -> list[ImportResult]:
        """Import a group of files in order, inside the caller's transaction; return a result for each."""
        results = [self._decide(parsed) for parsed in group]
        self._archive()
        self._reconcile()
        return results

    def _decide(self, parsed: Parsed) -> ImportResult:
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
            reason = f"shrank from {before.source_size} to {new.source_size} bytes; the longer version is kept"
            return self._quarantine(new, before, reason, 0)
        return self._store(new, parsed.raw, before)

    def _confirm(self, before: StoredFile, new: Incoming, raw: RawRound) -> None:
        """Store the newest mtime of known content, which may change the time when the round ended."""
        self._archive()
        archive.confirm(self._conn, before.id, new.mtime)
        mtime = before.source_mtime if new.mtime is None else new.mtime
        self._by_name[new.filename] = before._replace(source_mtime=mtime, rejected_hash=None)
        ended_at = self._ended_at(new.filename, mtime)
        if before.duplicate_of is None and ended_at != self._ended_at(new.filename, before.source_mtime):
            self._add_round(before.id, ended_at, raw)

    def _store(self, new: Incoming, raw: RawRound, before: StoredFile | None) -> ImportResult:
        """Archive a new or changed valid file; its round counts unless an earlier name has the same bytes."""
        same_content = [
            file
            for file in (self._by_name.values() if new.source_hash in self._shared_hashes else ())
            if file.source_hash == new.source_hash and file.success and file.filename != new.filename
        ]
        earliest = min(same_content, key=lambda file: file.filename, default=None)
        original = next((file for file in same_content if file.duplicate_of is None), None)
        counts = earliest is None or new.filename < earliest.filename
        file_id = next(self._file_ids) if before is None else before.id
        duplicate_of = None if counts or original is None else original.id
        self._add_version(FileVersion(new, file_id, duplicate_of))
        self._by_name[new.filename] = _stored(new, file_id, duplicate_of)
        if before is not None and before.success and before.duplicate_of is None:
            self._remove_round(file_id)
            self._promote_duplicate(before)
        if counts:
            self._add_round(file_id, self._ended_at(new.filename, new.mtime), raw)
            if original is not None:
                self._mark_canonical(file_id, new.source_hash)
                self._remove_round(original.id)
        return _outcome(new, before, earliest if not counts else original, counts=counts)

    def _promote_duplicate(self, before: StoredFile) -> None:
        """After a file was replaced, make the earliest other name with its old content the counted one."""
        self._archive()
        copies = [file for file in self._by_name.values() if file.duplicate_of == before.id]
        copies += [
            duplicate
            for duplicate in archive.duplicates(self._conn, before.id)
            if duplicate.filename not in self._by_name
        ]
        if not copies:
            return
        successor = min(copies, key=lambda file: file.filename)
        self._by_name |= {file.filename: file for file in copies}
        self._mark_canonical(successor.id, before.source_hash)
        ended_at = self._ended_at(successor.filename, successor.source_mtime)
        self._add_round(successor.id, ended_at, self._read(successor.id))

    def _mark_canonical(self, file_id: int, source_hash: str) -> None:
        """Make one of the files with these bytes the counted one; the others become its duplicates."""
        self._archive()
        archive.link_duplicates(self._conn, self._server_id, source_hash, file_id)
        for name, file in self._by_name.items():
            if file.source_hash == source_hash and file.success:
                self._by_name[name] = file._replace(duplicate_of=None if file.id == file_id else file_id)

    def _add_version(self, version: FileVersion) -> None:
        if version.new.filename in self._to_archive:
            self._archive()
        self._to_archive[version.new.filename] = version

    def _archive(self) -> None:
        """Write the queued file versions; called before any other access to the archive."""
        if self._to_archive:
            archive.store_files(self._conn, self._server_id, list(self._to_archive.values()))
            self._to_archive.clear()

    def _add_round(self, file_id: int, ended_at: datetime, raw: RawRound) -> None:
        self._added[file_id] = NewRound(file_id=file_id, ended_at=ended_at, raw=raw)
        self._removed.discard(file_id)

    def _remove_round(self, file_id: int) -> None:
        self._added.pop(file_id, None)
        self._removed.add(file_id)

    def _reconcile(self) -> None:
        """Write the consequences of the added and removed rounds of a group."""
        if not self._added and not self._removed:
            return
        changes = FileChanges(
            server_id=self._server_id,
            gap=self._gap,
            ids=self._ids,
            added=list(self._added.values()),
            removed=self._removed,
        )
        reach = max(self._gap, LONGEST_BREAK) + _MARGIN
        while True:
            try:
                decided = reconcile(self._window, changes)
            except MissingRoundsError as missing:
                steps = range(-(-(missing.end - missing.start) // reach) + 1)
                moments = [missing.start + step * reach for step in steps]
                load(self._conn, self._window, self._server_id, moments, reach)
            except MissingContentError as missing:
                self._window.contents |= {file_id: self._read(file_id) for file_id in missing.file_ids}
            else:
                break
        rounds.apply(self._conn, decided)
        self._window.apply(decided)
        self._window.contents |= {new.file_id: new.raw for new in changes.added}
        self._added.clear()
        self._removed.clear()

    def _read(self, file_id: int) -> RawRound:
        kept = archive.content(self._conn, file_id)
        return parse(kept.filename, kept.content)

    def _quarantine(self, new: Incoming, before: StoredFile | None, reason: str, line: int | None) -> ImportResult:
        is_same = before is not None and new.source_hash in (before.rejected_hash, before.source_hash)
        if before is not None and before.discarded and is_same:
            return ImportResult(filename=new.filename, status=ImportStatus.KNOWN)
        status = ImportStatus.STILL_QUARANTINED if is_same else ImportStatus.QUARANTINED
        if before is not None and before.success:
            self._archive()
            archive.reject(self._conn, self._server_id, new, reason, line)
            self._by_name[new.filename] = before._replace(rejected_hash=new.source_hash, discarded=False)
        else:
            file_id = next(self._file_ids) if before is None else before.id
            self._add_version(FileVersion(new, file_id, reason=reason, line=line))
            self._by_name[new.filename] = _stored(new, file_id, None)._replace(success=False)
        place = f"line {line}: " if line else ""
        return ImportResult(filename=new.filename, status=status, reason=place + reason)

    def _ended_at(self, filename: str, mtime: int | None) -> datetime:
        name = parse_filename(filename)
        assert name is not None  # noqa: S101  # only round files are parsed
        return moment(name.stamp, self._zone, mtime)


def _stored(new: Incoming, file_id: int, duplicate_of: int | None) -> StoredFile:
    """Return the row of a valid file after it was stored."""
    return StoredFile(
        id=file_id,
        filename=new.filename,
        source_hash=new.source_hash,
        source_size=new.source_size,
        source_mtime=new.mtime,
        success=True,
        discarded=False,
        duplicate_of=duplicate_of,
        rejected_hash=None,
    )


def _is_known(before: StoredFile, new: Incoming) -> bool:
    """Return whether a file needs no work: the same bytes, valid or discarded, or the same rejected version."""
    if before.source_hash == new.source_hash:
        return before.success or before.discarded
    return before.rejected_hash == new.source_hash


def _is_stale(before: StoredFile, new: Incoming) -> bool:
    """Return whether the archive row needs an update: a rejected version is gone, or the mtime changed."""
    return before.rejected_hash is not None or new.mtime not in (None, before.source_mtime)


def _outcome(
    new: Incoming, before: StoredFile | None, original: StoredFile | None, *, counts: bool
) -> ImportResult:
    if original is not None and not counts:
        reason = f"the same content as {original.filename}, which counts"
        return ImportResult(filename=new.filename, status=ImportStatus.DUPLICATE, reason=reason)
    reason = f"{original.filename} has the same content and a later name: it no longer counts" if original else ""
    status = ImportStatus.REPLACED if before is not None and before.success else ImportStatus.IMPORTED
    return ImportResult(filename=new.filename, status=status, reason=reason)
