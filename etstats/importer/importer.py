"""Import files into the database, in transactions of several files.

    parse -> load the window of the batch -> archive -> reconcile the rounds around a group -> check -> commit

The transactions of a batch are sent without waiting for answers. If the database rejects one, the later ones fail
too; the batch is then repeated group by group, and the rejected group file by file, because importing a file twice
changes nothing. An incomplete or inconsistent file is stored in quarantine with the reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice, zip_longest
from time import perf_counter
from zoneinfo import ZoneInfo

from etstats.db import archive
from etstats.db.connection import Connection, integrity_errors, transactions_in_flight
from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES, Incoming
from etstats.domain.import_result import ImportResult, ImportStatus
from etstats.errors import CheckError, ParseError
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.batch import BatchImporter, Parsed
from etstats.importer.round_window import RoundWindow
from etstats.parser.reader import parse, too_large

__all__ = ["GROUP", "ImportResult", "ImportStatus", "Importer", "Incoming"]

_BATCH = 304
GROUP = 16
"""Files per transaction: more are hardly faster, and a kill rolls back all of them."""
_MANY = 1_000  # new files after which ANALYZE runs


class Importer:
    """Imports the files of one server; nothing else may use its connection meanwhile."""

    def __init__(self, conn: Connection, server: str, zone: ZoneInfo, gap: timedelta) -> None:
        self._conn = conn
        self._zone = zone
        self._gap = gap
        with conn.transaction():
            self._server_id = archive.add_server(conn, server, zone.key)
        self.pseudonyms = Pseudonyms(conn)
        self._unplanned = 0
        self._window = RoundWindow()  # reused by the batches of a run

    def add(self, filename: str, content: bytes, mtime: int | None = None) -> ImportResult:
        """Import one file; raises only database errors."""
        return next(self.add_all([Incoming(filename=filename, content=content, mtime=mtime)]))

    def add_all(self, files: Iterable[Incoming]) -> Iterator[ImportResult]:
        """Import files in the given order (time order is fastest); yield the result of each after its commit.

        Memory holds two batches: while the database works on one, the next is read.
        """
        parsed = map(self._parse, files)
        self._window = RoundWindow()
        batch = list(islice(parsed, _BATCH))
        while batch:
            tried: list[ImportResult] = []
            ahead: list[Parsed] = []
            try:
                outcomes = self._store(batch, tried, partial(_read_one, parsed, ahead))
            except CheckError:
                self._window = RoundWindow()  # it contains rolled back changes
                again = self._store_again(batch)
                # A file stored in the first attempt is KNOWN in the second: return its first result.
                outcomes = [
                    first if first is not None and now.status is ImportStatus.KNOWN else now
                    for now, first in zip_longest(again, tried)
                ]
            self._unplanned += sum(outcome.status is ImportStatus.IMPORTED for outcome in outcomes)
            yield from outcomes
            batch = ahead or list(islice(parsed, _BATCH))
        if self._unplanned >= _MANY:
            # Without statistics the planner assumes empty tables, and large queries may take minutes.
            with self._conn.transaction():
                archive.analyze(self._conn)
            self._unplanned = 0

    def _parse(self, file: Incoming) -> Parsed:
        started = perf_counter()
        raw, reason, line = None, "", 0
        # Hash and size are of the source's bytes; the archived content is anonymized.
        is_round = file.source_size <= MAX_ROUND_BYTES
        content = self.pseudonyms.applied(file.content if is_round else file.content[:HEAD_BYTES])
        new = file._replace(content=content, hash=file.source_hash, size=file.source_size)
        try:
            if not is_round:
                raise ParseError(file.filename, 0, too_large(file.source_size))
            raw = parse(file.filename, content)
        except ParseError as error:
            reason, line = error.reason, error.line
        return Parsed(new=new, raw=raw, reason=reason, line=line, parse_ms=1000 * (perf_counter() - started))

    def _store_again(self, batch: list[Parsed]) -> list[ImportResult]:
        """Repeat a batch after the database rejected a group; import only that group file by file."""
        results: list[ImportResult] = []
        for group in _groups(batch):
            try:
                results += self._store(group, [])
            except CheckError:
                self._window = RoundWindow()
                results += [self._store_alone(parsed) for parsed in group]
        return results

    def _store_alone(self, parsed: Parsed) -> ImportResult:
        try:
            return self._store([parsed], [])[0]
        except CheckError as error:
            self._window = RoundWindow()
            reason = str(error).removeprefix(f"{parsed.new.filename}: ")
            return self._store([replace(parsed, raw=None, reason=reason, line=None)], [])[0]

    def _store(
        self, batch: list[Parsed], outcomes: list[ImportResult], read_next: Callable[[], None] = lambda: None
    ) -> list[ImportResult]:
        """Store a batch, each group in its own transaction; raises CheckError if the database rejects one.

        The results of each group are appended to `outcomes` when it is sent, before the database confirms it.
        `read_next` is called once per file while the database works.
        """
        started = perf_counter()
        with integrity_errors(batch[0].new.filename if len(batch) == 1 else "a file"):
            importer = BatchImporter(
                self._conn, self._server_id, self._zone, self._gap, batch=batch, window=self._window
            )
            with transactions_in_flight(self._conn) as transaction:
                for group in _groups(batch):
                    with transaction():
                        outcomes += importer.process(group)
                    for _ in group:
                        read_next()
        each = 1000 * (perf_counter() - started) / len(batch)
        return [
            replace(outcome, parse_ms=parsed.parse_ms, store_ms=each)
            for outcome, parsed in zip(outcomes, batch, strict=True)
        ]


def _groups(batch: list[Parsed]) -> Iterator[list[Parsed]]:
    for start in range(0, len(batch), GROUP):
        yield batch[start : start + GROUP]


def _read_one(parsed: Iterator[Parsed], ahead: list[Parsed]) -> None:
    ahead.extend(islice(parsed, 1))
