"""The door: one file's bytes -> the base, in one transaction, all or nothing.

    parse -> archive -> the neighbourhood made true -> checked -> committed

A file that is not whole, or whose numbers contradict each other, is kept in quarantine with its reason, and the
rest goes on. The same bytes twice change nothing, under whatever name and in whatever order they come.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import perf_counter
from zoneinfo import ZoneInfo

from etstats.db import archive
from etstats.db.archive import ArchivedFile, NewFile
from etstats.db.connection import Connection, database_errors, integrity_errors
from etstats.errors import CheckError, ParseError
from etstats.model import RawRound
from etstats.neighbourhood import Arrival, Memory, find, settle
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from etstats.rules.clock import moment


class Fate(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    REPLACED = "replaced"
    DUPLICATE = "duplicate"
    KNOWN = "known"
    QUARANTINED = "quarantined"
    STILL_QUARANTINED = "still in quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file, and why; `parse_ms` and `store_ms` are what it took."""

    filename: str
    fate: Fate
    reason: str = ""
    parse_ms: float = 0.0
    store_ms: float = 0.0


class Importer:
    """Takes the files of one server, one after the other, over one connection."""

    def __init__(self, conn: Connection, server: str, zone: ZoneInfo, gap: timedelta) -> None:
        self._conn = conn
        self._zone = zone
        self._gap = gap
        self._memory = Memory()
        with database_errors(), conn.transaction():
            self._server_id = archive.add_server(conn, server)

    def add(self, filename: str, content: bytes, mtime: int | None = None) -> Outcome:
        """Store one file; `mtime` is the source's, in seconds UTC. Raises only when the base fails."""
        new = NewFile.of(self._server_id, filename, content, mtime)
        started = perf_counter()
        try:
            raw = parse(filename, content)
        except ParseError as error:
            return self._quarantine(new, error.reason, error.line)
        parsed = perf_counter()
        try:
            with database_errors(), integrity_errors(filename), self._conn.transaction():
                outcome = self._store(new, raw)
        except CheckError as error:
            self._memory = Memory()
            return self._quarantine(new, str(error).removeprefix(f"{filename}: "), 0)
        except BaseException:
            self._memory = Memory()
            raise
        return Outcome(
            filename=filename,
            fate=outcome.fate,
            reason=outcome.reason,
            parse_ms=1000 * (parsed - started),
            store_ms=1000 * (perf_counter() - parsed),
        )

    def _store(self, new: NewFile, raw: RawRound) -> Outcome:
        alike = archive.files_like(self._conn, new)
        same_name = next((f for f in alike if f.filename == new.filename), None)
        if same_name is not None and self._is_known(same_name, new):
            return Outcome(filename=new.filename, fate=Fate.KNOWN)
        if same_name is not None and same_name.success and new.source_size < same_name.source_size:
            reason = f"shrank from {same_name.source_size} to {new.source_size} bytes; the longer one stays"
            archive.reject(self._conn, new, reason, 0)
            return Outcome(filename=new.filename, fate=Fate.QUARANTINED, reason=reason)
        return self._place(new, raw, same_name, [f for f in alike if f is not same_name and f.success])

    def _place(
        self, new: NewFile, raw: RawRound, before: ArchivedFile | None, twins: list[ArchivedFile]
    ) -> Outcome:
        """Store a whole file that is new or changed; `twins` hold the same bytes under other names."""
        arrivals: list[Arrival] = []
        removed: dict[int, datetime] = {}
        earlier = min((f.filename for f in twins), default=None)
        original = next((f for f in twins if f.duplicate_of is None), None)
        counts = earlier is None or new.filename < earlier
        file_id = archive.store(self._conn, new, None if counts or original is None else original.id)
        if before is not None and before.success and before.duplicate_of is None:
            self._release(before, arrivals)
            removed[file_id] = self._ended_at(new.filename, new.source_mtime)
        if counts:
            arrivals.append(self._arrival(file_id, raw, new.source_mtime))
            removed.pop(file_id, None)
            if original is not None:
                archive.link_duplicates(self._conn, self._server_id, new.source_hash, file_id)
                removed[original.id] = self._ended_at(original.filename, original.source_mtime)
        if arrivals or removed:
            there = find(self._conn, self._server_id, self._gap, arrivals, removed)
            settle(self._conn, there, self._read, self._memory)
        if not counts:
            reason = f"the same content as {earlier}, which counts"
            return Outcome(filename=new.filename, fate=Fate.DUPLICATE, reason=reason)
        if original is not None:
            reason = f"{original.filename} has the same content and a later name; it counts no more"
            return Outcome(filename=new.filename, fate=Fate.IMPORTED, reason=reason)
        replaced = before is not None and before.success
        return Outcome(filename=new.filename, fate=Fate.REPLACED if replaced else Fate.IMPORTED)

    def _is_known(self, before: ArchivedFile, new: NewFile) -> bool:
        if before.source_hash != new.source_hash:
            return before.rejected_hash == new.source_hash
        touched = new.source_mtime not in (None, before.source_mtime)
        if before.success and (before.rejected_hash or touched):
            archive.confirm(self._conn, before.id, new.source_mtime)
        return before.success or before.discarded

    def _release(self, before: ArchivedFile, arrivals: list[Arrival]) -> None:
        """The old content of a replaced file may live on under a later name: that one counts now."""
        heir = archive.heir(self._conn, before.id)
        if heir is not None:
            archive.link_duplicates(self._conn, self._server_id, before.source_hash, heir)
            kept = archive.content(self._conn, heir)
            raw = parse(kept.filename, kept.content)
            arrivals.append(self._arrival(heir, raw, kept.source_mtime))

    def _quarantine(self, new: NewFile, reason: str, line: int) -> Outcome:
        with database_errors(), self._conn.transaction():
            before = next((f for f in archive.files_like(self._conn, new) if f.filename == new.filename), None)
            if before is not None and before.success and before.rejected_hash == new.source_hash:
                fate = Fate.STILL_QUARANTINED
            elif before is not None and before.success:
                archive.reject(self._conn, new, reason, line)
                fate = Fate.QUARANTINED
            elif before is not None and before.source_hash == new.source_hash:
                fate = Fate.KNOWN if before.discarded else Fate.STILL_QUARANTINED
            else:
                archive.quarantine(self._conn, new, reason, line)
                fate = Fate.QUARANTINED
        place = f"line {line}: " if line else ""
        return Outcome(filename=new.filename, fate=fate, reason=place + reason)

    def _arrival(self, file_id: int, raw: RawRound, mtime: int | None) -> Arrival:
        return Arrival(file_id=file_id, ended_at=moment(raw.name.stamp, self._zone, mtime), raw=raw)

    def _ended_at(self, filename: str, mtime: int | None) -> datetime:
        name = parse_filename(filename)
        assert name is not None  # noqa: S101  # only round files are ever good
        return moment(name.stamp, self._zone, mtime)

    def _read(self, file_id: int) -> RawRound:
        kept = archive.content(self._conn, file_id)
        return parse(kept.filename, kept.content)
