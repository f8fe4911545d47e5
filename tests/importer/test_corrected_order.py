"""Corrections and files in any order give the same result as files in order after all corrections."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.rebuild import rebuild
from etstats.admin.audit.verify import verify
from etstats.admin.correct import NewCorrection, make, undo
from etstats.db import corrections
from etstats.demo.generator import Quirks, generate
from etstats.domain.rules.corrections import CorrectionKind
from etstats.errors import ConfigError
from etstats.parser.reader import parse
from tests.importer.world import HOUR, ZONE, empty, snapshot, take
from tests.support.examples import on_a_database
from tests.support.files import File

_PERSONS = "SELECT player_guid, identity_guid, display_name FROM player_identities ORDER BY 1"
_CONFLICTS = """
    SELECT f.filename, c.player_guid FROM identity_conflicts c
    JOIN rounds r ON r.id = c.round_id JOIN processed_files f ON f.id = r.file_id ORDER BY 1, 2"""
_CORRECTIONS = "SELECT id, made_at, kind, subject, value, reason, undone_at FROM corrections ORDER BY id"


@cache
def files(seed: int) -> tuple[File, ...]:
    """Two sessions; in the second some players have other GUIDs, and one old GUID returns later."""
    quirks = Quirks(substitutes=0.5, renames=0.3, late_joiners=0.3)
    start = datetime(2025, 10, 6, 20, 40, tzinfo=ZONE)
    found = [
        File(file.name, file.content, file.mtime)
        for file in generate(
            seed, start=start, sessions=2, players=6, maps=(2, 2), pause_days=(1, 1), quirks=quirks
        )
    ]
    first_day = found[0].name[:10]
    guids = sorted({player.guid for file in found for player in parse(file.name, file.content).players})
    changed = []
    for file in found:
        content = file.content
        if not file.name.startswith(first_day):
            for place, guid in enumerate(guids[:3]):
                content = content.replace(guid.encode(), f"BADC0DE{place}".encode())
        changed.append(File(file.name, content, file.mtime))
    # The last round again, hours later, with a GUID of the first day next to the one that replaced it.
    last = changed[-1]
    stamp = datetime.strptime(last.name[:17], "%Y-%m-%d-%H%M%S") + timedelta(hours=3)  # noqa: DTZ007
    name = f"{stamp:%Y-%m-%d-%H%M%S}{last.name[17:]}"
    present = sorted({player.guid for player in parse(last.name, last.content).players} - {"BADC0DE0"})
    lines = last.content.replace(present[0].encode(), guids[0].encode()).split(b"\n", 1)
    return (*changed, File(name, b"\n".join(lines), last.mtime + 10_800 if last.mtime else None))


def wanted(seed: int) -> list[NewCorrection]:
    """Corrections of these files, some of which are refused depending on earlier ones."""
    found = files(seed)
    names = [parse(file.name, file.content).name for file in found]
    guids = sorted({player.guid for file in found for player in parse(file.name, file.content).players})
    old = [guid for guid in guids if not guid.startswith("BADC0DE")]
    return [
        *(
            NewCorrection(kind=CorrectionKind.MERGE, subject=f"BADC0DE{place}", value=guid)
            for place in range(3)
            for guid in old[:3]
        ),
        NewCorrection(kind=CorrectionKind.MERGE, subject=old[0], value="BADC0DE1"),
        NewCorrection(kind=CorrectionKind.SPLIT, subject="BADC0DE0"),
        NewCorrection(kind=CorrectionKind.SPLIT, subject=old[1]),
        NewCorrection(kind=CorrectionKind.RENAME, subject=old[0], value="Alpha"),
        NewCorrection(kind=CorrectionKind.RENAME, subject="BADC0DE1", value="Beta"),
        *(NewCorrection(kind=CorrectionKind.VOID, subject=f"main/{file.name}") for file in found[::3]),
        NewCorrection(kind=CorrectionKind.UNVOID, subject=f"main/{found[0].name}"),
        NewCorrection(kind=CorrectionKind.EXCLUDE_MAP, subject=names[2].map_name),
        NewCorrection(kind=CorrectionKind.INCLUDE_MAP, subject=names[2].map_name),
        NewCorrection(kind=CorrectionKind.TEAM_NAME, subject=f"main/{found[0].name}", value="1 Foxes"),
    ]


def everything(conn: psycopg.Connection) -> dict[str, Sequence[object]]:
    """The stored rows that result from files and corrections."""
    with conn.transaction():
        identities = {
            "persons": conn.execute(_PERSONS).fetchall(),
            "conflicts": conn.execute(_CONFLICTS).fetchall(),
        }
    return {**snapshot(conn), **identities}


def plan() -> RebuildPlan:
    """A random order of files, corrections and undos."""
    return RebuildPlan(gap=HOUR, zone_of=lambda _: ZONE)


def try_to(conn: psycopg.Connection, correction: NewCorrection | int) -> None:
    """Make or undo a correction (by number); a refused one writes nothing."""
    with conn.transaction():
        there = [row.id for row in corrections.corrections(conn) if row.undone_at is None]
    try:
        if isinstance(correction, NewCorrection):
            make(conn, correction)
        elif there:
            undo(conn, there[correction % len(there)])
    except ConfigError:
        with conn.transaction():
            assert [row.id for row in corrections.corrections(conn) if row.undone_at is None] == there


@pytest.mark.usefixtures("db")
@on_a_database()
@given(data=st.data())
def test_order_of_files_and_corrections_changes_nothing(db: psycopg.Connection, data: st.DataObject) -> None:
    """Made and undone between imports in any order: the same as from scratch, by import and by rebuild."""
    seed = data.draw(st.integers(0, 2), label="seed")
    arrivals: list[File | NewCorrection | int] = list(data.draw(st.permutations(files(seed)), label="files"))
    steps = st.lists(st.one_of(st.sampled_from(wanted(seed)), st.integers(0, 9)), min_size=2, max_size=8)
    for step in data.draw(steps, label="corrections"):
        arrivals.insert(data.draw(st.integers(0, len(arrivals)), label="place"), step)
    scratch(db)
    for arrival in arrivals:
        if isinstance(arrival, File):
            take(db, [arrival])
        else:
            try_to(db, arrival)
    found = everything(db)
    assert verify(db, plan()).differences == []
    assert rebuild(db, plan()).exit_code == 0
    assert everything(db) == found
    with db.transaction():
        made = db.execute(_CORRECTIONS).fetchall()
    scratch(db)
    with db.transaction():
        for row in made:
            db.execute(
                "INSERT INTO corrections (id, made_at, kind, subject, value, reason, undone_at)"
                " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s)",
                row,
            )
        corrections.store_identities(db, corrections.state(db).rows())
    take(db, sorted(files(seed), key=lambda file: file.name))
    assert everything(db) == found


def scratch(db: psycopg.Connection) -> None:
    """Delete everything, including corrections."""
    empty(db)
    with db.transaction():
        db.execute("TRUNCATE corrections, player_identities, identity_conflicts RESTART IDENTITY")
