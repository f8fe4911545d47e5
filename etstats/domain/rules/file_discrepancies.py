"""Which round files are in one place and not in another, whether that is fine, and what to do about it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from etstats.domain.files import (
    CountInterval,
    Counts,
    CountTrend,
    DiscrepancyKind,
    FileFinding,
    FileLocations,
    GapDay,
    Trend,
    Verdict,
)
from etstats.domain.rounds import RoundName
from etstats.domain.rules.pairing import LONGEST_GAP

RECENT = timedelta(days=7)
# Cron looks every minute, a round takes some twenty: what is younger than this is on its way.
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
_Judgement = tuple[Verdict, str, str]


def count(places: FileLocations) -> Counts:
    """How many files lie where."""
    kept = places.kept.values()
    return Counts(
        on_server=None if places.on_server is None else len(places.on_server),
        in_folder=len(places.in_folder),
        processed=len(kept),
        good=sum(f.success and not f.is_duplicate for f in kept),
        duplicates=sum(f.is_duplicate for f in kept),
        quarantined=sum(not f.success and f.waits for f in kept),
        discarded=sum(f.is_discarded for f in kept),
        rounds=sum(f.has_round for f in kept),
    )


def differences(places: FileLocations) -> dict[DiscrepancyKind, Names]:
    """The files of each kind; a kind that cannot be known without the server is not in it."""
    kept, folder, server = places.kept, places.in_folder, places.on_server
    good = {name for name, file in kept.items() if file.success}
    found = {
        DiscrepancyKind.LOCAL_ONLY: folder.keys() - kept.keys() - (server or {}).keys(),
        DiscrepancyKind.QUARANTINED: {name for name, file in kept.items() if file.waits},
        DiscrepancyKind.WITHOUT_ROUND: {
            n for n, f in kept.items() if f.success and not f.is_duplicate and not f.has_round
        },
        DiscrepancyKind.LOCAL_DIFFERS: {
            name
            for name in folder.keys() & kept.keys()
            if folder[name].size not in (kept[name].size, kept[name].archived_size)
        },
        DiscrepancyKind.DELETED_LOCALLY: good - folder.keys(),
        DiscrepancyKind.DUPLICATES: {name for name, file in kept.items() if file.is_duplicate},
        DiscrepancyKind.DISCARDED: {name for name, file in kept.items() if file.is_discarded},
        DiscrepancyKind.ROUND2_ALONE: _alone(places, 2),
        DiscrepancyKind.ROUND1_ALONE: _alone(places, 1),
    }
    if server is not None:
        changed = {
            name
            for name in server.keys() & kept.keys()
            if server[name].size != kept[name].size or kept[name].mtime not in (None, server[name].mtime)
        }
        found |= {
            DiscrepancyKind.NOT_IMPORTED: server.keys() - kept.keys(),
            DiscrepancyKind.CHANGED: changed,
            DiscrepancyKind.GONE: kept.keys() - server.keys(),
        }
    return {kind: frozenset(names) for kind, names in found.items()}


def judge(places: FileLocations, earlier: Mapping[str, Sequence[CountInterval]]) -> tuple[FileFinding, ...]:
    """Every kind that has files, what needs a person first; `earlier` are the recorded counts by kind."""
    found = differences(places)
    findings = []
    for kind in DiscrepancyKind:
        if names := found.get(kind):
            verdict, because, to_do = _JUDGES[kind](places, names)
            recent = sum(name.stamp >= places.clock - RECENT for name in names)
            findings.append(
                FileFinding(
                    kind=kind,
                    title=_title(places, kind),
                    verdict=verdict,
                    because=because,
                    to_do=to_do,
                    files=len(names),
                    recent=recent,
                    old=len(names) - recent,
                    months=dict(sorted(Counter(f"{name.stamp:%Y-%m}" for name in names).items())),
                    course=course(earlier.get(kind, ()), len(names)),
                    filenames=tuple(name.filename for name in sorted(names)),
                )
            )
    return tuple(sorted(findings, key=lambda finding: finding.verdict is Verdict.FINE))


def _title(places: FileLocations, kind: DiscrepancyKind) -> str:
    if kind is DiscrepancyKind.DELETED_LOCALLY and not places.in_folder:
        return "without a local copy"  # nobody deletes what was never there
    return _TITLES[kind]


def course(earlier: Sequence[CountInterval], now: int) -> CountTrend:
    """Compare a count with the intervals recorded before, oldest first.

    A count that is as it was last time is stable since it was first seen so. One that moved has done so since it
    was last seen at the value from which it has moved this way only.
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


def gap_days(places: FileLocations) -> tuple[GapDay, ...]:
    """The days with play of which a file has no round, or a round no partner; newest first."""
    counted = {name for name in _everywhere(places) if not _is_settled(places, name)}
    unpaired = _alone(places, 1) | _alone(places, 2)
    known: Counter[date] = Counter(name.stamp.date() for name in counted)
    stored: Counter[date] = Counter(name.stamp.date() for name in counted if _has_round(places, name))
    lonely: Counter[date] = Counter(name.stamp.date() for name in unpaired)
    fresh = {name.stamp.date() for name in counted if _is_fresh(places, name)}
    return tuple(
        GapDay(
            day=day,
            known=known[day],
            stored=stored[day],
            missing=known[day] - stored[day],
            unpaired=lonely[day],
            verdict=Verdict.LOOK if known[day] > stored[day] and day not in fresh else Verdict.FINE,
        )
        for day in sorted(known, reverse=True)
        if known[day] > stored[day] or lonely[day]
    )


def _everywhere(places: FileLocations) -> set[RoundName]:
    return set(places.kept) | set(places.in_folder) | set(places.on_server or {})


def _is_settled(places: FileLocations, name: RoundName) -> bool:
    """Return whether a file is known not to be a round of its own."""
    kept = places.kept.get(name)
    return kept is not None and (kept.is_duplicate or kept.is_discarded)


def _has_round(places: FileLocations, name: RoundName) -> bool:
    kept = places.kept.get(name)
    return kept is not None and kept.has_round


def _is_fresh(places: FileLocations, name: RoundName) -> bool:
    return name.stamp >= places.clock - FRESH


def _alone(places: FileLocations, number: int) -> Names:
    return frozenset(
        name
        for name, file in places.kept.items()
        if file.has_round and not file.is_paired and name.round_number == number
    )


def _partners(places: FileLocations, names: Iterable[RoundName]) -> Names:
    """Files that may be the other round of one of these, and whose round is not stored."""
    waiting: dict[tuple[str, int], list[RoundName]] = {}
    for name in _everywhere(places):
        if not _has_round(places, name) and not _is_settled(places, name):
            waiting.setdefault((name.map_name, name.round_number), []).append(name)
    return frozenset(
        other
        for name in names
        for other in waiting.get((name.map_name, 3 - name.round_number), ())
        if timedelta() < (other.stamp - name.stamp) * (1 if name.round_number == 1 else -1) <= LONGEST_GAP
    )


def _sync(places: FileLocations, names: Collection[RoundName]) -> str:
    """The command that takes these files, with `--since` where sync would pass over them as too old."""
    oldest = min(names).stamp
    since = f" --since {oldest:%Y-%m-%d}" if places.window is not None and oldest < places.window else ""
    return f"etstats sync --server {places.server}{since}"


def _not_imported(places: FileLocations, names: Names) -> _Judgement:
    command = _sync(places, names)
    if all(_is_fresh(places, name) for name in names):
        return Verdict.FINE, "they are younger than an hour: the next sync takes them", "nothing"
    if not places.kept:
        return Verdict.LOOK, "nothing of this server was imported yet", f"run: {command}"
    if "--since" in command:
        because = f"some are older than what sync looks at by itself ({places.window:%Y-%m-%d %H:%M} and later)"
        return Verdict.LOOK, because, f"run: {command}"
    return Verdict.LOOK, "sync should have taken them long ago", f"run: {command}; and see: etstats cron show"


def _changed(places: FileLocations, names: Names) -> _Judgement:
    because = "their size or time is not that of the version that was taken"
    return Verdict.LOOK, because, f"run: {_sync(places, names)}"


def _local_only(places: FileLocations, names: Names) -> _Judgement:
    asked = (
        "neither the database nor the server has them"
        if places.on_server is not None
        else "the database lacks them"
    )
    to_do = f"import them from the local folder: etstats import FOLDER --server {places.server}"
    return Verdict.LOOK, asked, to_do


def _quarantined(_: FileLocations, __: Names) -> _Judgement:
    because = "they are not whole or contradict themselves; their bytes are kept, and a changed file is retried"
    return Verdict.LOOK, because, "see why: etstats quarantine list; then retry or discard"


def _without_round(_: FileLocations, __: Names) -> _Judgement:
    return Verdict.LOOK, "the archive holds them and their rounds are not there", "run: etstats rebuild"


def _local_differs(_: FileLocations, __: Names) -> _Judgement:
    because = "something changed the copies after they came; the database holds what the server sent"
    return Verdict.LOOK, because, "delete these copies, then run: etstats diagnose --restore"


def _deleted_locally(_: FileLocations, __: Names) -> _Judgement:
    because = "all are imported and the database keeps their bytes"
    return Verdict.FINE, because, "nothing; etstats diagnose --restore writes them back"


def _gone(_: FileLocations, __: Names) -> _Judgement:
    return Verdict.FINE, "the database keeps their bytes: a rebuild needs no server", "nothing"


def _duplicates(_: FileLocations, __: Names) -> _Judgement:
    return Verdict.FINE, "they hold the bytes of a file with an earlier name, which counts", "nothing"


def _discarded(_: FileLocations, __: Names) -> _Judgement:
    return Verdict.FINE, "a person discarded them", "nothing"


def _round2_alone(places: FileLocations, names: Names) -> _Judgement:
    if partners := _partners(places, names):
        return _partner_waits(partners, 1)
    where = "no place has their round 1"
    if places.on_server is None:
        where = "no place that was asked has their round 1 (the server was not)"
    cumulative = sum(places.kept[name].is_cumulative for name in names)
    kept_as = f"; {cumulative} hold both rounds' numbers and are marked so" if cumulative else ""
    return Verdict.FINE, where + kept_as, "nothing; they are corrected when a round 1 arrives"


def _round1_alone(places: FileLocations, names: Names) -> _Judgement:
    if partners := _partners(places, names):
        return _partner_waits(partners, 2)
    if all(_is_fresh(places, name) for name in names):
        return Verdict.FINE, "round 2 is being played", "nothing"
    where = "" if places.on_server is not None else ", as far as was asked"
    return Verdict.FINE, f"no round 2 was written after them{where}: the map was left or restarted", "nothing"


def _partner_waits(partners: Names, number: int) -> _Judgement:
    first = min(partners).filename
    because = f"{len(partners)} files that may be their round {number} are known and not stored, such as {first}"
    return Verdict.LOOK, because, "deal with those files first (see the other findings); the pairs follow"


_JUDGES: Mapping[DiscrepancyKind, Callable[[FileLocations, Names], _Judgement]] = {
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


def headline(places: FileLocations, findings: Sequence[FileFinding]) -> str:
    """One sentence: how many lie where, what differs, and whether anything is to be done."""
    counts = count(places)
    where = [] if counts.on_server is None else [f"{counts.on_server:,} on the server"]
    where += [f"{counts.in_folder:,} in the folder", f"{counts.processed:,} processed"]
    parts = [
        _summary(finding) for finding in findings if finding.kind in _HEADLINES or finding.verdict is Verdict.LOOK
    ]
    asks = sum(finding.verdict is Verdict.LOOK for finding in findings)
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
