"""Tests of the commands session, sessions, round, rounds, awards and achievements."""

import csv
import io
import json
from collections.abc import Callable

import pytest
from psycopg import Connection

from tests.conftest import CliResult
from tests.stats.sessions.rows import add_round, add_session, line

Cli = Callable[..., CliResult]
READING = ("session", "sessions", "round", "rounds", "awards", "achievements")
HOSTILE = "^1[bold]\x1b[31mEvil\u202e=cmd|`@everyone`"


@pytest.fixture
def played(db: Connection) -> Connection:
    """Return two sessions: one map with both rounds, and one round of a player with a hostile name."""
    first = add_session(db)
    bob = {"kills": 30, "deaths": 10, "damage_given": 4000, "shots": 600, "hits": 300, "bullets_fired": 600}
    for number, (axis, allies) in enumerate(((1, 2), (2, 1)), 1):
        sides = {axis: 1, allies: 2}
        add_round(
            db,
            first,
            [line(1, sides[1], "bob", **bob), line(2, sides[2], "alice", kills=10, deaths=30, damage_given=2000)],
            minute=10 * number,
            number=number,
        )
    second = add_session(db)
    add_round(db, second, [line(3, 1, HOSTILE, kills=150), line(2, 2, "alice")], minute=3000, match="adlernest")
    db.commit()
    return db


@pytest.mark.parametrize("command", READING)
def test_empty_database_is_reported(cli: Cli, db: Connection, command: str) -> None:
    """A sentence and exit 0; an empty document in JSON, and only headings in CSV."""
    shown = cli(command)
    assert (shown.code, shown.err) == (0, "")
    assert "yet" in shown.out
    assert cli(command, "--json").out == "[]\n"
    (headings,) = cli(command, "--csv").out.splitlines()
    assert "," in headings
    assert cli(command, "--markdown").code == 0


@pytest.mark.parametrize("command", READING)
def test_every_format_is_well_formed(cli: Cli, played: Connection, command: str) -> None:
    """JSON is one document, CSV has equal numbers of cells per row, Markdown equal numbers of bars."""
    json.loads(cli(command, "--json").out)
    rows = list(csv.reader(io.StringIO(cli(command, "--csv").out)))
    assert len({len(row) for row in rows}) == 1
    tables = [text for text in cli(command, "--markdown").out.splitlines() if text.startswith("|")]
    assert tables
    assert cli(command, "--json", "--csv").code == 2


@pytest.mark.parametrize("command", ["session", "round"])
@pytest.mark.parametrize("style", [(), ("--markdown",), ("--csv",)])
def test_hostile_name_is_text(cli: Cli, played: Connection, command: str, style: tuple[str, ...]) -> None:
    """Escape sequences, bidi overrides, markup and formulas are escaped."""
    shown = cli(command, *style).out
    assert "Evil" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]" in shown.replace("\\", "")


def test_session_shows_score_maps_line_ups_and_awards(cli: Cli, played: Connection) -> None:
    """B wins round 1 in 10:00, then A: 2:0."""
    shown = cli("session", "2025-10-02").out
    assert "Team bob (A) 2:0 Team alice (B)" in shown
    assert "B 10:00" in shown
    assert "A 10:00" in shown
    assert "MVP: bob" in shown
    assert "Top fragger" in shown
    assert "60 kills" in shown
    view = json.loads(cli("session", "2025-10-02", "--json").out)
    assert (view["score"], view["mvp"]["clean_name"]) == ([2, 0], "bob")


def test_sessions_and_rounds_are_listed_newest_first(cli: Cli, played: Connection) -> None:
    """Complete sessions with one of their maps; the limit counts from the newest."""
    sessions = json.loads(cli("sessions", "--json").out)
    assert [row["rounds"] for row in sessions] == [1, 2]
    assert [row["rounds"] for row in json.loads(cli("sessions", "--map", "supply", "--json").out)] == [2]
    assert [row["map_name"] for row in json.loads(cli("rounds", "--limit", "2", "--json").out)] == [
        "adlernest",
        "supply",
    ]
    assert [row["round_number"] for row in json.loads(cli("rounds", "--map", "supply", "--json").out)] == [2, 1]
    assert "No rounds found" in cli("rounds", "--since", "today").out


def test_round_is_selected_by_number_or_file(cli: Cli, played: Connection) -> None:
    """Both ways give the same round."""
    name = "2025-10-02-201000-supply-round-1.txt"
    by_file = json.loads(cli("round", name, "--json").out)
    number = by_file["round"]["id"]
    assert json.loads(cli("round", str(number), "--json").out) == by_file
    assert name in cli("round", str(number)).out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("session", "2025-10-20"), "2025-10-04"),
        (("session", "987654"), "The nearest:"),
        (("session", "9" * 30), "expected last, an id, or a day"),
        (("session", "--server", "mian"), "main"),
        (("round", "987654"), "The nearest:"),
        (("round", "2025-10-02-201000-suply-round-1.txt"), "2025-10-02-201000-supply-round-1.txt"),
        (("rounds", "--map", "suply"), "supply"),
        (("awards", "2025-10-20"), "2025-10-04"),
        (("achievements", "bobb"), "bob"),
    ],
)
def test_unknown_name_gets_a_suggestion(
    cli: Cli, played: Connection, arguments: tuple[str, ...], hint: str
) -> None:
    """Exit 2, nothing on stdout, one or two lines on stderr."""
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert hint in result.err
    assert result.err.count("\n") <= 2


def test_awards_of_one_or_all_sessions(cli: Cli, played: Connection) -> None:
    """Awards of one session, or counts of each award; both together is an error."""
    one = json.loads(cli("awards", "2025-10-02", "--json").out)
    assert ("top_frag", 60) in {(row["key"], row["value"]) for row in one}
    many = json.loads(cli("awards", "--since", "all", "--json").out)
    assert ("top_frag", 1, 60) in {(row["key"], row["times"], row["best"]) for row in many}
    assert cli("awards", "last", "--since", "all").code == 2
    assert "Medic" in cli("awards", "--list").out


def test_achievements_of_all_or_one_player(cli: Cli, played: Connection) -> None:
    """60 kills reach no step yet; the distance to the first is shown. Rounds start at ten."""
    sheet = {row["title"]: row for row in json.loads(cli("achievements", "bob", "--json").out)}
    assert (sheet["Soldier"]["value"], sheet["Soldier"]["reached"], sheet["Soldier"]["left"]) == (60, None, 40)
    session = add_session(played)
    add_round(played, session, [line(1, 1, "bob", kills=500)], minute=9000, match="etl_ice")
    played.commit()
    steps = [
        (row["title"], row["threshold"], row["first_name"])
        for row in json.loads(cli("achievements", "--json").out)
    ]
    assert [step for step in steps if step[2] == "bob"] == [("Soldier", 500, "bob")]
    assert steps[0] == ("Soldier", 100, "[bold][31mEvil=cmd|`@everyone`")
    assert json.loads(cli("achievements", "bob", "--json").out)[1]["reached"] == 500
