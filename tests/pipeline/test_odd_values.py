"""Files with bots, anonymous players and unreadable values, in every reading command."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from etstats.domain.fields import CORE_FIELDS, FIELDS
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
    """A line whose optional and computed values are all unreadable."""
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
def test_commands_work_with_unknown_values(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    """A player with only the required values known breaks no table, post or check."""
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
    assert "internal error" not in done.err
    assert done.code in (0, 2 if words[0] == "post" else 0, 3 if words[0] == "health" else 0)


@pytest.mark.parametrize("time", ["-infinity", "0001-01-01 00:00Z", "9999-12-31 23:59Z"])
def test_commands_name_an_impossible_time(cli: Cli, db: psycopg.Connection, tmp_path: Path, time: str) -> None:
    """With an impossible time in the database, commands answer or name it; a rebuild repairs rounds."""
    players = [line(GUIDS[0]), line(GUIDS[1], team=2)]
    files = (round_file(f"2025-10-0{day}-213000", 1, players) for day in (2, 3))
    assert cli("import", put(tmp_path / "files", *files)).code == 0
    db.execute("UPDATE rounds SET ended_at = %s WHERE id = (SELECT max(id) FROM rounds)", [time])
    db.commit()
    for words in (
        ["sessions"],
        ["awards", "--since", "all"],
        ["achievements"],
        ["leaderboard"],
        ["post", "--dry-run"],
    ):
        done = cli(*words)
        assert done.code == 0 or (done.code, "impossible value: rounds.ended_at" in done.err) == (2, True), done
    found = cli("health")
    assert (found.code, "a round has an impossible time" in found.out) == (3, True) or (
        found.code,
        "rounds.ended_at" in found.err,
    ) == (2, True), found
    assert cli("rebuild", "--yes").code == 0
    assert cli("sessions").code == cli("validate").code == cli("rebuild", "--verify").code == 0


def test_impossible_ratings_and_orphans_are_named(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """A rating that is not a number is named and repaired; rows of a player without rounds break no board."""
    players = [line(GUIDS[0]), line(GUIDS[1], team=2)]
    files = (round_file(f"2025-10-02-21{minute}000", minute, players) for minute in (1, 2))
    assert cli("import", put(tmp_path / "files", *files)).code == cli("rating").code == 0
    db.execute("UPDATE player_ratings SET mu = 'NaN'")
    db.commit()
    done = cli("rating")
    assert (done.code, "impossible value: player_ratings.mu NaN" in done.err) == (2, True), done
    done = cli("validate")
    assert (done.code, "player_ratings.mu" in done.out) == (3, True), done
    assert cli("rebuild", "--yes").code == cli("rating").code == 0
    with db.transaction():
        db.execute(
            "ALTER TABLE player_comprehensive_stats DROP CONSTRAINT player_comprehensive_stats_round_id_fkey"
        )
        db.execute(
            "UPDATE player_comprehensive_stats SET round_id = round_id + 90 WHERE player_guid = %s", [GUIDS[0]]
        )
    for words in (["leaderboard", "kd"], ["awards", "--since", "all"], ["achievements"], ["season"], ["players"]):
        assert cli(*words).code == 0, words


def test_unreadable_value_is_null_and_reported(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """The value is NULL in the table, and validate reports file, line, field and text."""
    text = line(GUIDS[0], time_dead_minutes=7.7).replace("\t7.7\t", "\t-183.3\t")
    file = round_file("2025-10-02-213000", 1, [text, line(GUIDS[1], team=2)])
    assert cli("import", put(tmp_path / "files", file)).code == 0
    rows = db.execute(
        "SELECT time_dead_minutes, time_dead_ratio FROM player_comprehensive_stats ORDER BY player_guid"
    ).fetchall()
    assert rows == [(None, None), (0, 0)]
    found = [
        finding for finding in json.loads(cli("validate", "--json").out) if finding["check"] == "unreadable_value"
    ]
    assert [(finding["filename"], finding["field"], finding["value"]) for finding in found] == [
        (file.name, "time_dead_minutes", "line 2: -183.3")
    ]


def test_every_command_answers_without_a_player_who_has_a_guid(cli: Cli, tmp_path: Path) -> None:
    """On a server that hands out no GUIDs, sessions, posts and pages have the rounds, and nobody is ranked."""
    one = round_file("2025-10-02-213000", 1, [line("UNKNOWN", "a"), line("UNKNOWN", "b", team=2)])
    two = round_file("2025-10-02-214000", 2, [line("", "a", team=2), line("", "b")], limit="5:00", actual="4:00")
    assert cli("import", put(tmp_path / "files", one, two)).code == 0
    nobody = [words for words in READING if words[0] not in {"player", "compare"}]
    for words in [*nobody, ["rating"], ["duos"], ["site", "build", str(tmp_path / "site")]]:
        done = cli(*words)
        assert done.code in (0, 3 if words[0] == "health" else 0), (words, done.err)
    assert "supply" in (tmp_path / "site" / "sessions" / "1" / "index.html").read_text()


def test_lines_without_guid_are_counted_not_stored(cli: Cli, db: psycopg.Connection, tmp_path: Path) -> None:
    """Bots and players without a GUID are counted in `rounds` and in no other table."""
    lines = [line(GUIDS[0]), line(GUIDS[1], team=2), line("OMNIBOT0"), line("OMNIBOT0"), line("UNKNOWN"), line("")]
    files = put(
        tmp_path / "files",
        round_file("2025-10-02-213000", 1, lines),
        round_file(
            "2025-10-02-230000", 1, [*lines, *[line(f"OMNIBOT{index}") for index in range(4)]], map_name="radar"
        ),
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


def test_uncounted_rounds_are_listed_with_all(cli: Cli, tmp_path: Path) -> None:
    """A round mostly of bots is in no list, board, sum or post; `--all` lists it, its page gives the reason."""
    lines = [line(GUIDS[0]), line(GUIDS[1], team=2)]
    bots = [line(f"OMNIBOT{index}") for index in range(3)]
    counted = round_file("2025-10-02-213000", 1, lines)
    same_session = round_file("2025-10-02-215000", 1, [*lines, *bots], map_name="radar")
    bots_alone = round_file("2025-10-03-213000", 1, [lines[0], *bots], map_name="goldrush")
    assert cli("import", put(tmp_path / "files", bots_alone)).code == 0
    for what in ("rounds", "sessions"):
        none = cli(what)
        assert (none.code, f"To list all: etstats {what} --all" in none.out) == (0, True)
        assert json.loads(cli(what, "--json").out) == []
    assert cli("import", put(tmp_path / "files", counted, same_session)).code == 0

    def maps(*options: str) -> list[str]:
        return [row["map_name"] for row in json.loads(cli("rounds", *options, "--json").out)]

    assert maps() == ["supply"]
    assert maps("--all") == maps("--bots") == ["goldrush", "radar", "supply"]
    assert maps("--all", "--last", "2rounds") == ["goldrush", "radar"]
    assert maps("--all", "--last", "1sessions") == ["goldrush"]
    sessions = json.loads(cli("sessions", "--json").out)
    assert [(row["maps"], row["rounds"]) for row in sessions] == [(1, 1)]
    assert [row["rounds"] for row in json.loads(cli("sessions", "--all", "--json").out)] == [1, 2]
    last = json.loads(cli("session", "last", "--json").out)
    assert [round_["map_name"] for round_ in last["rounds"]] == ["supply"]
    page = cli("round", bots_alone.name).out
    assert "Not shown: 3 bots, 0 players without a GUID." in page
    assert "This round does not count" in page
    assert "goldrush" in cli("session", "2025-10-03").out
    assert "3   no" in cli("rounds", "--all").out


@pytest.fixture
def settings(home: Path) -> Callable[[str], None]:
    """Write the settings."""

    def write(text: str) -> None:
        path = home / ".config" / "etstats" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


@pytest.mark.parametrize(
    ("rule", "maps"),
    [
        ("humans", ["few_bots", "no_bots"]),
        ("all", ["many_bots", "few_bots", "no_bots"]),
        ("none", ["no_bots"]),
    ],
)
def test_bot_settings_decide_which_rounds_count(
    cli: Cli, settings: Callable[[str], None], tmp_path: Path, rule: str, maps: list[str]
) -> None:
    """At import and, after a change, by a rebuild."""
    lines = [line(GUIDS[0]), line(GUIDS[1], team=2)]
    bots = [line(f"OMNIBOT{index}") for index in range(3)]
    files = [
        round_file(f"2025-10-02-{21 + index}0000", 1, [*lines, *bots[:count]], map_name=name)
        for index, (name, count) in enumerate([("no_bots", 0), ("few_bots", 2), ("many_bots", 3)])
    ]

    def counted() -> list[str]:
        return [row["map_name"] for row in json.loads(cli("rounds", "--json").out)]

    settings(f'[bots]\nrounds = "{rule}"\n')
    assert cli("import", put(tmp_path / "files", *files)).code == 0
    assert counted() == maps
    assert cli("rebuild", "--verify").code == 0
    settings("")
    assert cli("rebuild", "--yes").code == 0
    assert counted() == ["few_bots", "no_bots"]
    assert json.loads(cli("validate", "--errors", "--json").out) == []


def test_bot_settings_decide_about_records(cli: Cli, settings: Callable[[str], None], tmp_path: Path) -> None:
    """With `records = true`, a round with a bot sets records and achievements, on the site too."""

    def on_page() -> list[str]:
        assert cli("site", "build", tmp_path / "site").code == 0
        page = json.loads((tmp_path / "site/players" / GUIDS[0] / "data.json").read_text())
        return [row["record"] for row in page["records"]]

    lines = [line(GUIDS[0]), line(GUIDS[1], team=2), line("OMNIBOT0")]
    files = put(tmp_path / "files", round_file("2025-10-02-213000", 1, lines))
    assert cli("import", files).code == 0
    assert json.loads(cli("records", "--json").out) == on_page() == []
    settings("[bots]\nrecords = true\n")
    assert cli("rebuild", "--yes").code == 0
    assert {row["record"] for row in json.loads(cli("records", "--json").out)} >= {"kills", "damage"}
    assert {"kills", "damage"} <= set(on_page())


@pytest.mark.parametrize("text", ['[bots]\nrounds = "some"\n', "[bots]\nrecords = 7\n", "[bots]\nround = 1\n"])
def test_invalid_bot_settings_are_refused(cli: Cli, settings: Callable[[str], None], text: str) -> None:
    """One line with the file and the section, exit code 2."""
    settings(text)
    done = cli("rounds")
    assert (done.code, done.err.count("\n"), "[bots]" in done.err) == (2, 1, True)


OBJECTIVE = """
[[servers]]
name = "main"
path = "{}"
{}
"""


@pytest.mark.parametrize("rounds", [(0, 0, 0), (1, 2, 3), (0, 1, 0), (1, 1, 1)], ids=str)
def test_server_without_stopwatch_has_single_rounds(
    cli: Cli, settings: Callable[[str], None], db: psycopg.Connection, tmp_path: Path, rounds: tuple[int, ...]
) -> None:
    """Single-round matches with outcome and winner; no score, no warning about round 1; counted once."""
    files = []
    kills = 0
    for number, earlier in enumerate(rounds):
        kills = kills + 3 if number and earlier == rounds[number - 1] + 1 else 3
        shown = {"weapons": {"MP40": (20 + kills, 60 + kills, kills, kills, 4)}, "damage_given": 100 * kills}
        shown |= {"damage_received": 100 * kills, "time_played_minutes": float(kills), "rounds": earlier}
        players = [line(GUIDS[0], xp=number, **shown), line(GUIDS[1], team=2, xp=number, **shown)]
        files.append(round_file(f"2025-10-02-21{number}000", 2, players, actual="0:00", winner=2))
    folder = put(tmp_path / "files", *files)
    settings(OBJECTIVE.format(folder, "stopwatch = false"))
    assert (done := cli("sync")).code == 0
    assert "stopwatch" not in done.err
    assert [row["value"] for row in json.loads(cli("leaderboard", "--top", "kills", "--json").out)] == [9, 9]
    shown_rounds = json.loads(cli("rounds", "--json").out)
    assert [(row["outcome"], row["winner_team"], row["is_cumulative"]) for row in shown_rounds] == [
        ("completed", 2, False)
    ] * 3
    (session,) = json.loads(cli("sessions", "--json").out)
    assert (session["maps"], session["score"]) == (3, None)
    view = json.loads(cli("session", "last", "--json").out)
    assert {one["winner"] for one in view["maps"]} <= {1, 2}
    assert [one["score"] for one in (view, *view["maps"])] == [None] * 4
    table = cli("session", "last").out
    assert not re.search(r"\b0:0\b", table)
    assert "Result" in table
    assert json.loads(cli("validate", "--json").out) == [] or "round2_without_round1" not in cli("validate").out
    assert "BAD stopwatch" not in cli("health").out
    assert "round 1" not in cli("diagnose", "--offline").out
    assert db.execute("SELECT count(DISTINCT match_id) FROM rounds").fetchone() == (3,)


@pytest.mark.parametrize("setting", ["", "stopwatch = true"])
def test_unpaired_round_2s_are_reported(
    cli: Cli, settings: Callable[[str], None], tmp_path: Path, setting: str
) -> None:
    """Unpaired round 2s are reported by import, sync, health and diagnose, unless `stopwatch` is set."""
    players = [line(GUIDS[0]), line(GUIDS[1], team=2)]
    files = [
        round_file(f"2025-10-02-21{index}000", 2, [*players, line(GUIDS[2], xp=index)], map_name=f"map{index}")
        for index in range(3)
    ]
    folder = put(tmp_path / "files", *files)
    settings(OBJECTIVE.format(folder, setting))
    said = [cli("import", folder).err, cli("health").out, cli("diagnose", "--offline").out]
    assert ["stopwatch = false" in text for text in said] == [not setting] * 3
    (folder / "2025-10-02-220000-supply-round-1.txt").write_bytes(
        round_file("2025-10-02-220000", 1, players).content
    )
    assert cli("sync").code == 0
    assert "BAD stopwatch" not in cli("health").out


@pytest.mark.parametrize(
    ("ratios", "is_wrong"),
    [((1.5, 1.5, 1.5), False), ((1.5, 7.5, 1.5), False), ((7.5, 7.5, 1.5), True), ((0, 0, 0), False)],
)
def test_counters_of_another_map_are_reported(
    cli: Cli, tmp_path: Path, ratios: tuple[float, ...], is_wrong: bool
) -> None:
    """A K/D that differs from the weapons for most players is reported by health; for one player it is not."""
    players = [line(guid, kd_ratio=ratio) for guid, ratio in zip(GUIDS[:3], ratios, strict=True)]
    file = round_file("2025-10-02-213000", 1, players)
    assert cli("import", put(tmp_path / "files", file)).code == 0
    health = " ".join(cli("health").out.split())
    assert (f"BAD counters main 1 file of this week, such as {file.name}" in health) == is_wrong


def test_newer_script_is_reported(cli: Cli, tmp_path: Path) -> None:
    """More fields than known are reported by health and validate; the round counts."""
    players = [line(guid) + "\t1\t2" for guid in GUIDS[:2]]
    assert cli("import", put(tmp_path / "files", round_file("2025-10-02-213000", 1, players))).code == 0
    assert "script main" in cli("health").out
    assert "lines have 40 fields" in cli("health").out
    assert "newer_layout" in cli("validate").out


def test_unknown_value_is_not_shown_as_zero(cli: Cli, tmp_path: Path) -> None:
    """Null in JSON, a dash in tables and posts; sums skip it."""
    names = ("gibs", "time_dead_minutes", "xp", "kill_assists", "most_useful_kills", "times_revived")
    _, *texts = line(GUIDS[0]).split("\t")
    head = line(GUIDS[0]).split("\t")[0]
    odd = "\t".join(
        [head, *("-nan" if field.name in names else text for field, text in zip(FIELDS, texts, strict=True))]
    )
    file = round_file("2025-10-02-213000", 1, [odd, line(GUIDS[1], team=2, gibs=4)])
    assert cli("import", put(tmp_path / "files", file)).code == 0
    keys = (
        "gibs",
        "time_dead_seconds",
        "time_dead_ratio",
        "xp",
        "kill_assists",
        "most_useful_kills",
        "times_revived",
    )
    for words in (["round", "last"], ["session", "last"]):
        players = {player["player_guid"]: player for player in json.loads(cli(*words, "--json").out)["players"]}
        assert [players[GUIDS[0]][key] for key in keys] == [None] * 7
        assert (players[GUIDS[1]]["gibs"], players[GUIDS[1]]["xp"]) == (4, 0)
    post = cli("post", "--dry-run", "--round", "last").out
    assert re.search(r"bo +3 +2 +- +100", post)
    assert "None" not in post


def test_hold_of_the_set_time_is_not_a_full_hold(cli: Cli, tmp_path: Path) -> None:
    """In the list of maps, on the round's page and in its post."""
    one = round_file("2025-10-02-213000", 1, actual="5:00")
    grown = {"damage_given": 300, "damage_received": 300, "time_played_minutes": 10.0}
    two = round_file(
        "2025-10-02-213800",
        2,
        [line(rounds=1, team=2, **grown), line(GUIDS[1], "eve", rounds=1, **grown)],
        limit="5:00",
        actual="5:00",
        defender=2,
        winner=2,
    )
    full = round_file(
        "2025-10-02-220000",
        1,
        [line(time_played_minutes=10.0), line(GUIDS[1], "eve", team=2, time_played_minutes=10.0)],
        map_name="radar",
        winner=1,
        actual="10:00",
    )
    assert cli("import", put(tmp_path / "files", one, two, full)).code == 0
    holds = {
        row["map_name"]: (row["limit_holds"], row["set_time_holds"])
        for row in json.loads(cli("maps", "--json").out)
    }
    assert holds == {"supply": (0, 1), "radar": (1, 0)}
    assert "held the set time" in cli("round", two.name).out
    ids = {row["filename"]: str(row["id"]) for row in json.loads(cli("rounds", "--json").out)}
    assert "held the set time" in cli("post", "--dry-run", "--round", ids[two.name]).out
    assert "set time" not in cli("post", "--dry-run", "--round", ids[full.name]).out


@pytest.mark.parametrize(
    ("actual", "shown"), [("71:05", "5:00"), ("86:40", "5:00"), ("0:00", "5:00"), ("4:58", "4:58")]
)
def test_time_over_the_limit_is_not_shown(cli: Cli, tmp_path: Path, actual: str, shown: str) -> None:
    """Tables and JSON show the time played instead; only explain and validate show the raw value."""
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
def test_round_is_never_counted_twice(
    cli: Cli, tmp_path: Path, stamp: str, actual: str, limit: str, order: int
) -> None:
    """A limit off by a second, or two names with the same second, are still a pair."""
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
