"""Files with bots, anonymous players and unreadable values, through every reading command."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from etstats.parser.fields import CORE_FIELDS, FIELDS
from tests.conftest import CliResult
from tests.support.files import GUIDS, File, line, round_file

Cli = Callable[..., CliResult]

READING = [
    ["session", "last"],
    ["sessions"],
    ["round", "last"],
    ["rounds"],
    ["awards"],
    ["achievements"],
    ["records"],
    ["maps"],
    ["weapons"],
    ["season"],
    ["player", GUIDS[0]],
    ["player", GUIDS[1]],
    ["compare", GUIDS[0], GUIDS[1]],
    ["leaderboard"],
    *(["leaderboard", "--top", board] for board in ("kd", "dpm", "xp", "gibs", "revives", "useful", "objectives")),
    ["post", "--dry-run"],
    ["health"],
    ["rebuild", "--verify"],
]


def unreadable(guid: str, **options: int) -> str:
    """A line whose secondary and recomputed values are all unreadable."""
    head, *texts = line(guid, f"p{guid[-1]}", **options).split("\t")
    return "\t".join(
        [head, *(text if field.name in CORE_FIELDS else "-nan" for field, text in zip(FIELDS, texts, strict=True))]
    )


def put(folder: Path, *files: File) -> Path:
    """Write files into a folder."""
    folder.mkdir(exist_ok=True)
    for file in files:
        (folder / file.name).write_bytes(file.content)
    return folder


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_every_command_answers_with_unknown_values(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    """A player of whom nothing but the core values is known breaks no table, post or check."""
    bot = line("OMNIBOT0", "bot", team=2)
    one = round_file(
        "2025-10-02-213000", 1, [unreadable(GUIDS[0]), unreadable(GUIDS[1], team=2), line(GUIDS[2]), bot]
    )
    two = round_file(
        "2025-10-02-214000",
        2,
        [unreadable(GUIDS[0], team=2, rounds=1), unreadable(GUIDS[1], rounds=1), line(GUIDS[3]), bot],
        limit="5:00",
    )
    assert cli("import", put(tmp_path / "files", one, two)).code == 0
    done = cli(*words)
    assert "fault of etstats" not in done.err
    assert done.code in (0, 2 if words[0] == "post" else 0, 3 if words[0] == "health" else 0)


def test_an_unreadable_value_is_null_and_named(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """The value is unknown in the table, and validate names file, line, field and text."""
    text = line(GUIDS[0], time_dead_minutes=7.7).replace("\t7.7\t", "\t-183.3\t")
    file = round_file("2025-10-02-213000", 1, [text, line(GUIDS[1], team=2)])
    assert cli("import", put(tmp_path / "files", file)).code == 0
    rows = db.execute(
        "SELECT time_dead_minutes, time_dead_ratio FROM player_comprehensive_stats ORDER BY player_guid"
    ).fetchall()
    assert rows == [(None, None), (0, 0)]
    found = [f for f in json.loads(cli("validate", "--json").out) if f["check"] == "unreadable_value"]
    assert [(f["filename"], f["field"], f["value"]) for f in found] == [
        (file.name, "time_dead_minutes", "line 2: -183.3")
    ]


def test_lines_without_an_identity_are_counted_and_not_stored(
    cli: Cli, db: psycopg.Connection, tmp_path: Path
) -> None:
    """Bots and players without a GUID are in `rounds`, and in no other table."""
    lines = [line(GUIDS[0]), line(GUIDS[1], team=2), line("OMNIBOT0"), line("OMNIBOT0"), line("UNKNOWN"), line("")]
    files = put(
        tmp_path / "files",
        round_file("2025-10-02-213000", 1, lines),
        round_file("2025-10-02-230000", 1, [*lines, *[line(f"OMNIBOT{n}") for n in range(4)]], map_name="radar"),
    )
    assert cli("import", files).code == 0
    assert db.execute("SELECT bots, anonymous, is_counted FROM rounds ORDER BY id").fetchall() == [
        (2, 2, True),
        (6, 2, False),
    ]
    assert db.execute("SELECT DISTINCT player_guid FROM player_comprehensive_stats ORDER BY 1").fetchall() == [
        (GUIDS[0],),
        (GUIDS[1],),
    ]
    assert [row["rounds"] for row in json.loads(cli("leaderboard", "--top", "kills", "--json").out)] == [1, 1]
    assert json.loads(cli("records", "--json").out) == []
    checks = {finding["check"] for finding in json.loads(cli("validate", "--json").out)}
    assert not checks & {"damage_differs", "kills_differ_from_deaths", "round_without_players"}


@pytest.mark.parametrize(
    ("actual", "shown"), [("71:05", "5:00"), ("86:40", "5:00"), ("0:00", "5:00"), ("4:58", "4:58")]
)
def test_a_time_over_the_limit_is_never_shown(cli: Cli, tmp_path: Path, actual: str, shown: str) -> None:
    """Tables and JSON show the time played instead; explain and validate alone show the raw value."""
    file = round_file("2025-10-02-213000", 1, actual=actual)
    assert cli("import", put(tmp_path / "files", file)).code == 0
    for words in (["round", "last"], ["session", "last"], ["rounds"]):
        done = cli(*words)
        assert shown in done.out
        assert "1:11:05" not in done.out
    minutes, seconds = shown.split(":")
    assert json.loads(cli("rounds", "--json").out)[0]["actual_time_seconds"] == int(minutes) * 60 + int(seconds)


@pytest.mark.parametrize(
    ("stamp", "actual", "limit"),
    [("213800", "5:01", "5:00"), ("213800", "4:59", "5:00"), ("213000", "5:00", "5:00")],
)
@pytest.mark.parametrize("order", [1, -1], ids=["in order", "round 2 first"])
def test_a_round_is_never_counted_twice(
    cli: Cli, tmp_path: Path, stamp: str, actual: str, limit: str, order: int
) -> None:
    """A limit that is a second off, or both files with one second in their names, is a pair all the same."""
    one = round_file("2025-10-02-213000", 1, actual=actual)
    twice = {"damage_given": 200, "damage_received": 200, "time_played_minutes": 9.0}
    two = round_file(
        f"2025-10-02-{stamp}",
        2,
        [
            line(rounds=1, team=2, weapons={"MP40": (40, 120, 6, 4, 8)}, **twice),
            line(GUIDS[1], "eve", rounds=1, weapons={"MP40": (40, 120, 6, 4, 8)}, **twice),
        ],
        limit=limit,
    )
    for number, file in enumerate([one, two][::order]):
        assert cli("import", put(tmp_path / str(number), file)).code == 0
    assert [row["value"] for row in json.loads(cli("leaderboard", "--top", "kills", "--json").out)] == [6, 6]
    assert cli("rebuild", "--verify").code == 0
    checks = {finding["check"] for finding in json.loads(cli("validate", "--json").out)}
    assert not checks & {"pairing_impossible", "round2_without_round1"}
