"""The boards over generated sessions, against what really happened."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection

from etstats.db.scope import Scope
from etstats.domain.rules.boards import BOARDS, value_of
from etstats.stats import rankings
from tests.conftest import CliResult
from tests.stats.boards.reckoning import VALUES, Act, by_player

Cli = Callable[..., CliResult]


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Every test here asks a database that holds the generated sessions."""
    return filled_url


def test_there_is_a_reckoning_of_every_board() -> None:
    """No board goes unchecked."""
    assert VALUES.keys() == BOARDS.keys()


@pytest.mark.parametrize("board", BOARDS)
def test_every_value_is_what_really_happened(db: Connection, played: list[Act], board: str) -> None:
    """Everybody's value on a board over all rounds, sums first."""
    field = rankings.population(db, Scope())
    found = {p.player_guid: value_of(BOARDS[board], p) for p in field.now}
    wanted = {guid: VALUES[board](own) for guid, own in by_player(played).items()}
    assert found.keys() == wanted.keys()
    for guid, value in wanted.items():
        assert found[guid] == (None if value is None else pytest.approx(float(value), abs=1e-9))


@pytest.mark.parametrize(
    ("scope", "keeps"),
    [
        (Scope(map_name="supply"), lambda a: a.round.map_name == "supply"),
        (Scope(server="hall"), lambda a: a.server == "hall"),
        (
            Scope(since=datetime(2025, 10, 1, tzinfo=UTC)),
            lambda a: a.ended_at >= datetime(2025, 10, 1, tzinfo=UTC),
        ),
        (Scope(until=datetime(2025, 10, 1, tzinfo=UTC)), lambda a: a.ended_at < datetime(2025, 10, 1, tzinfo=UTC)),
        (
            Scope(since=datetime(2025, 2, 1, tzinfo=UTC), until=datetime(2025, 10, 1, tzinfo=UTC), server="hall"),
            lambda a: a.server == "hall" and a.ended_at.year == 2025,
        ),
    ],
    ids=["map", "server", "since", "until", "all at once"],
)
def test_a_scope_holds_its_rounds_and_no_others(
    db: Connection, played: list[Act], scope: Scope, keeps: Callable[[Act], bool]
) -> None:
    """Kills of everybody, by map, server and time."""
    found = {p.player_guid: (p.rounds, p.kills) for p in rankings.population(db, scope).now}
    inside = by_player(filter(keeps, played))
    assert found == {guid: (len(own), sum(a["kills"] for a in own)) for guid, own in inside.items()}


@pytest.mark.parametrize("count", [1, 3, 11])
def test_the_last_rounds_are_the_newest(db: Connection, played: list[Act], count: int) -> None:
    """`--last N` counts rounds, whoever was in them."""
    newest = sorted({a.round.file.mtime for a in played})[-count:]
    found = {p.player_guid: p.rounds for p in rankings.population(db, Scope(last_rounds=count)).now}
    inside = by_player(a for a in played if a.round.file.mtime in newest)
    assert found == {guid: len(own) for guid, own in inside.items()}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_last_sessions_are_whole_evenings(db: Connection, played: list[Act], count: int) -> None:
    """`--last Nsessions` counts sessions; no generated session passes into the next."""
    starts = sorted({(a.ended_at - timedelta(hours=12)).date() for a in played})[-count:]
    found = {p.player_guid: p.rounds for p in rankings.population(db, Scope(last_sessions=count)).now}
    inside = by_player(a for a in played if (a.ended_at - timedelta(hours=12)).date() in starts)
    assert found == {guid: len(own) for guid, own in inside.items()}


@pytest.mark.parametrize("weapon", ["MP40", "THOMPSON", "GRENADE", "LUGER"])
def test_a_weapons_board_counts_that_weapon(db: Connection, played: list[Act], weapon: str) -> None:
    """Rounds, hits, shots, kills, deaths and headshots with one weapon."""
    wanted = {}
    for guid, own in by_player(a for a in played if weapon in a.truth.weapons).items():
        used = [a.truth.weapons[weapon] for a in own if any(a.truth.weapons[weapon])]
        if used:
            wanted[guid] = (len(used), *(sum(numbers[place] for numbers in used) for place in range(5)))
    field = rankings.population(db, Scope(), weapon=weapon)
    found = {p.player_guid: (p.rounds, p.hits, p.shots, p.kills, p.deaths, p.headshots) for p in field.now}
    assert found == wanted


def test_a_weapons_board_shows_all_that_is_counted_by_weapon(cli: Cli, played: list[Act]) -> None:
    """Without --top by kills; accuracy for bullets only, since a grenade hits several at once."""
    rows = json.loads(cli("leaderboard", "--weapon", "mp40", "--min-rounds", "1", "--limit", "50", "--json").out)
    for row in rows:
        used = [
            a.truth.weapons["MP40"]
            for a in played
            if a.truth.guid == row["player_guid"] and "MP40" in a.truth.weapons
        ]
        hits, shots, kills, deaths, headshots = (sum(numbers[place] for numbers in used) for place in range(5))
        assert [row[name] for name in ("hits", "shots", "value", "kills", "deaths", "headshots")] == [
            hits, shots, kills, kills, deaths, headshots
        ]  # fmt: skip
        assert row["accuracy"] == (pytest.approx(100 * hits / shots, abs=1e-3) if shots else None)
    assert [row["value"] for row in rows] == sorted((row["value"] for row in rows), reverse=True)
    grenades = json.loads(cli("leaderboard", "--weapon", "GRENADE", "--min-rounds", "1", "--json").out)
    assert {row["accuracy"] for row in grenades} == {None}


@pytest.mark.parametrize("board", ["kd", "dpm", "kills", "survival", "denied", "teamwork", "accuracy"])
def test_ranks_and_moves_are_those_of_a_hand_made_ranking(db: Connection, played: list[Act], board: str) -> None:
    """Rank by the computed values, now and for the rounds until a week before the newest one."""
    newest = max(a.ended_at for a in played)
    week_before = [a for a in played if a.ended_at <= newest - timedelta(days=7)]

    def ranks(acts: list[Act], least: int) -> dict[str, int]:
        values = {
            guid: value
            for guid, own in by_player(acts).items()
            if len(own) >= least and (value := VALUES[board](own)) is not None
        }
        sign = 1 if board == "teamwork" else -1
        return {
            guid: 1 + sum(sign * other < sign * value for other in values.values())
            for guid, value in values.items()
        }

    ranking = rankings.population(db, Scope()).ranking(BOARDS[board], min_rounds=4, min_shots=0)
    now, then = ranks(played, 4), ranks(week_before, 4)
    assert now.keys() & then.keys()
    assert {s.player_guid: s.rank for s in ranking.standings} == now
    assert {s.player_guid: s.change for s in ranking.standings} == {
        guid: then[guid] - rank if guid in then else None for guid, rank in now.items()
    }


def test_a_name_is_the_one_borne_last(db: Connection, played: list[Act]) -> None:
    """Names change; a board shows the present ones."""
    last = {guid: max(own, key=lambda a: a.ended_at).truth.name for guid, own in by_player(played).items()}
    assert {p.player_guid: p.player_name for p in rankings.population(db, Scope()).now} == last


def test_the_hidden_lead_nothing_and_change_nobodys_numbers(db: Connection) -> None:
    """A hidden player is off every board; everybody else keeps value and gains the place."""
    before = rankings.population(db, Scope()).ranking(BOARDS["kills"])
    leader = before.standings[0].player_guid
    with db.transaction(force_rollback=True):
        db.execute("INSERT INTO hidden_players (player_guid) VALUES (%s)", [leader])
        after = rankings.population(db, Scope()).ranking(BOARDS["kills"])
        weapon = rankings.population(db, Scope(), weapon="MP40")
    assert [(s.player_guid, s.value) for s in after.standings] == [
        (s.player_guid, s.value) for s in before.standings[1:]
    ]
    assert leader not in {p.player_guid for p in weapon.now}


def test_the_command_prints_the_ranking_in_every_format(cli: Cli, played: list[Act]) -> None:
    """The same numbers as table, JSON, CSV and Markdown."""
    wanted = sorted((-sum(a["kills"] for a in own), guid) for guid, own in by_player(played).items())
    kills = [-negative for negative, _ in wanted]
    as_json = json.loads(cli("leaderboard", "--top", "kills", "--min-rounds", "1", "--limit", "50", "--json").out)
    assert [row["value"] for row in as_json] == kills
    assert {row["player_guid"] for row in as_json} == {guid for _, guid in wanted}
    csv = cli("leaderboard", "--top", "kills", "--min-rounds", "1", "--limit", "50", "--csv").out.splitlines()
    assert csv[0] == "rank,change,player_name,value,rounds,player_guid"
    assert [int(line.split(",")[-3]) for line in csv[1:]] == kills
    table = cli("leaderboard", "--top", "kills", "--min-rounds", "1", "--limit", "3")
    assert table.code == 0
    assert all(f"{number:,}" in table.out for number in kills[:3])
    markdown = cli("leaderboard", "--top", "kills", "--limit", "2", "--markdown").out.splitlines()
    assert len(markdown) == 4
    assert markdown[0].startswith("| \\# |")


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_has_its_table(cli: Cli, board: str) -> None:
    """Title, ten rows at most, and exit code 0."""
    found = cli("leaderboard", "--top", board, "--min-rounds", "1", "--min-shots", "0")
    assert found.code == 0
    assert BOARDS[board].heading in found.out
    assert not found.err
