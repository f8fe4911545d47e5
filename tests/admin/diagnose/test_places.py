"""Tests of the verdicts and trends, without files."""

from datetime import UTC, datetime, timedelta

import pytest

from etstats.domain.files import (
    CountInterval,
    CountTrend,
    DiscrepancyKind,
    FileFinding,
    FileLocations,
    KeptFile,
    KnownFile,
    Trend,
    Verdict,
)
from etstats.domain.rounds import RoundName
from etstats.domain.rules import file_discrepancies as rules
from etstats.parser.filename import parse_filename

CLOCK = datetime.fromisoformat("2025-10-20T12:00")
FIRST = datetime(2025, 10, 1, 12, tzinfo=UTC)


def named(stamp: datetime, number: int = 1, map_name: str = "supply") -> RoundName:
    """Return the name of a round file."""
    parsed = parse_filename(f"{stamp:%Y-%m-%d-%H%M%S}-{map_name}-round-{number}.txt")
    assert parsed is not None
    return parsed


def kept(name: RoundName, **changes: object) -> KeptFile:
    """Return an imported file with its round and partner."""
    values: dict[str, object] = {
        "filename": name.filename,
        "size": 2000,
        "mtime": 1_700_000_000,
        "archived_size": 2000,
        "success": True,
        "is_duplicate": False,
        "waits": False,
        "has_round": True,
        "is_paired": True,
        "is_cumulative": False,
    }
    return KeptFile(**(values | changes))  # type: ignore[arg-type]


SEEN = KnownFile(size=2000, mtime=1_700_000_000)


def places(**changes: object) -> FileLocations:
    """Return ten days of play, with one pair per session, without differences."""
    names = [
        named(CLOCK.replace(hour=21, minute=10 * number) - timedelta(days=days), number)
        for days in range(2, 12)
        for number in (1, 2)
    ]
    values: dict[str, object] = {
        "server": "main",
        "clock": CLOCK,
        "window": max(names).stamp - timedelta(days=1),
        "on_server": dict.fromkeys(names, SEEN),
        "in_folder": dict.fromkeys(names, SEEN),
        "kept": {name: kept(name) for name in names},
    }
    return FileLocations(**(values | changes))  # type: ignore[arg-type]


def only(found: tuple[FileFinding, ...]) -> FileFinding:
    """Return the only finding."""
    assert len(found) == 1, found
    return found[0]


def test_no_differences_give_no_findings() -> None:
    """Without differences there are no findings, and the headline says so."""
    all_well = places()
    assert rules.find_discrepancies(all_well, {}) == ()
    assert rules.gap_days(all_well) == ()
    assert rules.headline(all_well, ()) == (
        "20 on the server, 20 in the folder, 20 processed: all imported, nothing to do."
    )


def test_old_files_deleted_locally_need_no_action() -> None:
    """46 old files were deleted from the folder (3,253 on the server, 3,207 in the folder): no action needed."""
    names = [named(CLOCK - timedelta(days=30, hours=index), 1 + index % 2) for index in range(3253)]
    everything = dict.fromkeys(names, SEEN)
    case = places(
        on_server=everything,
        in_folder=dict.fromkeys(names[46:], SEEN),
        kept={name: kept(name) for name in names},
    )
    found = only(rules.find_discrepancies(case, {}))
    assert (found.kind, found.verdict, found.files, found.recent, found.old) == (
        DiscrepancyKind.DELETED_LOCALLY, Verdict.FINE, 46, 0, 46,
    )  # fmt: skip
    assert sum(found.months.values()) == 46
    assert found.to_do.startswith("nothing")
    assert rules.headline(case, [found]) == (
        "3,253 on the server, 3,207 in the folder, 3,253 processed: "
        "46 old files deleted locally, all imported, nothing to do."
    )


def with_extra(name: RoundName) -> FileLocations:
    """Add one file on the server only."""
    well = places()
    assert well.on_server is not None
    return places(on_server={**well.on_server, name: SEEN})


def test_recent_file_is_fetched_by_the_next_sync() -> None:
    """A file written minutes ago is fine: the next sync fetches it."""
    found = only(rules.find_discrepancies(with_extra(named(CLOCK - timedelta(minutes=5))), {}))
    assert (found.kind, found.verdict, found.recent) == (DiscrepancyKind.NOT_IMPORTED, Verdict.FINE, 1)


def test_file_that_sync_missed_is_a_finding() -> None:
    """A file inside the lookback window that is hours old means that no sync runs."""
    found = only(rules.find_discrepancies(with_extra(named(CLOCK - timedelta(hours=20))), {}))
    assert (found.verdict, found.to_do) == (
        Verdict.PROBLEM,
        "run: etstats sync --server main; and see: etstats cron show",
    )


def test_file_older_than_the_window_names_its_day() -> None:
    """For files that sync skips, the finding has the command that fetches them."""
    name = named(CLOCK - timedelta(days=40))
    found = only(rules.find_discrepancies(with_extra(name), {}))
    assert (found.verdict, found.recent, found.old) == (Verdict.PROBLEM, 0, 1)
    assert found.to_do == f"run: etstats sync --server main --since {name.stamp:%Y-%m-%d}"
    assert rules.headline(with_extra(name), [found]).endswith(
        "1 old file on the server and not imported, 1 thing to look at."
    )


def test_new_installation_is_told_to_run_sync() -> None:
    """In a new installation the only finding is to run sync."""
    found = only(rules.find_discrepancies(places(kept={}, in_folder={}), {}))
    assert found.because == "nothing of this server was imported yet"


def changed(**changes: object) -> FileLocations:
    """Return files without differences, except one old round 1."""
    well = places()
    name = min(well.kept)
    return places(kept={**well.kept, name: kept(name, **changes)})


@pytest.mark.parametrize(
    ("changes", "kind", "verdict"),
    [
        ({"success": False, "waits": True, "has_round": False}, DiscrepancyKind.QUARANTINED, Verdict.PROBLEM),
        ({"success": False, "waits": False, "has_round": False}, DiscrepancyKind.DISCARDED, Verdict.FINE),
        ({"waits": True}, DiscrepancyKind.QUARANTINED, Verdict.PROBLEM),
        ({"is_duplicate": True, "has_round": False}, DiscrepancyKind.DUPLICATES, Verdict.FINE),
        ({"has_round": False}, DiscrepancyKind.WITHOUT_ROUND, Verdict.PROBLEM),
        ({"is_paired": False}, DiscrepancyKind.ROUND1_ALONE, Verdict.FINE),
        ({"mtime": 1_600_000_000}, DiscrepancyKind.CHANGED, Verdict.PROBLEM),
    ],
)
def test_each_database_state_has_its_verdict(
    changes: dict[str, object], kind: DiscrepancyKind, verdict: Verdict
) -> None:
    """Each state of a file is one finding with its verdict."""
    found = only(rules.find_discrepancies(changed(**changes), {}))
    assert (found.kind, found.verdict, found.files) == (kind, verdict, 1)


def test_unknown_size_is_a_change_on_server_and_in_folder() -> None:
    """A file with another size than fetched was changed on the server, in the folder, or both."""
    kinds = {
        discrepancy.kind for discrepancy in rules.find_discrepancies(changed(size=1999, archived_size=1999), {})
    }
    assert kinds == {DiscrepancyKind.CHANGED, DiscrepancyKind.LOCAL_DIFFERS}


def test_anonymized_file_is_not_a_difference() -> None:
    """A copy restored from the archive has the size of the archive, an older one that of the server."""
    assert rules.find_discrepancies(changed(archived_size=1990), {}) == ()
    assert rules.find_discrepancies(places(), {}) == ()


def test_unknown_local_copy_is_reported() -> None:
    """A copy unknown to database and server is reported; a file that is missing only on the server is not."""
    well = places()
    oldest = min(well.kept)
    lonely = named(CLOCK - timedelta(days=50))
    assert well.on_server is not None
    found = rules.find_discrepancies(
        places(
            in_folder={**well.in_folder, lonely: SEEN},
            on_server={name: seen for name, seen in well.on_server.items() if name != oldest},
        ),
        {},
    )
    assert [(discrepancy.kind, discrepancy.verdict, discrepancy.filenames) for discrepancy in found] == [
        (DiscrepancyKind.LOCAL_ONLY, Verdict.PROBLEM, (lonely.filename,)),
        (DiscrepancyKind.GONE, Verdict.FINE, (oldest.filename,)),
    ]


@pytest.mark.parametrize("number", [1, 2])
def test_round_with_an_unstored_partner_is_reported(number: int) -> None:
    """A round without its partner is fine, unless a known but unstored file may be the partner."""
    well = places()
    partner = min(name for name in well.kept if name.round_number == 3 - number)
    alone = min(name for name in well.kept if name.round_number == number)
    rest = {name: file for name, file in well.kept.items() if name != partner}
    found = {
        discrepancy.kind: discrepancy
        for discrepancy in rules.find_discrepancies(places(kept={**rest, alone: kept(alone, is_paired=False)}), {})
    }
    kind = DiscrepancyKind.ROUND1_ALONE if number == 1 else DiscrepancyKind.ROUND2_ALONE
    assert found[kind].verdict is Verdict.PROBLEM
    assert partner.filename in found[kind].because


def test_recent_round_1_without_round_2_is_not_reported() -> None:
    """Between the rounds of a map there are no findings."""
    well, name = places(), named(CLOCK - timedelta(minutes=9))
    everywhere = {**well.in_folder, name: SEEN}
    found = only(
        rules.find_discrepancies(
            places(
                on_server=everywhere, in_folder=everywhere, kept={**well.kept, name: kept(name, is_paired=False)}
            ),
            {},
        )
    )
    assert (found.kind, found.because) == (DiscrepancyKind.ROUND1_ALONE, "round 2 is being played")


def test_offline_reports_nothing_about_the_server() -> None:
    """Without the server there is no server count and no finding that needs it."""
    offline = places(on_server=None, in_folder={})
    assert rules.count(offline).on_server is None
    assert {discrepancy.kind for discrepancy in rules.find_discrepancies(offline, {})} == {
        DiscrepancyKind.DELETED_LOCALLY
    }
    assert rules.headline(offline, ()).startswith("0 in the folder, 20 processed")


def test_days_with_missing_rounds_are_listed() -> None:
    """Days are listed if a file has no round, or a round no partner; newest first."""
    well = places()
    days = sorted({name.stamp.date() for name in well.kept}, reverse=True)
    missing = max(well.kept)
    alone = min(well.kept)
    rest = {name: file for name, file in well.kept.items() if name not in {missing, alone}}
    found = rules.gap_days(places(kept={**rest, alone: kept(alone, is_paired=False)}))
    assert [(day.day, day.known, day.stored, day.missing, day.unpaired, day.verdict) for day in found] == [
        (days[0], 2, 1, 1, 0, Verdict.PROBLEM),
        (days[-1], 2, 2, 0, 1, Verdict.FINE),
    ]


def spans(count: int, first: int, last: int) -> CountInterval:
    """Return a count recorded from one day to another."""
    return CountInterval(
        what="x", count=count, first_seen=FIRST + timedelta(days=first), last_seen=FIRST + timedelta(days=last)
    )


@pytest.mark.parametrize(
    ("earlier", "now", "expected"),
    [
        ([], 5, CountTrend(trend=Trend.NEW)),
        ([spans(5, 0, 3)], 5, CountTrend(trend=Trend.STABLE, since=FIRST)),
        ([spans(3, 0, 1), spans(5, 2, 3)], 5, CountTrend(trend=Trend.STABLE, since=FIRST + timedelta(days=2))),
        ([spans(3, 0, 1)], 5, CountTrend(trend=Trend.GROWING, since=FIRST + timedelta(days=1), was=3)),
        (
            [spans(9, 0, 1), spans(2, 2, 3), spans(4, 4, 5)], 7,
            CountTrend(trend=Trend.GROWING, since=FIRST + timedelta(days=3), was=2),
        ),
        (
            [spans(1, 0, 1), spans(8, 2, 3), spans(6, 4, 5)], 0,
            CountTrend(trend=Trend.SHRINKING, since=FIRST + timedelta(days=3), was=8),
        ),
    ],
)  # fmt: skip
def test_count_trend_is_stable_growing_or_shrinking(
    earlier: list[CountInterval], now: int, expected: CountTrend
) -> None:
    """A count is stable since its first record; growing or shrinking since the record before the change."""
    assert rules.trend_of(earlier, now) == expected
