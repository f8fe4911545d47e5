"""Import files' bytes into the database, each in its own transaction, all or nothing.

    parse -> read once for the whole batch -> archive -> reconcile the rounds around it -> check -> commit

The transactions of a batch are sent without waiting for each other's answers. When the database refuses one, what
came after it was not done either, and the batch is gone through again file by file: doing a file twice changes
nothing. A file that is not whole, or whose numbers contradict each other, is kept in quarantine with its reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import islice, zip_longest
from time import perf_counter
from zoneinfo import ZoneInfo

from etstats.db import archive
from etstats.db.archive import NewFile
from etstats.db.connection import Connection, database_errors, integrity_errors, transactions_in_flight
from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.errors import CheckError, ParseError
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.batch import BatchImporter, Parsed
from etstats.importer.outcome import ImportResult, ImportStatus
from etstats.parser.reader import parse, too_large

__all__ = ["ImportResult", "ImportStatus", "Importer", "Incoming"]

_BATCH = 300
_MANY = 1_000  # new files after which the planner's statistics are refreshed


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A file as it comes from its source; `mtime` is the source's, in seconds UTC.

    Of a file larger than any round `content` may be the head alone; then `hash` (SHA-256, hex) and `size` are of
    the whole file.
    """

    filename: str
    content: bytes
    mtime: int | None = None
    hash: str | None = None
    size: int | None = None


class Importer:
    """Takes the files of one server over one connection, which it must have for itself."""

    def __init__(self, conn: Connection, server: str, zone: ZoneInfo, gap: timedelta) -> None:
        self._conn = conn
        self._zone = zone
        self._gap = gap
        with database_errors(), conn.transaction():
            self._server_id = archive.add_server(conn, server, zone.key)
        self.pseudonyms = Pseudonyms(conn)
        self._unplanned = 0

    def add(self, filename: str, content: bytes, mtime: int | None = None) -> ImportResult:
        """Store one file. Raises only when the database fails."""
        return next(self.add_all([Incoming(filename=filename, content=content, mtime=mtime)]))

    def add_all(self, files: Iterable[Incoming]) -> Iterator[ImportResult]:
        """Store files in the order given, which is quickest in time order; yields what became of each.

        What was yielded is committed. Memory holds two batches: while the database works on one file, one of
        the next batch is read.
        """
        parsed = map(self._parse, files)
        batch = list(islice(parsed, _BATCH))
        while batch:
            tried: list[ImportResult] = []
            ahead: list[Parsed] = []
            try:
                outcomes = self._store(batch, tried, partial(_read_one, parsed, ahead))
            except CheckError:
                again = [self._store_alone(one) for one in batch]
                # What the first try stored is already known now; return its first result.
                outcomes = [
                    first if first is not None and now.status is ImportStatus.KNOWN else now
                    for now, first in zip_longest(again, tried)
                ]
            self._unplanned += sum(o.status is ImportStatus.IMPORTED for o in outcomes)
            yield from outcomes
            batch = ahead or list(islice(parsed, _BATCH))
        if self._unplanned >= _MANY:
            # Until then the planner takes the tables for empty, and a question for all time may take minutes.
            with database_errors(), self._conn.transaction():
                archive.analyze(self._conn)
            self._unplanned = 0

    def _parse(self, file: Incoming) -> Parsed:
        started = perf_counter()
        raw, reason, line = None, "", 0
        # The source's hash and size are of what it has; the archive holds nobody who was forgotten.
        size = len(file.content) if file.size is None else file.size
        is_round = size <= MAX_ROUND_BYTES
        content = self.pseudonyms.applied(file.content if is_round else file.content[:HEAD_BYTES])
        try:
            if not is_round:
                raise ParseError(file.filename, 0, too_large(size))
            raw = parse(file.filename, content)
        except ParseError as error:
            reason, line = error.reason, error.line
        new = NewFile(
            server_id=self._server_id,
            filename=file.filename,
            content=content,
            source_mtime=file.mtime,
            source_hash=file.hash or archive.hash_of(file.content),
            source_size=size,
        )
        return Parsed(new=new, raw=raw, reason=reason, line=line, parse_ms=1000 * (perf_counter() - started))

    def _store_alone(self, parsed: Parsed) -> ImportResult:
        try:
            return self._store([parsed], [])[0]
        except CheckError as error:
            reason = str(error).removeprefix(f"{parsed.new.filename}: ")
            return self._store([replace(parsed, raw=None, reason=reason, line=None)], [])[0]

    def _store(
        self, batch: list[Parsed], outcomes: list[ImportResult], read_next: Callable[[], None] = lambda: None
    ) -> list[ImportResult]:
        """Store a batch, each file in its transaction; CheckError when the database rejected one of them.

        `outcomes` receives each file as it is sent, before the database has confirmed it. `read_next` is called
        after each, while the database works on what was sent.
        """
        started = perf_counter()
        with database_errors(), integrity_errors(batch[0].new.filename if len(batch) == 1 else "a file"):
            importer = BatchImporter(self._conn, self._server_id, self._zone, self._gap, batch)
            with transactions_in_flight(self._conn) as transaction:
                for parsed in batch:
                    with transaction():
                        outcomes.append(importer.take(parsed))
                    read_next()
        each = 1000 * (perf_counter() - started) / len(batch)
        return [replace(o, parse_ms=p.parse_ms, store_ms=each) for o, p in zip(outcomes, batch, strict=True)]


def _read_one(parsed: Iterator[Parsed], ahead: list[Parsed]) -> None:
    ahead.extend(islice(parsed, 1))
