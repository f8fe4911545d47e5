"""Batches and groups of a run: their size does not change the result, and a rejected file affects only itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.verify import verify
from etstats.db import rounds
from etstats.domain.import_result import ImportStatus
from etstats.importer.importer import GROUP, Importer
from tests.importer.world import HOUR, ZONE, column, empty, snapshot, take
from tests.support.files import File, line, round_file

MAPS = ("supply", "radar", "oasis", "frostbite", "adlernest")
SESSION = [
    round_file(f"2025-10-02-{20 + number // 3}{20 * (number % 3):02}00", 1, map_name=MAPS[number % 5])
    for number in range(9)
]


def _rounds_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that receives the number of rounds of each later read."""
    read: list[int] = []
    original = rounds.around

    def around(*arguments: Any) -> Sequence[Any]:
        found = original(*arguments)
        read.append(len(found))
        return found

    monkeypatch.setattr(rounds, "around", around)
    return read


def test_rounds_of_a_long_session_are_read_once(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds stored by a run are not read again by its next batches."""
    take(db, SESSION)
    expected = snapshot(db)
    empty(db)
    read = _rounds_read(monkeypatch)
    monkeypatch.setattr("etstats.importer.importer._BATCH", 2)
    take(db, SESSION[:3])
    assert sum(read) == 0
    take(db, SESSION[3:])
    assert sum(read) == 3
    assert snapshot(db) == expected


def test_rejected_file_does_not_affect_other_batches(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rolled back batch, the next ones use the stored state."""
    monkeypatch.setattr("etstats.importer.importer._BATCH", 2)
    with db.transaction():
        db.execute("ALTER TABLE weapon_comprehensive_stats ADD CHECK (weapon_name <> 'PANZERFAUST')")
    refused = line(weapons={"PANZERFAUST": (1, 1, 1, 0, 0)})
    bad = round_file("2025-10-02-205000", 1, [refused], map_name="te_escape2")
    files: list[File] = [*SESSION[:3], bad, *SESSION[3:]]
    statuses = [result.status for result in take(db, files)]
    assert statuses.count(ImportStatus.QUARANTINED) == 1
    assert statuses[3] is ImportStatus.QUARANTINED
    assert verify(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).differences == []
    stored = snapshot(db)["rounds"]
    empty(db)
    take(db, SESSION)
    assert snapshot(db)["rounds"] == stored


def on(day: datetime) -> File:
    """A round of a day, with its own content."""
    return round_file(f"{day:%Y-%m-%d}-200000", 1, [line(damage_given=day.toordinal())])


def days(count: int) -> list[File]:
    """One round per day."""
    first = datetime(2025, 3, 1)  # noqa: DTZ001  # the server's own clock
    return [on(first + timedelta(days=number)) for number in range(count)]


def test_rejected_file_does_not_affect_its_group(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its group is stored file by file; the other groups are stored as groups."""
    alone: list[str] = []
    original = Importer._store_alone

    def store_alone(importer: Importer, parsed: Any) -> Any:
        alone.append(parsed.new.filename)
        return original(importer, parsed)

    monkeypatch.setattr(Importer, "_store_alone", store_alone)
    with db.transaction():
        db.execute("ALTER TABLE weapon_comprehensive_stats ADD CHECK (weapon_name <> 'PANZERFAUST')")
    files = days(3 * GROUP)
    place = GROUP + GROUP // 2
    refused = line(weapons={"PANZERFAUST": (1, 1, 1, 0, 0)})
    files[place] = round_file(files[place].name[:17], 1, [refused])
    results = take(db, files)
    assert [result.filename for result in results] == [file.name for file in files]
    bad = [number for number, result in enumerate(results) if result.status is not ImportStatus.IMPORTED]
    assert bad == [place]
    assert results[place].status is ImportStatus.QUARANTINED
    assert alone == [file.name for file in files[GROUP : 2 * GROUP]]
    assert column(db, "SELECT count(*) FROM rounds") == [3 * GROUP - 1]
    assert verify(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).differences == []


@pytest.mark.parametrize("size", [2, 3, 5, GROUP])
def test_versions_in_a_group_are_imported_in_order(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Several versions and names in one group give the same result as one file at a time."""
    one, two, three = SESSION[:3]
    longer = round_file(one.name[:17], 1, [line(), line("0000CCCC", "cee")], map_name=MAPS[0])
    files = [
        File(one.name, one.content[:-40], 1_759_430_000),
        File(one.name, one.content, 1_759_430_000),
        two,
        File(f"2025-10-02-195500{two.name[17:]}", two.content),
        File(f"2025-10-02-195000{one.name[17:]}", one.content),
        File(one.name, longer.content, 1_759_430_100),
        three,
        File(one.name, longer.content, 1_759_430_160),
        File(f"2025-10-02-195000{one.name[17:]}", three.content),
        File(one.name, one.content[:-40], 1_759_430_200),
        File(f"2025-10-03-010000{three.name[17:]}", three.content),
        File(one.name, longer.content, 1_759_430_300),
    ]
    monkeypatch.setattr("etstats.importer.importer.GROUP", 1)
    expected = [(result.status, result.reason) for result in take(db, files)]
    stored = snapshot(db)
    assert {status for status, _ in expected} > {ImportStatus.REPLACED, ImportStatus.DUPLICATE, ImportStatus.KNOWN}
    empty(db)
    monkeypatch.setattr("etstats.importer.importer.GROUP", size)
    assert [(result.status, result.reason) for result in take(db, files)] == expected
    assert snapshot(db) == stored
    assert verify(db, RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)).differences == []


def test_rounds_years_apart_read_nothing_in_between(
    db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds between the times of a group's files are not read."""
    far = [on(datetime(year, 10, 2)) for year in (2022, 2023, 2025)]  # noqa: DTZ001
    take(db, days(30))
    read = _rounds_read(monkeypatch)
    results = take(db, far)
    assert [result.status for result in results] == [ImportStatus.IMPORTED] * 3
    assert sum(read) == 0
    assert column(db, "SELECT count(*) FROM sessions") == [33]
