"""Tests of explain: the source lines of stored numbers, and their arithmetic."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from etstats.demo.generator import Quirks, generate, write_files
from etstats.parser.rounds import Rule
from tests.conftest import CliResult
from tests.importer.world import column, take
from tests.support.files import GUIDS, line, round_file

Cli = Callable[..., CliResult]
BOTH_WEAPONS = {"MP40": (50, 160, 7, 5, 6), "KNIFE": (0, 3, 0, 0, 0)}
BOTH = {"damage_given": 250, "damage_received": 250, "time_played_minutes": 9.0}


@pytest.fixture
def match(db: psycopg.Connection) -> None:
    """Return both rounds of a map: bo plays both, eve reconnects, ann joins, dan watches round 2."""
    one = [line(xp=20), line(GUIDS[1], "eve", team=2), line(GUIDS[3], "dan", team=2)]
    two = [
        line(name="^2bobby", rounds=1, team=2, weapons=BOTH_WEAPONS, xp=11, **BOTH),
        line(GUIDS[1], "eve", rounds=0, damage_given=30, time_played_minutes=2.0),
        line(GUIDS[2], "ann", rounds=0, time_played_minutes=4.0),
        line(GUIDS[3], "dan", rounds=1, team=3),
    ]
    take(db, [round_file("2025-10-02-213000", lines=one), round_file("2025-10-02-213800", 2, two, limit="5:00")])


def explained(cli: Cli, *words: str) -> dict[str, Any]:
    """Return one explanation, as JSON."""
    done = cli("explain", *words, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.usefixtures("match")
@pytest.mark.parametrize(
    ("player", "rule"),
    [("bobby", Rule.SPLIT), ("eve", Rule.RESET), ("ann", Rule.JOINED), ("dan", Rule.ABSENT)],
)
def test_explanation_names_the_rule_of_each_player(cli: Cli, player: str, rule: Rule) -> None:
    """The rules split, reset, joined and absent are reported; an absent player has lines and no stored number."""
    found = explained(cli, "last", player)
    assert found["rule"] == rule.value
    stored = {number["field"]: number["stored"] for number in found["numbers"]}
    assert (stored["kills"] is None) == (rule is Rule.ABSENT)
    assert len(found["sources"]) == (1 if rule is Rule.JOINED else 2)


@pytest.mark.usefixtures("match")
@pytest.mark.parametrize(
    ("field", "stored", "read", "round1", "how"),
    [
        ("damage_given", "150", "250", "100", "250 - 100 = 150 (cumulative)"),
        ("xp", "11", "11", "20", "11 as recorded (per round)"),
        ("kills", "4", "7", "3", "kills summed over the weapons, each less round 1: MP40 4 = 4"),
        ("time_played_seconds", "240", "9.0 min", "5.0 min", "9.0 min = 540 s - 5.0 min = 300 s: 240"),
        ("dpm", "37.5", "0.0", "0.0", "60 × damage_given / time_played_seconds; 0 without time"),
        ("MP40.shots", "100", "160", "60", "160 - 60 = 100 (cumulative)"),
        ("KNIFE.shots", "3", "3", None, "3 as recorded"),
        ("clean_name", "bobby", "^2bobby", None, "without colours: bobby"),
    ],
)
def test_single_value_shows_its_arithmetic(
    cli: Cli, field: str, stored: str, read: str, round1: str | None, how: str
) -> None:
    """Stored value, values read, and their arithmetic are shown."""
    number = explained(cli, "last", "bobby", field)["numbers"]
    assert [
        (entry["field"], entry["stored"], entry["read"], entry["round1"], entry["how"]) for entry in number
    ] == [(field, stored, read, round1, how)]


@pytest.mark.usefixtures("match")
def test_sources_have_file_hash_and_line(cli: Cli, db: psycopg.Connection) -> None:
    """Both files are listed with SHA-256, line number and text, the round's own file first."""
    sources = explained(cli, "last", "bobby")["sources"]
    assert [(source["round_number"], source["filename"], source["line"]) for source in sources] == [
        (2, "2025-10-02-213800-supply-round-2.txt", 2),
        (1, "2025-10-02-213000-supply-round-1.txt", 2),
    ]
    assert [source["file_hash"] for source in sources] == column(
        db, "SELECT file_hash FROM processed_files ORDER BY filename DESC"
    )
    assert sources[1]["text"].startswith("0000AAAA\\^1bo\\0\\1\\")
    assert "SHA-256" in cli("explain", "last", "bobby", "kills").out


@pytest.mark.usefixtures("match")
def test_round_and_player_are_found_by_every_name(cli: Cli, db: psycopg.Connection) -> None:
    """Rounds are given by id, file name or last; players by any name, in any case, or by GUID."""
    number = str(column(db, "SELECT max(id) FROM rounds")[0])
    for which in (number, "2025-10-02-213800-supply-round-2.txt", "2025-10-02-213800-supply-round-2", "last"):
        for player in ("bobby", "BOBBY", "bo", "0000AAAA", "0000aaaa"):
            assert explained(cli, which, player, "kills")["player_guid"] == GUIDS[0]


@pytest.mark.usefixtures("match")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("99999", "bobby"), "no round 99999"),
        (("last", "nobody-at-all"), "nobody-at-all"),
        (("last", "bobby", "damge_given"), "damage_given"),
        (("last", "bobby", "PANZERFAUST"), "PANZERFAUST"),
        (("2025-10-02-213000-supply-round-1.txt", "ann"), "2025-10-02-213000-supply-round-1.txt"),
    ],
)
def test_unknown_names_are_refused_with_suggestions(cli: Cli, words: tuple[str, ...], hint: str) -> None:
    """An unknown round, player or field exits with 2 and lists similar ones."""
    done = cli("explain", *words)
    assert done.code == 2
    assert hint in done.err


def test_unpaired_round_2_is_reported_as_cumulative(cli: Cli, db: psycopg.Connection) -> None:
    """Without round 1 the line is used as recorded, and this is reported."""
    take(db, [round_file("2025-10-02-213800", 2, [line(rounds=1), line(GUIDS[1], "eve", rounds=0)])])
    assert explained(cli, "last", "bo")["rule"] == Rule.CUMULATIVE.value
    assert explained(cli, "last", "eve")["rule"] == Rule.OWN.value


def test_explained_arithmetic_equals_the_stored_value(cli: Cli, tmp_path: Path, db: psycopg.Connection) -> None:
    """For every number of generated rounds, the result of the explanation is the stored value."""
    quirks = Quirks(resets=0.5, spectators=0.5, late_joiners=0.5, knife_drops=0.5)
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    write_files(tmp_path, generate(11, start=start, players=4, maps=(2, 2), quirks=quirks))
    assert cli("import", tmp_path).code == 0
    pairs = "SELECT round_id || ' ' || player_guid FROM player_comprehensive_stats ORDER BY round_id DESC LIMIT 10"
    checked = 0
    for round_id, guid in (pair.split() for pair in column(db, pairs)):
        for number in explained(cli, round_id, guid)["numbers"]:
            result = re.search(
                r"(?:= |: )(-?[\d.]+)(?: \(cumulative\)|, not below 0 \(cumulative\))?$", number["how"]
            )
            whole = re.match(r"(-?[\d.]+) as recorded", number["how"])
            figure = result or whole
            if figure and number["field"] not in ("clean_name", "player_name"):
                assert float(figure[1]) == float(number["stored"]), number
                checked += 1
    assert checked > 300
