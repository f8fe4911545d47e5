"""Compare the round files on the server, in the local folder and in the database."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from etstats.domain.files import (
    CountInterval,
    Counts,
    CountTrend,
    DiscrepancyKind,
    FileFinding,
    FileLocations,
    GapDay,
    KnownFile,
    Trend,
    Verdict,
)
from etstats.domain.rounds import RoundName
from etstats.domain.rules.pairing import LONGEST_GAP
from etstats.domain.text import pluralize

RECENT = timedelta(days=7)
# Cron polls every minute, a round takes about 20 minutes: a newer file may not be imported yet.
FRESH = timedelta(hours=1)

_TITLES = {
    DiscrepancyKind.NOT_IMPORTED: "on the server and not imported",
    DiscrepancyKind.CHANGED: "changed on the server since",
    DiscrepancyKind.LOCAL_ONLY: "in the local folder alone",
    DiscrepancyKind.QUARANTINED: "in quarantine",
    DiscrepancyKind.WITHOUT_ROUND: "imported without a round",
    DiscrepancyKind.LOCAL_DIFFERS: "altered in the local folder",
    DiscrepancyKind.DELETED_LOCALLY: "deleted locally",
    DiscrepancyKind.GONE: "gone from the server",
    DiscrepancyKind.DUPLICATES: "held twice under two names",
    DiscrepancyKind.DISCARDED: "discarded",
    DiscrepancyKind.ROUND2_ALONE: "of a round 2 without round 1",
    DiscrepancyKind.ROUND1_ALONE: "of a round 1 without round 2",
}

Names = frozenset[RoundName]
_Explanation = tuple[Verdict, str, str]


def count(locations: FileLocations) -> Counts:
    """Count the files by location."""
    kept = locations.kept.values()
    return Counts(
        on_server=None if locations.on_server is None else len(locations.on_server),
        in_folder=len(locations.in_folder),
        processed=len(kept),
        good=sum(file.success and not file.is_duplicate for file in kept),
        duplicates=sum(file.is_duplicate for file in kept),
        quarantined=sum(not file.success and file.waits for file in kept),
        discarded=sum(file.is_discarded for file in kept),
        rounds=sum(file.has_round for file in kept),
    )


def differences(locations: FileLocations) -> dict[DiscrepancyKind, Names]:
    """Return the files of each kind, without kinds that need the server if it was not listed."""
    kept, folder, server = locations.kept, locations.in_folder, locations.on_server
    good = {name for name, file in kept.items() if file.success}
    found = {
        DiscrepancyKind.LOCAL_ONLY: folder.keys() - kept.keys() - (server or {}).keys(),
        DiscrepancyKind.QUARANTINED: {name for name, file in kept.items() if file.waits},
        DiscrepancyKind.WITHOUT_ROUND: {
            name for name, file in kept.items() if file.success and not file.is_duplicate and not file.has_round
        },
        DiscrepancyKind.LOCAL_DIFFERS: {
            name
            for name in folder.keys() & kept.keys()
            if folder[name].size not in (kept[name].size, kept[name].archived_size)
        },
        DiscrepancyKind.DELETED_LOCALLY: good - folder.keys(),
        DiscrepancyKind.DUPLICATES: {name for name, file in kept.items() if file.is_duplicate},
        DiscrepancyKind.DISCARDED: {name for name, file in kept.items() if file.is_discarded},
        DiscrepancyKind.ROUND2_ALONE: _alone(locations, 2),
        DiscrepancyKind.ROUND1_ALONE: _alone(locations, 1),
    }
    if server is not None:
        changed = {
            name
            for name in server.keys() & kept.keys()
            if server[name].size != kept[name].size
            or (kept[name].mtime not in (None, server[name].mtime) and not _is_in_future(locations, server[name]))
        }
        found |= {
            DiscrepancyKind.NOT_IMPORTED: server.keys() - kept.keys(),
            DiscrepancyKind.CHANGED: changed,
            DiscrepancyKind.GONE: kept.keys() - server.keys(),
        }
    return {kind: frozenset(names) for kind, names in found.items()}


def _is_in_future(locations: FileLocations, file: KnownFile) -> bool:
    """Return whether a file's time is in the future, with tolerance for the time zone."""
    written_at = datetime.fromtimestamp(file.mtime or 0, UTC).replace(tzinfo=None)
    return written_at > locations.clock + timedelta(days=2)


def find_discrepancies(
    locations: FileLocations, earlier: Mapping[str, Sequence[CountInterval]]
) -> tuple[FileFinding, ...]:
    """Return a finding for each kind with files, those that need action first; `earlier`: recorded counts."""
    found = differences(locations)
    findings = []
    for kind in DiscrepancyKind:
        if names := found.get(kind):
            verdict, because, to_do = _EXPLANATIONS[kind](locations, names)
            recent = sum(name.stamp >= locations.clock - RECENT for name in names)
            findings.append(
                FileFinding(
                    kind=kind,
                    title=_title(locations, kind),
                    verdict=verdict,
                    because=because,
                    to_do=to_do,
                    files=len(names),
                    recent=recent,
                    old=len(names) - recent,
                    months=dict(sorted(Counter(f"{name.stamp:%Y-%m}" for name in names).items())),
                    course=trend_of(earlier.get(kind, ()), len(names)),
                    filenames=tuple(name.filename for name in sorted(names)),
                )
            )
    return tuple(sorted(findings, key=lambda finding: finding.verdict is Verdict.FINE))


def _title(locations: FileLocations, kind: DiscrepancyKind) -> str:
    if kind is DiscrepancyKind.DELETED_LOCALLY and not locations.in_folder:
        return "without a local copy"  # the folder may never have been used
    return _TITLES[kind]


def trend_of(earlier: Sequence[CountInterval], now: int) -> CountTrend:
    """Return the trend of a count from the intervals recorded before, oldest first.

    An unchanged count is stable since the start of its interval. A changed count grows or shrinks since the end of
    the interval from which it moved only in this direction.
    """
    if not earlier:
        return CountTrend(trend=Trend.NEW)
    last = earlier[-1]
    if last.count == now:
        return CountTrend(trend=Trend.STABLE, since=last.first_seen)
    grows = now > last.count
    start = last
    for interval in reversed(earlier[:-1]):
        if interval.count == start.count or (interval.count < start.count) is not grows:
            break
        start = interval
    return CountTrend(trend=Trend.GROWING if grows else Trend.SHRINKING, since=start.last_seen, was=start.count)


def gap_days(locations: FileLocations) -> tuple[GapDay, ...]:
    """Return the days with a file without a round, or a round without a partner; newest first."""
    counted = {name for name in _everywhere(locations) if not _is_settled(locations, name)}
    unpaired = _alone(locations, 1) | _alone(locations, 2)
    known: Counter[date] = Counter(name.stamp.date() for name in counted)
    stored: Counter[date] = Counter(name.stamp.date() for name in counted if _has_round(locations, name))
    lonely: Counter[date] = Counter(name.stamp.date() for name in unpaired)
    fresh = {name.stamp.date() for name in counted if _is_fresh(locations, name)}
    return tuple(
        GapDay(
            day=day,
            known=known[day],
            stored=stored[day],
            missing=known[day] - stored[day],
            unpaired=lonely[day],
            verdict=Verdict.PROBLEM if known[day] > stored[day] and day not in fresh else Verdict.FINE,
        )
        for day in sorted(known, reverse=True)
        if known[day] > stored[day] or lonely[day]
    )


def _everywhere(locations: FileLocations) -> set[RoundName]:
    return set(locations.kept) | set(locations.in_folder) | set(locations.on_server or {})


def _is_settled(locations: FileLocations, name: RoundName) -> bool:
    """Return whether a file is known to have no round of its own (discarded or duplicate)."""
    kept = locations.kept.get(name)
    return kept is not None and (kept.is_duplicate or kept.is_discarded)


def _has_round(locations: FileLocations, name: RoundName) -> bool:
    kept = locations.kept.get(name)
    return kept is not None and kept.has_round


def _is_fresh(locations: FileLocations, name: RoundName) -> bool:
    return name.stamp >= locations.clock - FRESH


def _alone(locations: FileLocations, number: int) -> Names:
    return frozenset(
        name
        for name, file in locations.kept.items()
        if file.has_round and not file.is_paired and name.round_number == number
    )


def _partners(locations: FileLocations, names: Iterable[RoundName]) -> Names:
    """Return files that may contain the other round of one of these and whose round is not stored."""
    waiting: dict[tuple[str, int], list[RoundName]] = {}
    for name in _everywhere(locations):
        if not _has_round(locations, name) and not _is_settled(locations, name):
            waiting.setdefault((name.map_name, name.round_number), []).append(name)
    return frozenset(
        other
        for name in names
        for other in waiting.get((name.map_name, 3 - name.round_number), ())
        if timedelta() < (other.stamp - name.stamp) * (1 if name.round_number == 1 else -1) <= LONGEST_GAP
    )


def _sync(locations: FileLocations, names: Collection[RoundName]) -> str:
    """Return the sync command that fetches these files, with `--since` if they are too old for a plain sync."""
    oldest = min(names).stamp
    since = f" --since {oldest:%Y-%m-%d}" if locations.window is not None and oldest < locations.window else ""
    return f"etstats sync --server {locations.server}{since}"


def _not_imported(locations: FileLocations, names: Names) -> _Explanation:
    command = _sync(locations, names)
    if all(_is_fresh(locations, name) for name in names):
        return Verdict.FINE, "they are younger than an hour: the next sync fetches them", "nothing"
    if not locations.kept:
        return Verdict.PROBLEM, "nothing of this server was imported yet", f"run: {command}"
    if "--since" in command:
        because = f"some are older than the files that sync checks ({locations.window:%Y-%m-%d %H:%M} and later)"
        return Verdict.PROBLEM, because, f"run: {command}"
    return Verdict.PROBLEM, "sync should have imported them already", f"run: {command}; and see: etstats cron show"


def _changed(locations: FileLocations, names: Names) -> _Explanation:
    because = "their size or time differs from that of the imported version"
    return Verdict.PROBLEM, because, f"run: {_sync(locations, names)}"


def _local_only(locations: FileLocations, names: Names) -> _Explanation:
    asked = (
        "neither the database nor the server has them"
        if locations.on_server is not None
        else "the database lacks them"
    )
    to_do = f"import them from the local folder: etstats import FOLDER --server {locations.server}"
    return Verdict.PROBLEM, asked, to_do


def _quarantined(_: FileLocations, __: Names) -> _Explanation:
    because = "they are incomplete or contradict themselves; their bytes are kept, and a changed file is retried"
    return Verdict.PROBLEM, because, "see why: etstats quarantine list; then retry or discard"


def _without_round(_: FileLocations, __: Names) -> _Explanation:
    return Verdict.PROBLEM, "the archive contains them, but their rounds are missing", "run: etstats rebuild"


def _local_differs(_: FileLocations, __: Names) -> _Explanation:
    because = "the copies were changed afterwards; the database has the bytes that the server sent"
    return Verdict.PROBLEM, because, "delete these copies, then run: etstats diagnose --restore"


def _deleted_locally(_: FileLocations, __: Names) -> _Explanation:
    because = "all are imported and the database keeps their bytes"
    return Verdict.FINE, because, "nothing; etstats diagnose --restore writes them back"


def _gone(_: FileLocations, __: Names) -> _Explanation:
    return Verdict.FINE, "the database keeps their bytes: a rebuild needs no server", "nothing"


def _duplicates(_: FileLocations, __: Names) -> _Explanation:
    return Verdict.FINE, "they have the same content as a file with an earlier name, which counts", "nothing"


def _discarded(_: FileLocations, __: Names) -> _Explanation:
    return Verdict.FINE, "they were discarded with etstats quarantine discard", "nothing"


def _round2_alone(locations: FileLocations, names: Names) -> _Explanation:
    if partners := _partners(locations, names):
        return _partner_waits(partners, 1)
    where = "their round 1 was not found"
    if locations.on_server is None:
        where = "their round 1 was not found (the server was not checked)"
    cumulative = sum(locations.kept[name].is_cumulative for name in names)
    kept_as = f"; {cumulative} with the numbers of both rounds, marked as cumulative" if cumulative else ""
    return Verdict.FINE, where + kept_as, "nothing; they are corrected when a round 1 arrives"


def _round1_alone(locations: FileLocations, names: Names) -> _Explanation:
    if partners := _partners(locations, names):
        return _partner_waits(partners, 2)
    if all(_is_fresh(locations, name) for name in names):
        return Verdict.FINE, "round 2 is being played", "nothing"
    where = "" if locations.on_server is not None else " (the server was not checked)"
    return Verdict.FINE, f"no round 2 was found after them{where}: the map was changed or restarted", "nothing"


def _partner_waits(partners: Names, number: int) -> _Explanation:
    first = min(partners).filename
    because = f"not stored: {pluralize(len(partners), 'file')} that may be their round {number}, such as {first}"
    return Verdict.PROBLEM, because, "handle those files first (see the other findings)"


_EXPLANATIONS: Mapping[DiscrepancyKind, Callable[[FileLocations, Names], _Explanation]] = {
    DiscrepancyKind.NOT_IMPORTED: _not_imported,
    DiscrepancyKind.CHANGED: _changed,
    DiscrepancyKind.LOCAL_ONLY: _local_only,
    DiscrepancyKind.QUARANTINED: _quarantined,
    DiscrepancyKind.WITHOUT_ROUND: _without_round,
    DiscrepancyKind.LOCAL_DIFFERS: _local_differs,
    DiscrepancyKind.DELETED_LOCALLY: _deleted_locally,
    DiscrepancyKind.GONE: _gone,
    DiscrepancyKind.DUPLICATES: _duplicates,
    DiscrepancyKind.DISCARDED: _discarded,
    DiscrepancyKind.ROUND2_ALONE: _round2_alone,
    DiscrepancyKind.ROUND1_ALONE: _round1_alone,
}


def headline(locations: FileLocations, findings: Sequence[FileFinding]) -> str:
    """Return one sentence with the counts, the differences and whether action is needed."""
    counts = count(locations)
    where = [] if counts.on_server is None else [f"{counts.on_server:,} on the server"]
    where += [f"{counts.in_folder:,} in the folder", f"{counts.processed:,} processed"]
    parts = [
        _summary(finding)
        for finding in findings
        if finding.kind in _HEADLINES or finding.verdict is Verdict.PROBLEM
    ]
    asks = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    end = "nothing to do" if not asks else "1 thing to look at" if asks == 1 else f"{asks} things to look at"
    if not parts and counts.processed:
        parts = ["all imported"]
    return f"{', '.join(where)}: {', '.join([*parts, end])}."


_HEADLINES = (DiscrepancyKind.NOT_IMPORTED, DiscrepancyKind.DELETED_LOCALLY, DiscrepancyKind.GONE)


def _summary(finding: FileFinding) -> str:
    age = "old " if not finding.recent else "recent " if not finding.old else ""
    files = "file" if finding.files == 1 else "files"
    all_imported = ", all imported" if finding.kind is DiscrepancyKind.DELETED_LOCALLY else ""
    return f"{finding.files:,} {age}{files} {finding.title}{all_imported}"
