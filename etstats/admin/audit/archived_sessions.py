"""Read the archive session by session, as an import of all files in order would see it.

A session here is a sequence of files with all their matches and gaming sessions, old and new; one is in memory at
a time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import compress
from operator import attrgetter
from zoneinfo import ZoneInfo

from etstats.db import rebuilding
from etstats.db.connection import Connection
from etstats.db.rebuilding import ArchivedFileRef, FileVerdict, WholeRound
from etstats.db.rounds import RoundChanges
from etstats.db.series import StoredSeries, naming_rules
from etstats.domain.rounds import RawRound
from etstats.domain.rules.clock import moment
from etstats.domain.rules.pairing import LONGEST_BREAK, LONGEST_GAP, Pairing, RoundIndex, RoundKey
from etstats.domain.rules.series import NamingRules
from etstats.errors import ParseError
from etstats.importer.changed_rounds import FileChanges, NewIds, NewRound, key_of_new
from etstats.importer.reconcile import reconcile
from etstats.importer.round_window import RoundWindow
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from etstats.parser.rounds import holds

_filename = attrgetter("filename")
Progress = Callable[[int, int], None]
"""Progress callback: (files done, all files)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildPlan:
    """The rounds to derive again: of a range of days (server time, both inclusive), or all.

    `gap` is the maximum gap inside a gaming session, `zone_of` returns the time zone of a server by name.
    """

    gap: timedelta
    zone_of: Callable[[str], ZoneInfo]
    first: date | None = None
    last: date | None = None

    @property
    def is_everything(self) -> bool:
        """Return whether all days are included."""
        return self.first is None and self.last is None

    def holds(self, day: date) -> bool:
        """Return whether a day is included."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltSession:
    """Files of one server with all their matches and sessions: those that count, and the result of each.

    `alone`: the rounds without a partner, by name and by player lines.
    """

    server_id: int
    server: str
    files: list[ArchivedFileRef]
    stored: dict[int, WholeRound]
    series: list[StoredSeries]
    session_teams: dict[int, dict[str, int]]
    rules: NamingRules
    added: list[NewRound]
    verdicts: dict[int, FileVerdict]
    alone: dict[RoundKey, RawRound]

    def reconcile(self, gap: timedelta, ids: NewIds, *, is_empty: bool = False) -> RoundChanges:
        """Derive the changes of the stored rows from the files; `is_empty`: assume an empty database."""
        window = RoundWindow(is_complete=True, rules=self.rules)
        if not is_empty:
            window.add((whole.place for whole in self.stored.values()), self.series, self.session_teams)
        changes = FileChanges(
            server_id=self.server_id,
            gap=gap,
            ids=ids,
            added=self.added,
            removed=self.stored.keys() - {new.file_id for new in self.added},
        )
        return reconcile(window, changes)

    @property
    def end(self) -> datetime:
        """Return the end of its last round, or the minimum if it has none."""
        return max((new.ended_at for new in self.added), default=datetime.min.replace(tzinfo=UTC))

    @property
    def changed(self) -> list[FileVerdict]:
        """Return the results that differ from those in the archive table."""
        before = {file.id: file for file in self.files}
        return [
            verdict
            for verdict in self.verdicts.values()
            if before[verdict.file_id].success != (verdict.reason is None)
            or before[verdict.file_id].duplicate_of != verdict.duplicate_of
        ]


def read_again(
    conn: Connection, plan: RebuildPlan, progress: Progress, *, with_refused: bool
) -> Iterator[RebuiltSession]:
    """Yield the sessions of the archive, as an import of all files in order would produce them.

    `with_refused`: include files that the database rejected, to try them again.
    """
    total, done = rebuilding.count_files(conn), 0
    for server_id, server in rebuilding.servers(conn):
        zone = plan.zone_of(server)
        counting: dict[str, int] = {}
        rules = naming_rules(conn, server_id)
        files = rebuilding.files_in_order(conn, server_id)
        groups = list(sessions_of(files, zone, max(plan.gap, LONGEST_GAP)))
        wanted = _wanted(groups, plan)
        for group, is_wanted in zip(groups, wanted, strict=True):
            if not is_wanted:
                counting |= {file.shared_hash: file.id for file in group if file.shared_hash and _counts(file)}
                done += len(group)
        read: list[RebuiltSession] = []
        for group, stored in _asked_ahead(conn, compress(groups, wanted)):
            asked = group if with_refused else [file for file in group if not file.refused]
            added, verdicts = _read(asked, stored.contents(), zone, counting)
            read.append(
                RebuiltSession(
                    server_id=server_id,
                    server=server,
                    files=group,
                    stored=stored.rounds(),
                    series=stored.series(),
                    session_teams=stored.session_teams(),
                    rules=rules,
                    added=added,
                    verdicts=verdicts,
                    alone=_alone(added) if rules.stopwatch else {},
                )
            )
            for session in _ready(read):
                yield session
                done += len(session.files)
                progress(done, total)
        for session in read:
            yield session
            done += len(session.files)
            progress(done, total)
    progress(total, total)


def _wanted(groups: Sequence[list[ArchivedFileRef]], plan: RebuildPlan) -> list[bool]:
    """Return for each group whether to derive it again: planned days, and groups that a match may reach."""
    if plan.is_everything:
        return [True] * len(groups)
    reach = LONGEST_BREAK + timedelta(hours=1)  # stamps can be wrong by an hour at the end of daylight saving time
    days = [[_stamp(file) for file in group] for group in groups]
    own = [any(plan.holds(stamp.date()) for stamp in stamps) for stamps in days]
    times = [
        (min(stamps) - reach, max(stamps) + reach) for stamps, is_own in zip(days, own, strict=True) if is_own
    ]
    return [any(start <= max(stamps) and min(stamps) <= end for start, end in times) for stamps in days]


def _ready(waiting: list[RebuiltSession]) -> Iterator[RebuiltSession]:
    """Remove and return the complete sessions; merge those that share a match with the last one.

    Matches are found here by player lines. Files between the rounds of a match belong to its session.
    """
    last = waiting.pop()
    start = min((new.ended_at for new in last.added), default=None)
    while start is not None and waiting and waiting[0].end < start - LONGEST_BREAK:
        yield waiting.pop(0)
    first = next((index for index, earlier in enumerate(waiting) if _has_match(earlier, last)), len(waiting))
    waiting[first:] = [_joined([*waiting[first:], last])]


def _has_match(earlier: RebuiltSession, later: RebuiltSession) -> bool:
    """Return whether a round 2 of one session includes a round 1 of the other, both without a partner."""
    if not later.rules.stopwatch:
        return _goes_on(earlier, later)
    alone = {key: raw for session in (earlier, later) for key, raw in session.alone.items()}
    index = RoundIndex(later.alone)
    return any(
        holds(*((alone[key], alone[other]) if key.round_number == 2 else (alone[other], alone[key]))) > 0
        for key in earlier.alone
        for other in index.nearby(key, LONGEST_BREAK)
    )


def _goes_on(earlier: RebuiltSession, later: RebuiltSession) -> bool:
    """Return whether, without stopwatch, counters of a map of one session continue from a map of the other."""
    return any(
        abs(after.ended_at - before.ended_at) <= LONGEST_BREAK
        and (holds(after.raw, before.raw, skips=True) > 0 or holds(before.raw, after.raw, skips=True) > 0)
        for before in earlier.added
        for after in later.added
    )


def _joined(sessions: Sequence[RebuiltSession]) -> RebuiltSession:
    first, *others = sessions
    if not others:
        return first
    return replace(
        first,
        files=[file for session in sessions for file in session.files],
        stored={file_id: whole for session in sessions for file_id, whole in session.stored.items()},
        series=list({one.id: one for session in sessions for one in session.series}.values()),
        session_teams={
            session_id: teams for session in sessions for session_id, teams in session.session_teams.items()
        },
        added=[new for session in sessions for new in session.added],
        verdicts={file_id: verdict for session in sessions for file_id, verdict in session.verdicts.items()},
        alone={key: raw for session in sessions for key, raw in session.alone.items()},
    )


def _alone(added: Iterable[NewRound]) -> dict[RoundKey, RawRound]:
    """Return the rounds without a partner by name; only player lines can pair them over a long break."""
    raws = {new.file_id: new.raw for new in added}
    keys = [key_of_new(new) for new in added]
    pairing = Pairing(RoundIndex(keys).nearby, lambda second, first: holds(raws[second.key], raws[first.key]))
    return {key: raws[key.key] for key in keys if pairing.near_partner(key) is None}


def _asked_ahead(
    conn: Connection, groups: Iterable[list[ArchivedFileRef]]
) -> Iterator[tuple[list[ArchivedFileRef], rebuilding.Stored]]:
    """Yield each sequence with its stored rows, which are queried one sequence ahead."""
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
    """Split files into independent parts, each sorted by name; other files than round files are skipped.

    Names use the server's clock, which goes back once a year and may be wrong: a cut compares the latest end so
    far with the earliest possible end after it. A stored gaming session is never split.
    """
    spans: list[tuple[datetime, datetime, ArchivedFileRef]] = []
    for file in files:
        name = parse_filename(file.filename)
        if name is not None:
            ended_at = moment(name.stamp, zone, file.source_mtime)
            stamps = [name.stamp.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
            spans.append((min(ended_at, *stamps) if ended_at in stamps else ended_at, ended_at, file))
    spans.sort(key=lambda span: (span[0], span[2].filename))
    last_of = {file.session_end: place for place, (_, _, file) in enumerate(spans) if file.session_end is not None}
    group: list[ArchivedFileRef] = []
    latest: datetime | None = None
    held_to = -1
    for place, (earliest, ended_at, file) in enumerate(spans):
        if latest is not None and earliest - latest > reach and place > held_to:
            yield sorted(group, key=_filename)
            group, latest = [], None
        group.append(file)
        latest = ended_at if latest is None else max(latest, ended_at)
        held_to = max(held_to, last_of.get(file.session_end, -1) if file.session_end is not None else -1)
    if group:
        yield sorted(group, key=_filename)


def _read(
    files: list[ArchivedFileRef], contents: dict[int, bytes], zone: ZoneInfo, counting: dict[str, int]
) -> tuple[list[NewRound], dict[int, FileVerdict]]:
    """Parse files; of files with equal content, the first name counts, here or in an earlier session."""
    added: list[NewRound] = []
    verdicts: dict[int, FileVerdict] = {}
    for file in files:
        if file.is_cut or file.id not in contents:
            continue
        try:
            raw = parse(file.filename, contents[file.id])
        except ParseError as error:
            verdicts[file.id] = FileVerdict(file_id=file.id, reason=error.reason, line=error.line)
            continue
        original = counting.setdefault(file.shared_hash, file.id) if file.shared_hash else file.id
        verdicts[file.id] = FileVerdict(file_id=file.id, duplicate_of=None if original == file.id else original)
        if original == file.id:
            ended_at = moment(raw.name.stamp, zone, file.source_mtime)
            added.append(NewRound(file_id=file.id, ended_at=ended_at, raw=raw))
    return added, verdicts


def _counts(file: ArchivedFileRef) -> bool:
    return file.success and file.duplicate_of is None


def _stamp(file: ArchivedFileRef) -> datetime:
    name = parse_filename(file.filename)
    assert name is not None  # noqa: S101  # `sessions_of` skips other names
    return name.stamp
