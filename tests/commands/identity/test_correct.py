"""Tests of correct: every kind, its refusals, its undo, and the results in the query commands."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import CliResult
from tests.importer.world import take
from tests.support.files import File, line, round_file

Cli = Callable[..., CliResult]
BOB, LAPTOP, EVE, MAX, ZED = "00B0B000", "1A970000", "00E7E000", "00033A00", "00002ED0"
DUELS = (("eve", EVE, 2), ("max", MAX, 1), ("zed", ZED, 2))
READING = (
    *(("leaderboard", name, "--min-rounds", "1") for name in ("kd", "damage", "games")),
    ("players",),
    ("sessions",),
    ("session",),
    ("rounds",),
    ("records",),
    ("achievements",),
    ("maps",),
    ("weapons",),
    ("rating",),
    ("awards",),
    ("player", BOB),
)


def match(day: int, guid: str, name: str, *, map_name: str = "supply", hour: int = 20) -> list[File]:
    """Return both rounds of a map in which one player plays with max against eve and zed."""
    files = []
    for number in (1, 2):
        weapons = {"MP40": (20 * number, 60 * number, 3 * number, 2 * number, 4 * number)}
        # No two files are the same.
        fields = {"damage_given": (100 + day) * number, "damage_received": (100 + day) * number}
        lines = [
            line(who, f"^1{called}", team=side if number == 1 else 3 - side, weapons=weapons, **fields)
            for called, who, side in ((name, guid, 1), *DUELS)
        ]
        limit, actual = (("10:00", "5:00"), ("5:00", "4:30"))[number - 1]
        stamp = f"2025-10-{day:02}-{hour}{10 * number:02}00"
        files.append(
            round_file(
                stamp,
                number,
                lines,
                map_name=map_name,
                defender=number,
                winner=3 - number,
                limit=limit,
                actual=actual,
            )
        )
    return files


@pytest.fixture
def played(db: psycopg.Connection) -> psycopg.Connection:
    """Return a database in which bob plays on two days, and later from a laptop with another name."""
    take(db, [*match(1, BOB, "bob"), *match(2, BOB, "bob", map_name="oasis")])
    take(db, [*match(3, LAPTOP, "bobby"), *match(4, LAPTOP, "bobby", hour=21)])
    return db


def rows(cli: Cli, *words: str) -> Any:
    """Return the JSON of a query command."""
    result = cli(*words, "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def shown(cli: Cli) -> list[Any]:
    """Return the output of all query commands, without the ids of series, which are new after an undo."""
    return [without_ids(rows(cli, *words)) for words in READING]


def without_ids(found: Any) -> Any:
    """Return a JSON document without the ids of series."""
    if isinstance(found, dict):
        return {key: without_ids(value) for key, value in found.items() if key != "series_id"}
    return list(map(without_ids, found)) if isinstance(found, list) else found


def corrected(cli: Cli, *words: str) -> int:
    """Make a correction; return its number."""
    result = cli("correct", *words)
    assert result.code == 0, result.err
    assert cli("rebuild", "--verify").code == 0
    return int(rows(cli, "correct", "list")[-1]["id"])


def refused(cli: Cli, *words: str) -> str:
    """Try an invalid correction; return the error."""
    before = rows(cli, "correct", "list")
    result = cli("correct", *words)
    assert (result.code, result.out) == (2, ""), result.err
    assert rows(cli, "correct", "list") == before
    return result.err


@pytest.mark.parametrize(
    "words",
    [
        ("merge", BOB, LAPTOP),
        ("rename", "bob", "Robert"),
        ("void", "2025-10-02-201000-oasis-round-1.txt"),
        ("exclude-map", "supply"),
        ("team-name", "last", "1", "Foxes"),
    ],
    ids=lambda words: words[0],
)
def test_undo_restores_the_output(cli: Cli, played: psycopg.Connection, words: tuple[str, ...]) -> None:
    """Each correction changes the output, and undo restores it; a dry run changes nothing."""
    before = shown(cli)
    assert "dry run" in cli("correct", *words, "--dry-run").err
    assert rows(cli, "correct", "list") == []
    assert shown(cli) == before
    number = corrected(cli, *words, "--reason", "why not")
    assert shown(cli) != before
    (row,) = rows(cli, "correct", "list")
    assert (row["id"], row["reason"], row["undone_at"]) == (1, "why not", None)
    assert cli("correct", "undo", str(number)).code == 0
    assert rows(cli, "correct", "list")[0]["undone_at"] is not None
    assert shown(cli) == before
    assert "already undone" in refused(cli, "undo", str(number))
    assert cli("rebuild", "--verify").code == 0
    assert cli("validate").code == 0


def test_merged_players_are_one_player_everywhere(cli: Cli, played: psycopg.Connection) -> None:
    """A merged player is found by all names and GUIDs, with all rounds; links and hiding apply to the person."""
    assert cli("link", LAPTOP, "123456789012345678").code == 0
    corrected(cli, "merge", "bob", "bobby")
    for text in ("bob", "bobby", BOB, LAPTOP, LAPTOP.lower(), "123456789012345678"):
        profile = rows(cli, "player", text)
        assert (profile["player_guid"], profile["clean_name"], profile["sums"]["rounds"]) == (BOB, "bobby", 8)
    assert {alias["alias"] for alias in profile["aliases"]} == {"bob", "bobby"}
    assert {map_["map_name"] for map_ in profile["maps"]} == {"supply", "oasis"}
    assert {row["player_guid"]: row["rounds"] for row in rows(cli, "players")} == dict.fromkeys(
        (BOB, EVE, MAX, ZED), 8
    )
    assert [row["player_guid"] for row in rows(cli, "find", "bob")] == [BOB]
    assert {line["player_guid"] for line in rows(cli, "session")["players"]} == {BOB, EVE, MAX, ZED}
    assert {row["player_guid"] for row in rows(cli, "leaderboard", "kd", "--min-rounds", "1")} == {
        BOB,
        EVE,
        MAX,
        ZED,
    }
    assert played.execute("SELECT DISTINCT player_guid FROM session_teams ORDER BY 1").fetchall() == [
        (guid,) for guid in sorted((BOB, EVE, MAX, ZED))
    ]
    assert [(row["player_guid"], row["clean_name"]) for row in rows(cli, "links")] == [(BOB, "bobby")]
    assert "bob" in refused(cli, "merge", LAPTOP, BOB)
    assert cli("compare", "bob", "bobby").code == 2
    assert cli("unlink", "bob").code == 0
    assert rows(cli, "links") == []
    assert cli("hide", "bobby").code == 0
    assert {row["player_guid"] for row in rows(cli, "players")} == {EVE, MAX, ZED}
    corrected(cli, "split", LAPTOP)
    assert {row["player_guid"] for row in rows(cli, "players")} == {EVE, MAX, ZED}  # both stay hidden
    assert cli("hide", "bobby", "--undo").code == 0
    assert {row["player_guid"] for row in rows(cli, "players")} == {EVE, MAX, ZED, LAPTOP}


def twice(cli: Cli) -> set[str]:
    """Return the GUIDs that `validate` finds twice in a round."""
    return {row["player_guid"] for row in rows(cli, "validate") if row["check"] == "person_twice_in_round"}


def test_players_of_one_round_cannot_be_merged(cli: Cli, played: psycopg.Connection) -> None:
    """A merge of players in one round is refused until it is voided; a later such file causes a finding."""
    error = refused(cli, "merge", "eve", "zed")
    assert "both play in round" in error
    assert "2025-10-01-201000-supply-round-1.txt" in error
    corrected(cli, "merge", BOB, LAPTOP)
    later = [
        File(file.name, file.content.replace(f"{EVE}\\^1eve".encode(), f"{BOB}\\^1bob".encode()))
        for file in match(5, LAPTOP, "bobby")
    ]
    take(played, later)
    assert twice(cli) == {BOB, LAPTOP}
    assert cli("rebuild", "--verify").code == 0
    # There they stay two: the rounds of the laptop's GUID are not counted twice for one person.
    assert {row["player_guid"]: row["rounds"] for row in rows(cli, "players")} == {
        BOB: 10, LAPTOP: 2, EVE: 8, MAX: 10, ZED: 10,
    }  # fmt: skip
    assert cli("explain", "last", "bob").code == 0
    assert cli("correct", "undo", "1").code == 0
    assert twice(cli) == set()


def test_undo_that_merges_players_of_one_round_is_refused(cli: Cli, played: psycopg.Connection) -> None:
    """A split is possible before a file shows both GUIDs in one round."""
    corrected(cli, "merge", BOB, LAPTOP)
    split = corrected(cli, "split", LAPTOP)
    take(
        played,
        [
            File(file.name, file.content.replace(f"{EVE}\\^1eve".encode(), f"{BOB}\\^1bob".encode()))
            for file in match(5, LAPTOP, "bobby")
        ],
    )
    assert "both play in round" in refused(cli, "undo", str(split))
    assert cli("correct", "undo", "1").code == 0  # the merge, which the split made ineffective
    assert cli("correct", "undo", str(split)).code == 0
    assert cli("rebuild", "--verify").code == 0


def test_restored_backup_has_the_corrections(cli: Cli, played: psycopg.Connection) -> None:
    """A restore returns all corrections in force; later ones are gone."""
    corrected(cli, "merge", BOB, LAPTOP, "--reason", "new computer")
    corrected(cli, "void", "2025-10-02-201000-oasis-round-1.txt")
    corrected(cli, "team-name", "last", "1", "Foxes")
    before = [shown(cli), rows(cli, "correct", "list")]
    assert cli("backup").code == 0
    assert cli("correct", "undo", "1").code == 0
    corrected(cli, "exclude-map", "supply")
    played.close()
    restored = cli("restore", "latest", "--yes")
    assert restored.code == 0, restored.err
    assert [shown(cli), rows(cli, "correct", "list")] == before
    assert cli("rebuild", "--verify").code == 0
    corrected(cli, "rename", "eve", "Evelyn")
    assert [row["id"] for row in rows(cli, "correct", "list")] == [1, 2, 3, 4]


def test_explain_names_the_corrections(cli: Cli, played: psycopg.Connection) -> None:
    """explain lists the merge, the name and the excluded map, not undone or unrelated corrections."""
    corrected(cli, "rename", "eve", "Evelyn")
    corrected(cli, "merge", BOB, LAPTOP, "--reason", "new computer")
    corrected(cli, "rename", "bob", "Robert")
    undone = corrected(cli, "exclude-map", "supply")
    assert cli("correct", "undo", str(undone)).code == 0
    found = rows(cli, "explain", "last", "Robert", "kills")
    assert found["player_guid"] == LAPTOP
    assert [row["id"] for row in found["corrections"]] == [2, 3]
    assert "correction 2: bobby (1A970000) is bob (00B0B000) (new computer)" in cli("explain", "last", "bob").out
    round_id = rows(cli, "rounds")[0]["id"]
    corrected(cli, "void", str(round_id))
    assert [row["kind"] for row in rows(cli, "explain", str(round_id), "max")["corrections"]] == ["void"]


def test_session_without_counted_rounds_is_not_listed(cli: Cli, played: psycopg.Connection) -> None:
    """Voided rounds can be listed; undo restores everything."""
    ids = [row["id"] for row in rows(cli, "sessions")]
    corrected(cli, "void", "2025-10-01-201000-supply-round-1.txt")
    corrected(cli, "void", "2025-10-01-202000-supply-round-2.txt")
    assert [row["id"] for row in rows(cli, "sessions")] == ids[:-1]
    assert cli("session", str(ids[-1])).code == 0
    assert {row["rounds"] for row in rows(cli, "players")} == {2, 4, 6}
    assert "is already voided" in refused(cli, "void", "2025-10-01-201000-supply-round-1.txt")
    corrected(cli, "unvoid", "2025-10-01-201000-supply-round-1.txt")
    assert [row["id"] for row in rows(cli, "sessions")] == ids
    assert "is not voided" in refused(cli, "unvoid", "2025-10-01-201000-supply-round-1.txt")


def test_only_round_can_be_voided_and_counted_again(cli: Cli, db: psycopg.Connection) -> None:
    """Without counted rounds every command works, and the round is found by id and file name."""
    file = match(1, BOB, "bob")[0]
    take(db, [file])
    before = shown(cli)
    corrected(cli, "void", "last")
    assert rows(cli, "sessions") == rows(cli, "players") == rows(cli, "rounds") == []
    for words in READING[:-1]:
        assert cli(*words).code == 0, words
    assert len(rows(cli, "rounds", "--all")) == 1
    assert cli("round", "1").code == cli("session", "1").code == cli("player", "bob").code == 0
    assert "there is no round last" in refused(cli, "void", "last")
    corrected(cli, "unvoid", "1", "--dry-run")
    corrected(cli, "unvoid", file.name)
    assert shown(cli) == before


def test_file_name_on_two_servers_requires_an_id(cli: Cli, db: psycopg.Connection) -> None:
    """The error lists ids and servers, and the round of the other server still counts."""
    file = match(1, BOB, "bob")[0]
    take(db, [file])
    take(db, [file], server="second")
    assert "1 (main), 2 (second)" in refused(cli, "void", file.name)
    corrected(cli, "void", "2")
    assert {row["id"]: row["is_counted"] for row in rows(cli, "rounds", "--all")} == {1: True, 2: False}


def test_corrections_apply_to_later_files_and_rebuilds(cli: Cli, played: psycopg.Connection) -> None:
    """Corrections apply to later files: an excluded map, a voided file sent again, a merged GUID."""
    corrected(cli, "exclude-map", "supply")
    corrected(cli, "merge", BOB, LAPTOP)
    corrected(cli, "void", "2025-10-02-201000-oasis-round-1.txt")
    take(played, match(6, LAPTOP, "bobster"))
    again = match(2, BOB, "bob", map_name="oasis")[0]
    take(played, [File(again.name, again.content.replace(b"^1zed", b"^2zeda"))])
    assert [row["rounds"] for row in rows(cli, "players")] == [1, 1, 1, 1]
    assert rows(cli, "player", "bobster")["player_guid"] == BOB
    before = shown(cli)
    assert cli("rebuild", "--verify").code == 0
    played.execute("DELETE FROM player_identities")
    played.execute("UPDATE rounds SET is_voided = false")
    played.commit()
    assert cli("rebuild", "--verify").code == 3
    assert cli("rebuild", "--yes").code == 0
    assert cli("rebuild", "--verify").code == 0
    assert shown(cli) == before


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("merge", "bob", "bob"), "both names are those of one player, "),
        (("merge", "bob", "nobody"), "no player is or was named nobody"),
        (("merge", "bob", "e"), "both play in round"),
        (("merge", "bob", ""), "no player name given"),
        (("split", "bob"), "is not a merged player"),
        (("rename", "bob", "   "), "not a valid player name"),
        (("rename", "bob", "\u202e\u200b\x1b"), "not a valid player name"),
        (("rename", "bob", "^^1x"), "must not contain"),
        (("rename", "bob", "x" * 37), "at most 36"),
        (("void", "999999"), "there is no round 999999"),
        (("void", "2025-10-01-201000-nowhere-round-1.txt"), "no round"),
        (("exclude-map", "suply"), "did you mean supply"),
        (("include-map", "supply"), "is not excluded"),
        (("team-name", "1", "3", "x"), "no team 3"),
        (("team-name", "1/9", "1", "x"), "no series 9"),
        (("team-name", "99", "1", "x"), "no series"),
        (("team-name", "1", "1", "x" * 25), "at most 24"),
        (("undo", "7"), "no correction 7"),
        (("undo", "last"), "no correction to undo"),
        (("undo", "newest"), "expected last, or the number"),
        (("undo", "0"), "0"),
        (("undo", "99999999999999999999"), ""),
        (("rename", "bob", "x", "--reason", "y" * 501), "at most 500"),
    ],
)
def test_invalid_corrections_are_refused(
    cli: Cli, played: psycopg.Connection, words: tuple[str, ...], error: str
) -> None:
    """Invalid corrections exit with 2 and one line, and write nothing."""
    said = refused(cli, *words).lower()
    assert any(part in said for part in error.lower().split("|")), said
    assert said.count("\n") <= 2
    assert "\x1b" not in said


def test_undo_last_undoes_the_newest_correction(cli: Cli, played: psycopg.Connection) -> None:
    """`undo last` undoes the newest correction in force."""
    first = corrected(cli, "rename", "bob", "Robert")
    second = corrected(cli, "exclude-map", "supply")
    for number in (second, first):
        assert f"undo of correction {number} " in cli("correct", "undo", "last", "--dry-run").err
        assert f"correction {number} undone" in cli("correct", "undo", "last").err
    assert "no correction to undo" in refused(cli, "undo", "last")


def test_hostile_names_and_reasons_are_shown_as_text(cli: Cli, played: psycopg.Connection) -> None:
    """Markup, Markdown and control characters are escaped; colour codes of a name are removed."""
    corrected(cli, "rename", "bob", "^1[red]**x** <b>", "--reason", "\x1b[31m@everyone\u202e\n<script>")
    (row,) = rows(cli, "correct", "list")
    assert row["value"] == "[red]**x** <b>"
    assert row["reason"] == "[31m@everyone<script>"
    assert "[red]**x** <b>" in cli("correct", "list").out
    assert rows(cli, "player", "[red]**x** <b>")["player_name"] == "[red]**x** <b>"
    assert "\x1b" not in cli("player", BOB).out


def test_forget_covers_every_guid_of_a_player(cli: Cli, played: psycopg.Connection) -> None:
    """After forget, both GUIDs get pseudonyms and stay one player; corrected names and reasons are removed."""
    corrected(cli, "merge", BOB, LAPTOP, "--reason", "bobby said so")
    corrected(cli, "rename", "bob", "Robert", "--reason", "asked for")
    corrected(cli, "rename", "eve", "Evelyn", "--reason", "as bobby told")
    assert cli("forget", "Robert", "--yes").code == 0
    assert cli("rebuild", "--verify").code == 0
    dumped = "".join(
        str(played.execute(f"SELECT * FROM {table}").fetchall())
        for table in ("corrections", "player_identities", "player_aliases", "series_teams", "session_teams",
                      "player_comprehensive_stats", "player_ratings")
    )  # fmt: skip
    for word in (BOB, LAPTOP, "bobby", "Robert", "^1bob"):
        assert word not in dumped
    assert "Evelyn" in dumped
    assert sorted(row["rounds"] for row in rows(cli, "players")) == [8, 8, 8, 8]
    assert rows(cli, "players", "--suggest") == []


def test_suggestions_show_evidence_but_no_hidden_player(cli: Cli, db: psycopg.Connection) -> None:
    """GUIDs with equal names that were never in one round are suggested, except hidden and merged players."""
    take(db, [*match(1, BOB, "bob"), *match(8, LAPTOP, "-=BOB=-")])
    (pair,) = rows(cli, "players", "--suggest")
    assert (pair["player_guid"], pair["other_guid"]) == (LAPTOP, BOB)
    assert (
        pair["evidence"]
        == "same name: -=BOB=-, bob; never in the same round; one begins 6 days after the other stops"
    )
    assert pair["evidence"].split(";")[0] in cli("players", "--suggest").out
    assert cli("players", "--suggest", "--since", "7d").code == 2
    assert cli("hide", BOB).code == 0
    assert rows(cli, "players", "--suggest") == []
    assert cli("hide", BOB, "--undo").code == 0
    corrected(cli, "merge", LAPTOP, BOB)
    assert rows(cli, "players", "--suggest") == []
