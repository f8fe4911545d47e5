"""Any permutation, split and repetition of files gives the same rows."""

from datetime import datetime, timedelta
from functools import cache
from unittest import mock

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.verify import verify
from etstats.demo.generator import GeneratedFile, Quirks, generate
from tests.importer.world import HOUR, ZONE, empty, snapshot, take
from tests.support.examples import on_a_database
from tests.support.files import File

WILD = Quirks(
    resets=0.4,
    spectators=0.4,
    late_joiners=0.4,
    leavers=0.3,
    substitutes=0.5,
    renames=0.3,
    shared_names=0.3,
    surrenders=0.3,
    lost_files=0.15,
    crlf=0.2,
    unknown_times=0.2,
    bots=0.3,
    knife_drops=0.4,
    midnight=0.5,
    impossible_numbers=0.1,
)
SERVERS = ("north", "south")


@cache
def world(seed: int) -> tuple[tuple[str, File], ...]:
    """Two servers' sessions with all kinds of disturbances: (server, file), final or earlier versions."""
    found: list[tuple[str, File]] = []
    for index, server in enumerate(SERVERS):
        start = datetime(2025, 10, 6, 22, 40, tzinfo=ZONE)
        files = list(
            generate(
                10 * seed + index, start=start, files=7, players=4, maps=(1, 2), pause_days=(1, 1), quirks=WILD
            )
        )
        found += [(server, _file(file)) for file in files]
        if index == seed % 2:
            found += [(server, file) for file in _disturbed(files)]
    return tuple(found)


def _file(generated: GeneratedFile) -> File:
    return File(generated.name, generated.content, generated.mtime)


def _disturbed(files: list[GeneratedFile]) -> list[File]:
    """The same files truncated, shortened at a line end, and under an earlier and a later name."""
    cut, shortened, again = files[0], files[1], files[2]
    lines = shortened.content.splitlines(keepends=True)
    later = _renamed(again, timedelta(minutes=70))
    return [
        File(cut.name, cut.content[: len(cut.content) * 2 // 3], cut.mtime),
        File(shortened.name, b"".join(lines[:-1]), shortened.mtime),
        later,
        File(_renamed(files[3], timedelta(minutes=-45)).name, files[3].content, files[3].mtime),
        File(_renamed(files[4], timedelta(days=3)).name, files[4].content[:-1], files[4].mtime),
    ]


def _renamed(file: GeneratedFile, by: timedelta) -> File:
    stamp = datetime.strptime(file.name[:17], "%Y-%m-%d-%H%M%S") + by  # noqa: DTZ007
    return File(f"{stamp:%Y-%m-%d-%H%M%S}{file.name[17:]}", file.content, file.mtime)


def imported(conn: psycopg.Connection, files: list[tuple[str, File]], gap: timedelta) -> None:
    """Import (server, file)s in order, in one run per part of a server."""
    run: list[File] = []
    for index, (server, file) in enumerate(files):
        run.append(file)
        if index + 1 == len(files) or files[index + 1][0] != server:
            take(conn, run, server, gap)
            run = []


@pytest.mark.parametrize("gap", [HOUR, timedelta(minutes=5)], ids=["hour", "five minutes"])
@on_a_database()
@given(data=st.data())
def test_any_order_gives_the_same_rows(db: psycopg.Connection, gap: timedelta, data: st.DataObject) -> None:
    """Shuffled files in several runs, with repeats and any group size, equal an import in order."""
    files = world(data.draw(st.integers(0, 5), label="world"))
    places = range(len(files))
    shuffled = [files[place] for place in data.draw(st.permutations(places), label="order")]
    repeated = [files[place] for place in data.draw(st.lists(st.sampled_from(places), max_size=4), label="again")]
    group = data.draw(st.sampled_from([1, 2, 3, 16]), label="files of a transaction")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(files)), max_size=3), label="runs"))

    empty(db)
    with mock.patch("etstats.importer.importer.GROUP", 1):
        imported(db, sorted(files, key=lambda file: (file[0], file[1].name, len(file[1].content))), gap)
    expected = snapshot(db)
    empty(db)
    with mock.patch("etstats.importer.importer.GROUP", group):
        for start, end in zip([0, *cuts], [*cuts, len(files)], strict=True):
            imported(db, shuffled[start:end], gap)
        imported(db, repeated, gap)

    assert snapshot(db) == expected
    plan = RebuildPlan(gap=gap, zone_of=lambda _: ZONE)
    assert verify(db, plan).differences == []
    assert rebuild(db, plan).written == 0
    assert snapshot(db) == expected
