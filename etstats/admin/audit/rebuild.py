"""Everything derived again from the archive: the files in order, session by session, in one transaction.

    archive in order -> sessions -> parsed again -> settled as a whole -> checked -> all committed at once

Readers see the old numbers until the end, and keep them when it is interrupted. A session here is a stretch of
files that no pairing and no gaming session, old or new, reaches out of; one of them is in memory at a time.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from etstats.admin.audit.comparison import is_same
from etstats.db import rebuilding, rounds
from etstats.db.connection import Connection, database_errors, integrity_errors
from etstats.db.rebuilding import ArchivedFileRef, FileVerdict, WholeRound
from etstats.db.rounds import DerivedRound
from etstats.domain.rounds import RawRound
from etstats.domain.rules.clock import moment
from etstats.domain.rules.pairing import LONGEST_GAP
from etstats.domain.text import pluralize
from etstats.errors import CheckError, EtstatsError, ParseError
from etstats.importer.reconcile import NewRound, Reconciler
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse

_IDS_AT_ONCE = 100
Seen = Callable[[int, int], None]
"""Hears how many files of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildPlan:
    """What is to be derived again: the rounds of some days (server clock, both inclusive), or all.

    `gap` is the longest one inside a gaming session, `zone_of` gives the clock of a server by its name.
    """

    gap: timedelta
    zone_of: Callable[[str], ZoneInfo]
    first: date | None = None
    last: date | None = None

    @property
    def is_everything(self) -> bool:
        """True when no day is left out."""
        return self.first is None and self.last is None

    def holds(self, day: date) -> bool:
        """Whether a day is one of those."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltSession:
    """A closed stretch of one server's files: those that count, and what all of them turned out to be."""

    server_id: int
    server: str
    files: list[ArchivedFileRef]
    stored: dict[int, WholeRound]
    lineups: dict[int, dict[str, int]]
    arrivals: list[NewRound]
    verdicts: dict[int, FileVerdict]

    @property
    def changed(self) -> list[FileVerdict]:
        """The verdicts that are not what the archive holds already."""
        before = {f.id: f for f in self.files}
        return [
            v
            for v in self.verdicts.values()
            if before[v.file_id].success != (v.reason is None) or before[v.file_id].duplicate_of != v.duplicate_of
        ]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild came to; owns the exit code."""

    rounds: int = 0
    written: int = 0
    """How many of them were not stored as they were derived."""
    quarantined: dict[str, str] = field(default_factory=dict)
    """File name -> reason, of those that counted before."""

    @property
    def exit_code(self) -> int:
        """3 when a file that counted before does so no more."""
        return 3 if self.quarantined else 0

    def __str__(self) -> str:
        """One line."""
        bad = f", {len(self.quarantined):,} quarantined" if self.quarantined else ""
        return f"{pluralize(self.rounds, 'round')} derived again, {self.written:,} of them changed{bad}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What the writing of each session needs."""

    conn: Connection
    gap: timedelta
    round_ids: Iterator[int]
    session_ids: Iterator[int]
    result: Rebuilt

    def reconciler(self, server_id: int) -> Reconciler:
        """A neighbourhood of which nothing is known yet."""
        return Reconciler(server_id, self.gap, never_read, self.round_ids, self.session_ids)


def rebuild(conn: Connection, plan: RebuildPlan, seen: Seen = lambda _done, _total: None) -> Rebuilt:
    """Derive again and store, in one transaction; a round keeps its id. No other run may be running.

    Files whose numbers the database refuses are rare: only then everything is done once more, step by step.
    """
    try:
        with integrity_errors("the archive"), _all_or_nothing(conn), conn.pipeline():
            return _rebuild(conn, plan, seen, _write)
    except CheckError:
        with integrity_errors("the archive"), _all_or_nothing(conn):
            return _rebuild(conn, plan, seen, _write_what_is_taken)


@contextmanager
def _all_or_nothing(conn: Connection) -> Iterator[None]:
    with database_errors(), conn.transaction(), rebuilding.aliases_counted_once(conn):
        yield


def _rebuild(
    conn: Connection, plan: RebuildPlan, seen: Seen, write: Callable[[_Job, RebuiltSession], None]
) -> Rebuilt:
    round_ids, session_ids = (rounds.fresh_ids(conn, table, _IDS_AT_ONCE) for table in ("rounds", "sessions"))
    job = _Job(conn=conn, gap=plan.gap, round_ids=round_ids, session_ids=session_ids, result=Rebuilt())
    for session in read_again(conn, plan, seen, with_refused=True):
        write(job, session)
    return job.result


def read_again(conn: Connection, plan: RebuildPlan, seen: Seen, *, with_refused: bool) -> Iterator[RebuiltSession]:
    """Read the archive session by session, as an import of all its files in order would.

    `with_refused`: the files too that only the database would not have, for those who will ask it again.
    """
    total, done = rebuilding.count_files(conn), 0
    for server_id, server in rebuilding.servers(conn):
        zone = plan.zone_of(server)
        counting: dict[str, int] = {}
        files = rebuilding.files_in_order(conn, server_id)
        wanted = []
        for group in sessions_of(files, zone, max(plan.gap, LONGEST_GAP)):
            if any(plan.holds(_stamp(f).date()) for f in group):
                wanted.append(group)
            else:
                counting |= {f.twin_hash: f.id for f in group if f.twin_hash and _counts(f)}
                done += len(group)
        for group, stored in _asked_ahead(conn, wanted):
            asked = group if with_refused else [f for f in group if not f.refused]
            arrivals, verdicts = _read(asked, stored.contents(), zone, counting)
            yield RebuiltSession(
                server_id=server_id,
                server=server,
                files=group,
                stored=stored.rounds(),
                lineups=stored.lineups(),
                arrivals=arrivals,
                verdicts=verdicts,
            )
            done += len(group)
            seen(done, total)
    seen(total, total)


def _asked_ahead(
    conn: Connection, groups: Iterable[list[ArchivedFileRef]]
) -> Iterator[tuple[list[ArchivedFileRef], rebuilding.Stored]]:
    """Each stretch with what is stored of it, which was asked for before the one before was given out."""
    before = None
    for group in groups:
        asked = (group, rebuilding.Stored(conn, group))
        if before is not None:
            yield before
        before = asked
    if before is not None:
        yield before


def sessions_of(
    files: Iterable[ArchivedFileRef], zone: ZoneInfo, reach: timedelta
) -> Iterator[list[ArchivedFileRef]]:
    """Cut files, given by name, where nothing behind the cut can reach what is before it.

    Names follow the server's clock, which goes back once a year: what counts is the latest end so far against the
    earliest that can still come. A stored gaming session is never cut. What is not a round file is left out.
    """
    group: list[ArchivedFileRef] = []
    latest: datetime | None = None
    held_to = ""
    for file in files:
        name = parse_filename(file.filename)
        if name is None:
            continue
        earliest = min(name.stamp.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if latest is not None and earliest - latest > reach and file.filename > held_to:
            yield group
            group, latest = [], None
        ended_at = moment(name.stamp, zone, file.source_mtime)
        group.append(file)
        latest = ended_at if latest is None else max(latest, ended_at)
        held_to = max(held_to, file.session_end or "")
    if group:
        yield group


def _read(
    files: list[ArchivedFileRef], contents: dict[int, bytes], zone: ZoneInfo, counting: dict[str, int]
) -> tuple[list[NewRound], dict[int, FileVerdict]]:
    """Parse files again; of several with the same content the first name counts, here or in an earlier session."""
    arrivals: list[NewRound] = []
    verdicts: dict[int, FileVerdict] = {}
    for file in files:
        if file.is_cut or file.id not in contents:
            continue
        try:
            raw = parse(file.filename, contents[file.id])
        except ParseError as error:
            verdicts[file.id] = FileVerdict(file_id=file.id, reason=error.reason, line=error.line)
            continue
        original = counting.setdefault(file.twin_hash, file.id) if file.twin_hash else file.id
        verdicts[file.id] = FileVerdict(file_id=file.id, duplicate_of=None if original == file.id else original)
        if original == file.id:
            ended_at = moment(raw.name.stamp, zone, file.source_mtime)
            arrivals.append(NewRound(file_id=file.id, ended_at=ended_at, raw=raw))
    return arrivals, verdicts


def _write(job: _Job, session: RebuiltSession) -> None:
    """Store one session whole; asks nothing back."""
    if changed := session.changed:
        rebuilding.judge(job.conn, changed)
    there = job.reconciler(session.server_id)
    there.hold((whole.place for whole in session.stored.values()), session.lineups)
    counting = {a.file_id for a in session.arrivals}
    changes = there.reconcile(session.arrivals, [f.id for f in session.files if f.id not in counting])
    # What is stored as it was derived is left alone: the same result, and nothing for the database to clear away.
    differing = [p for p in changes.written if not _is_stored(session, p)]
    rounds.apply(job.conn, replace(changes, written=differing))
    rebuilding.check_constraints(job.conn)
    job.result.rounds += len(changes.written)
    job.result.written += len(differing)
    job.result.quarantined |= {
        f.filename: reason
        for f in session.files
        if f.success and f.id in session.verdicts and (reason := session.verdicts[f.id].reason) is not None
    }


def _write_what_is_taken(job: _Job, session: RebuiltSession) -> None:
    """Store one session without the files that the database refuses even when they stand alone."""
    verdicts = dict(session.verdicts)
    with job.conn.transaction(force_rollback=True):
        rebuilding.drop_rounds(job.conn, [f.id for f in session.files])
        for arrival in session.arrivals:
            filename = arrival.raw.name.filename
            try:
                with integrity_errors(filename), job.conn.transaction(force_rollback=True):
                    rounds.apply(job.conn, job.reconciler(session.server_id).reconcile([arrival]))
            except CheckError as error:
                reason = str(error).removeprefix(f"{filename}: ")
                verdicts[arrival.file_id] = FileVerdict(file_id=arrival.file_id, reason=reason)
    taken = [a for a in session.arrivals if verdicts[a.file_id].reason is None]
    _write(job, replace(session, arrivals=taken, verdicts=verdicts))


def _is_stored(session: RebuiltSession, placed: DerivedRound) -> bool:
    stored = session.stored.get(placed.file_id)
    return stored is not None and is_same(stored, placed)


def _counts(file: ArchivedFileRef) -> bool:
    return file.success and file.duplicate_of is None


def _stamp(file: ArchivedFileRef) -> datetime:
    name = parse_filename(file.filename)
    assert name is not None  # noqa: S101  # `evenings` leaves the others out
    return name.stamp


def never_read(file_id: int) -> RawRound:
    """In place of reading a file back from the archive: a session holds all of its files."""
    raise EtstatsError(f"File {file_id} was to be read twice; every file of the session is there already.")
