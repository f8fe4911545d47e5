"""The door: files' bytes -> the base, each in one transaction of its own, all or nothing.

    parse -> look once for the whole batch -> archive -> settle the neighbourhood -> checked -> committed

The transactions of a batch are sent without waiting for each other's answers. When the base refuses one, what
came after it was not done either, and the batch is gone through again file by file: doing a file twice changes
nothing. A file that is not whole, or whose numbers contradict each other, is kept in quarantine with its reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice, zip_longest
from time import perf_counter
from zoneinfo import ZoneInfo

from etstats.db import archive, rounds
from etstats.db.archive import ArchivedFile, NewFile
from etstats.db.connection import Connection, database_errors, integrity_errors, transactions_in_flight
from etstats.errors import CheckError, ParseError
from etstats.forgetting import Pseudonyms
from etstats.model import RawRound
from etstats.neighbourhood import Arrival, Neighbourhood
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from etstats.rules.clock import moment

BATCH = 100


class Fate(StrEnum):
    """What became of a file; `whole` is for those that were only looked at."""

    WHOLE = "whole"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A file as it comes from its source; `mtime` is the source's, in seconds UTC."""

    filename: str
    content: bytes
    mtime: int | None = None


@dataclass(slots=True, kw_only=True)
class _Parsed:
    """A file on its way through: what it says, or why it says nothing."""

    new: NewFile
    raw: RawRound | None
    reason: str
    line: int | None
    """None: not the parser but the base refused it."""
    parse_ms: float


class Importer:
    """Takes the files of one server over one connection, which it must have for itself."""

    def __init__(self, conn: Connection, server: str, zone: ZoneInfo, gap: timedelta) -> None:
        self._conn = conn
        self._zone = zone
        self._gap = gap
        with database_errors(), conn.transaction():
            self._server_id = archive.add_server(conn, server)
        self.pseudonyms = Pseudonyms(conn)

    def add(self, filename: str, content: bytes, mtime: int | None = None) -> Outcome:
        """Store one file. Raises only when the base fails."""
        return next(self.add_all([Incoming(filename=filename, content=content, mtime=mtime)]))

    def add_all(self, files: Iterable[Incoming]) -> Iterator[Outcome]:
        """Store files in the order given, which is quickest in time order; yields what became of each.

        What was yielded is committed. Memory holds two batches: while the base works on one, the next is read.
        """
        left = map(self._parse, files)
        batch = list(islice(left, BATCH))
        while batch:
            tried: list[Outcome] = []
            ahead: list[_Parsed] = []
            try:
                outcomes = self._store(batch, tried, partial(_move, left, ahead))
            except CheckError:
                again = [self._store_alone(parsed) for parsed in batch]
                # What the first try had stored is known by now; what it was then is what is told.
                outcomes = [
                    first if first is not None and now.fate is Fate.KNOWN else now
                    for now, first in zip_longest(again, tried)
                ]
            yield from outcomes
            batch = ahead or list(islice(left, BATCH))

    def _parse(self, file: Incoming) -> _Parsed:
        started = perf_counter()
        raw, reason, line = None, "", 0
        content = self.pseudonyms.applied(file.content)
        try:
            raw = parse(file.filename, content)
        except ParseError as error:
            reason, line = error.reason, error.line
        # The source's hash and size are of what it has; the archive holds nobody who was forgotten.
        new = replace(NewFile.of(self._server_id, file.filename, file.content, file.mtime), content=content)
        return _Parsed(new=new, raw=raw, reason=reason, line=line, parse_ms=1000 * (perf_counter() - started))

    def _store_alone(self, parsed: _Parsed) -> Outcome:
        try:
            return self._store([parsed], [])[0]
        except CheckError as error:
            reason = str(error).removeprefix(f"{parsed.new.filename}: ")
            return self._store([replace(parsed, raw=None, reason=reason, line=None)], [])[0]

    def _store(
        self, batch: list[_Parsed], outcomes: list[Outcome], read_on: Callable[[], None] = lambda: None
    ) -> list[Outcome]:
        """Store a batch, each file in its transaction; CheckError when the base refused one of them.

        `outcomes` hears of each file as it is sent, before the base has agreed. `read_on` is called while the
        base works on what was sent.
        """
        started = perf_counter()
        with database_errors(), integrity_errors(batch[0].new.filename if len(batch) == 1 else "a file"):
            desk = _Desk(self._conn, self._server_id, self._zone, self._gap, batch)
            with transactions_in_flight(self._conn) as transaction:
                for parsed in batch:
                    with transaction():
                        outcomes.append(desk.take(parsed))
                read_on()
        each = 1000 * (perf_counter() - started) / len(batch)
        return [replace(o, parse_ms=p.parse_ms, store_ms=each) for o, p in zip(outcomes, batch, strict=True)]


def _move(left: Iterator[_Parsed], ahead: list[_Parsed]) -> None:
    ahead.extend(islice(left, BATCH))


class _Desk:
    """What the base knows of the files of one batch and of the evenings around them, kept in step."""

    def __init__(
        self, conn: Connection, server_id: int, zone: ZoneInfo, gap: timedelta, batch: list[_Parsed]
    ) -> None:
        self._conn = conn
        self._zone = zone
        with conn.transaction():
            alike = archive.files_like(conn, server_id, [parsed.new for parsed in batch])
            self._by_name = {f.filename: f for f in alike}
            self._file_ids = rounds.fresh_ids(conn, "processed_files", len(batch))
            self._neighbourhood = Neighbourhood(
                server_id,
                gap,
                self._read,
                rounds.fresh_ids(conn, "rounds", len(batch)),
                rounds.fresh_ids(conn, "sessions", 1 + len(batch) // 8),
            )
            names = {parsed.new.filename: parsed.new.source_mtime for parsed in batch if parsed.raw is not None}
            names |= {f.filename: f.source_mtime for f in alike if f.success}
            moments = [self._ended_at(name, mtime) for name, mtime in names.items()]
            self._neighbourhood.load(conn, moments)

    def take(self, parsed: _Parsed) -> Outcome:
        """Do what one file asks for, inside the caller's transaction."""
        new, before = parsed.new, self._by_name.get(parsed.new.filename)
        if parsed.raw is None:
            return self._quarantine(new, before, parsed.reason, parsed.line)
        if before is not None and _is_known(before, new):
            if before.success and before.source_hash == new.source_hash and _is_stale(before, new):
                self._confirm(before, new, parsed.raw)
            fate = Fate.KNOWN if before.source_hash == new.source_hash else Fate.STILL_QUARANTINED
            return Outcome(filename=new.filename, fate=fate)
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
            arrival = Arrival(file_id=before.id, ended_at=ended_at, raw=raw)
            rounds.apply(self._conn, self._neighbourhood.settle([arrival]))

    def _place(self, new: NewFile, raw: RawRound, before: ArchivedFile | None) -> Outcome:
        """Archive a whole file that is new or changed, and settle what follows."""
        twins = [
            f
            for f in self._by_name.values()
            if f.source_hash == new.source_hash and f.success and f.filename != new.filename
        ]
        earliest = min(twins, key=lambda f: f.filename, default=None)
        original = next((f for f in twins if f.duplicate_of is None), None)
        counts = earliest is None or new.filename < earliest.filename
        file_id = next(self._file_ids) if before is None else before.id
        duplicate_of = None if counts or original is None else original.id
        archive.store(self._conn, new, file_id, duplicate_of)
        self._by_name[new.filename] = ArchivedFile.of(new, file_id, duplicate_of)
        arrivals: list[Arrival] = []
        removed: list[int] = []
        if before is not None and before.success and before.duplicate_of is None:
            removed.append(file_id)
            arrivals += self._heir(before)
        if counts:
            removed = []
            arrivals.append(Arrival(file_id=file_id, ended_at=self._ended_at_of(new), raw=raw))
            if original is not None:
                self._let_count(new.server_id, file_id, new.source_hash)
                removed.append(original.id)
        rounds.apply(self._conn, self._neighbourhood.settle(arrivals, removed))
        return _outcome(new, before, earliest if not counts else original, counts=counts)

    def _heir(self, before: ArchivedFile) -> list[Arrival]:
        """The old content of a replaced file may live on under a later name: that one counts now."""
        heirs = [f for f in self._by_name.values() if f.duplicate_of == before.id]
        heirs += [f for f in archive.duplicates(self._conn, before.id) if f.filename not in self._by_name]
        if not heirs:
            return []
        heir = min(heirs, key=lambda f: f.filename)
        self._by_name |= {f.filename: f for f in heirs}
        kept = archive.content(self._conn, heir.id)
        self._let_count(kept.server_id, heir.id, before.source_hash)
        ended_at = self._ended_at(kept.filename, kept.source_mtime)
        self._neighbourhood.load(self._conn, [ended_at])
        return [Arrival(file_id=heir.id, ended_at=ended_at, raw=parse(kept.filename, kept.content))]

    def _let_count(self, server_id: int, file_id: int, source_hash: str) -> None:
        """Of all files with these bytes this one counts; the others are its duplicates."""
        archive.link_duplicates(self._conn, server_id, source_hash, file_id)
        for name, file in self._by_name.items():
            if file.source_hash == source_hash and file.success:
                self._by_name[name] = replace(file, duplicate_of=None if file.id == file_id else file_id)

    def _quarantine(self, new: NewFile, before: ArchivedFile | None, reason: str, line: int | None) -> Outcome:
        is_same = before is not None and new.source_hash in (before.rejected_hash, before.source_hash)
        if before is not None and before.discarded and is_same:
            return Outcome(filename=new.filename, fate=Fate.KNOWN)
        fate = Fate.STILL_QUARANTINED if is_same else Fate.QUARANTINED
        if before is not None and before.success:
            archive.reject(self._conn, new, reason, line)
            self._by_name[new.filename] = replace(before, rejected_hash=new.source_hash, discarded=False)
        else:
            archive.quarantine(self._conn, new, reason, line)
        place = f"line {line}: " if line else ""
        return Outcome(filename=new.filename, fate=fate, reason=place + reason)

    def _ended_at_of(self, new: NewFile) -> datetime:
        return self._ended_at(new.filename, new.source_mtime)

    def _ended_at(self, filename: str, mtime: int | None) -> datetime:
        name = parse_filename(filename)
        assert name is not None  # noqa: S101  # only round files are ever good
        return moment(name.stamp, self._zone, mtime)

    def _read(self, file_id: int) -> RawRound:
        kept = archive.content(self._conn, file_id)
        return parse(kept.filename, kept.content)


def _is_known(before: ArchivedFile, new: NewFile) -> bool:
    """Whether nothing is to be done: the same bytes, good or discarded, or the same bad version again."""
    if before.source_hash == new.source_hash:
        return before.success or before.discarded
    return before.rejected_hash == new.source_hash


def _is_stale(before: ArchivedFile, new: NewFile) -> bool:
    """Whether the archive must be told that the source shows the good content again, or touched it."""
    return before.rejected_hash is not None or new.source_mtime not in (None, before.source_mtime)


def _outcome(new: NewFile, before: ArchivedFile | None, twin: ArchivedFile | None, *, counts: bool) -> Outcome:
    if twin is not None and not counts:
        reason = f"the same content as {twin.filename}, which counts"
        return Outcome(filename=new.filename, fate=Fate.DUPLICATE, reason=reason)
    reason = f"{twin.filename} has the same content and a later name: it counts no more" if twin else ""
    fate = Fate.REPLACED if before is not None and before.success else Fate.IMPORTED
    return Outcome(filename=new.filename, fate=fate, reason=reason)
