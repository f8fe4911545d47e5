"""Derive all rows again from the archive: the files in order, session by session, in one transaction.

    archive in order -> sessions -> parse -> reconcile -> check -> one commit

Readers see the old rows until the commit; an interrupted rebuild changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from etstats.admin.audit.archived_sessions import Progress, RebuildPlan, RebuiltSession, read_again
from etstats.admin.audit.comparison import is_same
from etstats.db import corrections, rebuilding, rounds, sealing
from etstats.db.connection import Connection, integrity_errors
from etstats.db.rebuilding import FileVerdict
from etstats.db.rounds import DerivedRound
from etstats.domain.text import pluralize
from etstats.errors import CheckError
from etstats.importer.changed_rounds import NewIds
from etstats.stats import ratings

_IDS_AT_ONCE = 100


@dataclass(slots=True)
class Rebuilt:
    """Result of a rebuild, with the exit code."""

    rounds: int = 0
    written: int = 0
    """Number of rounds whose stored rows differed."""
    quarantined: dict[str, str] = field(default_factory=dict)
    """File name -> reason, for files that counted before."""

    @property
    def exit_code(self) -> int:
        """Return 3 if a file that counted before is now quarantined, else 0."""
        return 3 if self.quarantined else 0

    def __str__(self) -> str:
        """One line."""
        bad = f", {len(self.quarantined):,} quarantined" if self.quarantined else ""
        return f"{pluralize(self.rounds, 'round')} derived again, {self.written:,} of them changed{bad}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """Shared state for writing sessions."""

    conn: Connection
    gap: timedelta
    ids: NewIds
    result: Rebuilt


def rebuild(conn: Connection, plan: RebuildPlan, progress: Progress = lambda _done, _total: None) -> Rebuilt:
    """Derive and store all rows in one transaction; rounds keep their ids. No other run may be active.

    If the database rejects a file (rare), the rebuild is repeated session by session. Ratings and sealed periods
    are updated in separate transactions afterwards.
    """
    try:
        with integrity_errors("the archive"), _all_or_nothing(conn), conn.pipeline():
            result = _rebuild(conn, plan, progress, _write)
    except CheckError:
        with integrity_errors("the archive"), _all_or_nothing(conn):
            result = _rebuild(conn, plan, progress, _write_what_is_taken)
    if plan.is_everything:
        with conn.transaction():
            ratings.rate_again(conn)
            sealing.unseal_all(conn)
    sealing.seal(conn)
    return result


@contextmanager
def _all_or_nothing(conn: Connection) -> Iterator[None]:
    with conn.transaction(), rebuilding.aliases_counted_once(conn):
        rebuilding.replace_impossible_times(conn)
        yield


def _rebuild(
    conn: Connection, plan: RebuildPlan, progress: Progress, write: Callable[[_Job, RebuiltSession], None]
) -> Rebuilt:
    corrections.store_identities(conn, corrections.state(conn).rows())
    ids = NewIds(*(rounds.fresh_ids(conn, table, _IDS_AT_ONCE) for table in ("rounds", "sessions", "series")))
    job = _Job(conn=conn, gap=plan.gap, ids=ids, result=Rebuilt())
    for session in read_again(conn, plan, progress, with_refused=True):
        write(job, session)
    return job.result


def _write(job: _Job, session: RebuiltSession) -> None:
    """Store one session completely, without queries."""
    if changed := session.changed:
        rebuilding.store_verdicts(job.conn, changed)
    changes = session.reconcile(job.gap, job.ids)
    # Equal rows are not written, which avoids dead rows.
    differing = [written for written in changes.written if not _is_stored(session, written)]
    rounds.apply(job.conn, replace(changes, written=differing))
    rebuilding.check_constraints(job.conn)
    job.result.rounds += len(changes.written)
    job.result.written += len(differing)
    job.result.quarantined |= {
        file.filename: reason
        for file in session.files
        if file.success
        and file.id in session.verdicts
        and (reason := session.verdicts[file.id].reason) is not None
    }


def _write_what_is_taken(job: _Job, session: RebuiltSession) -> None:
    """Store one session without the files that the database rejects even alone."""
    verdicts = dict(session.verdicts)
    with job.conn.transaction(force_rollback=True):
        rebuilding.drop_rounds(job.conn, [file.id for file in session.files])
        for new in session.added:
            filename = new.raw.name.filename
            try:
                with integrity_errors(filename), job.conn.transaction(force_rollback=True):
                    alone = replace(session, stored={}, series=[], session_teams={}, added=[new])
                    rounds.apply(job.conn, alone.reconcile(job.gap, job.ids))
            except CheckError as error:
                reason = str(error).removeprefix(f"{filename}: ")
                verdicts[new.file_id] = FileVerdict(file_id=new.file_id, reason=reason)
    taken = [new for new in session.added if verdicts[new.file_id].reason is None]
    _write(job, replace(session, added=taken, verdicts=verdicts))


def _is_stored(session: RebuiltSession, placed: DerivedRound) -> bool:
    stored = session.stored.get(placed.file_id)
    return stored is not None and is_same(stored, placed)
