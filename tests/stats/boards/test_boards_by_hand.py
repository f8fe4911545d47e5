"""Tests of the boards with hand-written rounds."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import Connection

from etstats.db.scope import Scope
from etstats.domain.fields import BULLET_WEAPONS, WEAPONS
from etstats.domain.rules import ranking
from etstats.domain.rules.boards import BOARD_NAMES, BOARDS, value_of
from etstats.domain.rules.season_standings import POINTS, SEASON_BOARDS
from etstats.stats import rankings
from tests.conftest import CliResult
from tests.stats.sessions.rows import Line, add_round, add_session, guid, line
from tests.support.paths import ROOT

Cli = Callable[..., CliResult]
DAY = 24 * 60


def values(db: Connection, board: str) -> dict[str, float | None]:
    return {player.player_guid: value_of(BOARDS[board], player) for player in rankings.population(db, Scope()).now}


def play(db: Connection, *rounds: list[Line], apart: float = 15) -> None:
    session = add_session(db)
    for place, lines in enumerate(rounds):
        add_round(db, session, lines, minute=place * apart, match=f"map{place}")


def test_ties_share_a_rank(db: Connection) -> None:
    """Two of four have equal kills: ranks 1, 2, 2, 4."""
    play(db, [line(1, 1, kills=9), line(2, 1, kills=4), line(3, 2, kills=4), line(4, 2, kills=1)])
    standings = rankings.population(db, Scope()).ranking(BOARDS["kills"]).standings
    assert [(standing.rank, standing.player_guid) for standing in standings] == [
        (1, guid(1)),
        (2, guid(2)),
        (2, guid(3)),
        (4, guid(4)),
    ]


def test_equal_ratios_are_equal(db: Connection) -> None:
    """1 of 3 and 2 of 6 are equal."""
    play(db, [line(1, 1, kills=1, deaths=3), line(2, 2, kills=2, deaths=6)])
    assert {standing.rank for standing in rankings.population(db, Scope()).ranking(BOARDS["kd"]).standings} == {1}


def test_ratio_is_computed_from_sums(db: Connection) -> None:
    """10:1 and 0:9 are 1.0 together, not 5."""
    play(db, [line(1, 1, kills=10, deaths=1)], [line(1, 1, deaths=9)])
    assert values(db, "kd") == {guid(1): 1.0}


def test_zero_deaths_and_shots_do_not_divide_by_zero(db: Connection) -> None:
    """There is no division by zero."""
    play(db, [line(1, 1, kills=7)])
    assert values(db, "kd") == {guid(1): 7}
    assert values(db, "accuracy") == {guid(1): None}
    assert rankings.population(db, Scope()).ranking(BOARDS["accuracy"], 0, 0).standings == ()


def test_cumulative_round_2_counts_only_in_sums(db: Connection) -> None:
    """A round 2 without its round 1: its kills are those of the map, its spree and shares do not count."""
    session = add_session(db)
    numbers = {
        "kills": 20,
        "damage_given": 4000,
        "headshot_kills": 6,
        "killing_spree_best": 9,
        "time_dead_minutes": 1,
    }
    add_round(db, session, [line(1, 1, seconds=1200, **numbers)], number=2, is_cumulative=True, played=None)
    assert values(db, "kills") == {guid(1): 20}
    assert values(db, "dpm") == {guid(1): 200}
    assert values(db, "games") == {guid(1): 1}
    for board in ("spree", "headshot-kills", "survival", "frag-potential"):
        assert values(db, board) == {guid(1): None}


def test_implausible_time_dead_is_excluded(db: Connection) -> None:
    """220 minutes dead in a round of 10: excluded from survival and frag potential."""
    play(
        db,
        [line(1, 1, damage_given=9000, time_dead_minutes=220), line(2, 2, damage_given=1000, time_dead_minutes=5)],
        [line(1, 1, damage_given=100, time_dead_minutes=9), line(2, 2, damage_given=1000, time_dead_minutes=5)],
    )
    assert values(db, "survival") == {guid(1): pytest.approx(10), guid(2): 50}
    assert values(db, "frag-potential") == {guid(1): 100, guid(2): 200}


def test_implausible_denied_time_is_excluded(db: Connection) -> None:
    """Two opponents of 600 seconds each can lose 1,200; 5,838 is excluded."""
    play(
        db,
        [line(1, 1, denied_playtime=5838), line(2, 2, denied_playtime=700), line(3, 2, denied_playtime=599)],
        [line(1, 1, denied_playtime=1100), line(2, 2), line(3, 2)],
    )
    assert values(db, "denied") == {guid(1): 1100, guid(2): None, guid(3): 599}


def test_missing_fields_are_unknown(db: Connection) -> None:
    """Revives count in files that have them; players without such files are not on the board."""
    play(db, [line(1, 1, revives_given=3), line(2, 2)], [line(1, 1), line(2, 2)])
    assert values(db, "revives") == {guid(1): 3, guid(2): None}


def test_useful_kills_require_useless_kills(db: Connection) -> None:
    """The oldest files have only one of the two fields."""
    play(db, [line(1, 1, most_useful_kills=9)], [line(1, 1, most_useful_kills=3, useless_kills=1)])
    assert values(db, "useful") == {guid(1): 75}


def test_headshot_percentage_uses_bullets(db: Connection) -> None:
    """A headshot with a knife is not a headshot with bullets."""
    session = add_session(db)
    round_id = add_round(db, session, [line(1, 1, hits=10, shots=20, bullets_fired=20, headshots=4)])
    for weapon, headshots, hits in (("MP40", 3, 10), ("KNIFE", 1, 1)):
        db.execute(
            "INSERT INTO weapon_comprehensive_stats VALUES (%s, %s, %s, 0, 0, %s, %s, 20)",
            [round_id, guid(1), weapon, headshots, hits],
        )
    assert values(db, "headshots") == {guid(1): 30}


def test_bullet_weapons_match_the_database(db: Connection) -> None:
    """The lists in the code and in the database are equal."""
    found = db.execute("SELECT w FROM unnest(%s::text[]) w WHERE is_bullet_weapon(w)", [list(WEAPONS)]).fetchall()
    assert {weapon for (weapon,) in found} == BULLET_WEAPONS


@pytest.mark.parametrize(
    ("board", "base", "rounds", "shots"),
    [
        ("kd", 0, 1, 0), ("kd", 1, 1, 0), ("kd", 2, 1, 0), ("kd", 5, 2, 0), ("kd", 14, 3, 0), ("kd", 137, 13, 0),
        ("kd", 499, 49, 0), ("kd", 500, 50, 0), ("kd", 40_000, 50, 0), ("kills", 99, 9, 0),
        ("kills", 40_000, 10, 0), ("accuracy", 137, 13, 260), ("accuracy", 500, 50, 1000),
        ("accuracy", 40_000, 50, 1000),
    ],
)  # fmt: skip
def test_minimums_grow_with_the_number_of_rounds(board: str, base: int, rounds: int, shots: int) -> None:
    """A tenth of the rounds, at least three, at most ten or fifty; twenty shots for each."""
    needed = ranking.minimum(BOARDS[board], base)
    assert (needed.rounds, needed.shots) == (rounds, shots)


def test_players_below_the_minimum_are_named(cli: Cli, db: Connection) -> None:
    """The footer lists the players below a minimum, and that it is reduced."""
    regular = [line(1, 1, "Regular", kills=1, deaths=1)]
    play(db, *[regular] * 29, [*regular, line(2, 2, "Guest", kills=30)])
    db.commit()
    found = cli("leaderboard", "--top", "kd")
    assert "Regular" in found.out
    assert "Not shown (fewer than 3 of 30 rounds; 50 in larger data sets): Guest" in found.out
    everybody = cli("leaderboard", "--top", "kd", "--min-rounds", "1").out
    assert 0 < everybody.index("Guest") < everybody.index("Regular")
    assert "Not shown" not in everybody


def test_players_with_too_few_shots_are_named(cli: Cli, db: Connection) -> None:
    """Accuracy has minimums of shots and of rounds."""
    play(db, *[[line(1, 1, "Gunner", hits=200, shots=500, bullets_fired=500), line(2, 2, "Knife", hits=5, shots=5,
                                                                         bullets_fired=5)]] * 4)  # fmt: skip
    db.commit()
    found = cli("leaderboard", "--top", "accuracy")
    assert "Not shown (fewer than 40 shots; 1,000 in larger data sets): Knife" in found.out


def test_rank_change_compares_with_last_week(cli: Cli, db: Connection) -> None:
    """Two overtook one in the last week; three is new."""
    session = add_session(db)
    add_round(db, session, [line(1, 1, "One", kills=10), line(2, 2, "Two", kills=5)], match="a")
    later = add_session(db)
    lines = [line(1, 1, "One"), line(2, 2, "Two", kills=9), line(3, 1, "Three", kills=1)]
    add_round(db, later, lines, minute=8 * DAY, match="b")
    db.commit()
    rows = json.loads(cli("leaderboard", "--top", "kills", "--json").out)
    assert [(row["clean_name"], row["rank"], row["change"]) for row in rows] == [
        ("Two", 1, 1),
        ("One", 2, -1),
        ("Three", 3, None),
    ]
    table = cli("leaderboard", "--top", "kills").out
    assert "▲1" in table
    assert "▼1" in table


def test_names_cannot_break_the_table(cli: Cli, db: Connection) -> None:
    """Markup, escapes and line breaks in a name are text, or removed."""
    play(db, [line(1, 1, "[bold]x[/bold]"), line(2, 2, "\x1b[31mred\x07"), line(3, 2, "a|b\u202e")])
    db.execute("UPDATE player_comprehensive_stats SET clean_name = player_name")
    db.commit()
    found = cli("leaderboard", "--top", "games").out
    assert "[bold]x[/bold]" in found
    assert "[31mred" in found
    assert not {"\x1b", "\x07", "\u202e"} & set(found)
    assert "a\\|b" in cli("leaderboard", "--top", "games", "--markdown").out


def test_two_long_names_fit(cli: Cli, db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 50 columns both values are shown, with markup in names as text."""
    monkeypatch.setenv("COLUMNS", "50")
    one, other = "[red]" + "x" * 30, "y" * 36
    play(db, [line(1, 1, one, kills=7, deaths=1), line(2, 2, other, kills=1, deaths=7)])
    db.commit()
    shown = cli("compare", one, other).out
    assert "[red]xxxxxxxx…" in shown
    assert "yyyyyyyyyyyyy…" in shown
    kills = next(row for row in shown.splitlines() if row.strip().startswith("Kills"))
    assert kills.split() == ["Kills", "7", "◀", "1"]


def test_empty_database_is_reported(cli: Cli) -> None:
    """Without rounds: a sentence, `[]`, a header line; exit 0, also with a map."""
    found = cli("leaderboard", "--top", "kd")
    assert found.code == 0
    assert "etstats import" in found.out
    assert (
        json.loads(cli("leaderboard", "--top", "kd", "--map", "supply", "--season", "2025-Q1", "--json").out) == []
    )
    assert cli("leaderboard", "--top", "kd", "--csv").out.count("\n") == 1


def test_command_without_arguments_lists_the_boards(cli: Cli) -> None:
    """The list has every board with its definition."""
    found = cli("leaderboard")
    assert found.code == 0
    for board in BOARDS.values():
        assert board.name in found.out
        assert board.meaning in found.out
    assert [row["name"] for row in json.loads(cli("leaderboard", "--json").out)] == list(BOARD_NAMES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--top", "acuracy"], "did you mean accuracy"),
        (["--top", "kd", "--map", "suply"], "did you mean supply"),
        (["--top", "kd", "--server", "mian"], "did you mean main"),
        (["--top", "kd", "--season", "2031-Q1"], "2025-Q4"),
        (["--top", "kd", "--season", "spring"], "2025-Q4"),
        (["--top", "kd", "--since", "lately"], "2025-10-01"),
        (["--top", "kd", "--last", "some"], "3sessions"),
        (["--weapon", "MP41"], "MP40"),
        (["--top", "revives", "--weapon", "MP40"], "kills"),
        (["--top", "accuracy", "--weapon", "GRENADE"], "THOMPSON"),
        (["--top", "kd", "--json", "--csv"], "one of --json, --csv and --markdown"),
    ],
)
def test_invalid_input_gets_a_suggestion(cli: Cli, db: Connection, arguments: list[str], said: str) -> None:
    """Exit 2 and one line with a suggestion."""
    add_round(db, add_session(db), [line(1, 1)], match="supply")
    db.commit()
    found = cli("leaderboard", *arguments)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") <= 2
    assert not found.out


def test_season_starts_at_midnight_of_the_server(
    cli: Cli, db: Connection, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """00:30 on 1 October in Ljubljana is still September for a machine on UTC."""
    settings = home / "etstats.toml"
    settings.write_text('[[servers]]\nname = "main"\npath = "/nowhere"\ntimezone = "Europe/Ljubljana"\n')
    add_round(db, add_session(db), [line(1, 1, kills=1)], minute=-45.5 * 60)  # 2025-09-30 22:30 UTC
    db.commit()
    monkeypatch.setenv("TZ", "UTC")
    ask = ("--config", settings, "leaderboard", "--top", "kills", "--json", "--season")
    assert json.loads(cli(*ask, "2025-Q3").out)[0]["value"] == 1
    assert cli(*ask, "2025-Q4").code == 2
    assert json.loads(cli(*ask, "2025-Q4", "--server", "main").out)[0]["value"] == 1


def test_absent_player_leads_no_comparison(cli: Cli, db: Connection) -> None:
    """A comparison names both and who is missing, and marks nobody; with both missing there is no table."""
    play(db, [line(1, 1, kills=9)], [line(2, 2, kills=4)])
    db.commit()
    shown = cli("compare", "player1", "player2", "--map", "map0").out
    assert shown.startswith("player1 and player2 · map0\n")
    assert "player2 played none of these rounds." in shown
    assert not set(shown) & set("◀▶")
    assert "Ahead" not in shown
    assert cli("compare", "player2", "player1", "--map", "map0").out.startswith("player2 and player1 · map0\n")
    neither = cli("compare", "player1", "player2", "--since", "2030-01-01").out
    assert neither == "No rounds of either player · since 2030-01-01.\n"


def test_tied_champions_share_a_season(cli: Cli, db: Connection) -> None:
    """All equal champions are named; a board with many equal leaders shows their number."""
    add_round(db, add_session(db), [line(number, 1 + number % 2) for number in (1, 2, 3, 4)], match="supply")
    db.commit()
    shown = cli("season").out
    assert re.search(r"^ Rounds +4 players +1 *$", shown, re.MULTILINE)
    assert re.search(r"^ 2025-Q4 .* player1, player2, player3, player4 ", shown, re.MULTILINE)


def test_every_board_is_documented() -> None:
    """docs/metrics.md defines all boards, and the points of a season."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [
        row for row in page.partition("## Leaderboards")[2].partition("\n## ")[0].splitlines() if row[:1] == "|"
    ]
    explained = [name for row in rows[2:] for name in row.split("|")[1].strip().split(", ")]
    assert sorted(explained) == sorted(BOARDS)
    seasons = page.partition("## Seasons")[2].partition("\n## ")[0].replace("\n", " ")
    assert ", ".join(SEASON_BOARDS) in seasons
    assert "10, 8, 6, 5, 4, 3, 2 and 1 points" in seasons
    assert POINTS == (10, 8, 6, 5, 4, 3, 2, 1)
