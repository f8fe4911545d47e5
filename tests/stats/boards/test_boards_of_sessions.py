"""Tests of the boards with generated sessions, compared with the truth."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection

from etstats.db.scope import Scope
from etstats.domain.rules.boards import BOARDS, value_of
from etstats.stats import rankings
from tests.conftest import CliResult
from tests.stats.boards.expected import VALUES, Act, by_player

Cli = Callable[..., CliResult]


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Return the URL of the database with the generated sessions."""
    return filled_url


def test_every_board_is_tested() -> None:
    """Every board is tested."""
    assert VALUES.keys() == BOARDS.keys()


@pytest.mark.parametrize("board", BOARDS)
def test_board_values_equal_the_generated_ones(db: Connection, played: list[Act], board: str) -> None:
    """Return the values of all players on a board over all rounds, sums first."""
    field = rankings.population(db, Scope())
    found = {player.player_guid: value_of(BOARDS[board], player) for player in field.now}
    wanted = {guid: VALUES[board](own) for guid, own in by_player(played).items()}
    assert found.keys() == wanted.keys()
    for guid, value in wanted.items():
        assert found[guid] == (None if value is None else pytest.approx(float(value), abs=1e-9))


@pytest.mark.parametrize(
    ("scope", "keeps"),
    [
        (Scope(map_name="supply"), lambda act: act.round.map_name == "supply"),
        (Scope(server="hall"), lambda act: act.server == "hall"),
        (
            Scope(since=datetime(2025, 10, 1, tzinfo=UTC)),
            lambda act: act.ended_at >= datetime(2025, 10, 1, tzinfo=UTC),
        ),
        (
            Scope(until=datetime(2025, 10, 1, tzinfo=UTC)),
            lambda act: act.ended_at < datetime(2025, 10, 1, tzinfo=UTC),
        ),
        (
            Scope(since=datetime(2025, 2, 1, tzinfo=UTC), until=datetime(2025, 10, 1, tzinfo=UTC), server="hall"),
            lambda act: act.server == "hall" and act.ended_at.year == 2025,
        ),
    ],
    ids=["map", "server", "since", "until", "all at once"],
)
def test_scope_selects_its_rounds_only(
    db: Connection, played: list[Act], scope: Scope, keeps: Callable[[Act], bool]
) -> None:
    """Kills of all players, by map, server and time."""
    found = {player.player_guid: (player.rounds, player.kills) for player in rankings.population(db, scope).now}
    inside = by_player(filter(keeps, played))
    assert found == {guid: (len(own), sum(act["kills"] for act in own)) for guid, own in inside.items()}


@pytest.mark.parametrize("count", [1, 3, 11])
def test_last_selects_the_newest_rounds(db: Connection, played: list[Act], count: int) -> None:
    """`--last N` counts rounds of all players."""
    newest = sorted({act.round.file.mtime for act in played})[-count:]
    found = {player.player_guid: player.rounds for player in rankings.population(db, Scope(last_rounds=count)).now}
    inside = by_player(act for act in played if act.round.file.mtime in newest)
    assert found == {guid: len(own) for guid, own in inside.items()}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_last_sessions_are_complete(db: Connection, played: list[Act], count: int) -> None:
    """`--last Nsessions` counts sessions; no generated session passes into the next."""
    starts = sorted({(act.ended_at - timedelta(hours=12)).date() for act in played})[-count:]
    found = {
        player.player_guid: player.rounds for player in rankings.population(db, Scope(last_sessions=count)).now
    }
    inside = by_player(act for act in played if (act.ended_at - timedelta(hours=12)).date() in starts)
    assert found == {guid: len(own) for guid, own in inside.items()}


@pytest.mark.parametrize("weapon", ["MP40", "THOMPSON", "GRENADE", "LUGER"])
def test_weapon_board_counts_one_weapon(db: Connection, played: list[Act], weapon: str) -> None:
    """Rounds, hits, shots, kills, deaths and headshots with one weapon."""
    wanted = {}
    for guid, own in by_player(act for act in played if weapon in act.truth.weapons).items():
        used = [act.truth.weapons[weapon] for act in own if any(act.truth.weapons[weapon])]
        if used:
            wanted[guid] = (len(used), *(sum(numbers[place] for numbers in used) for place in range(5)))
    field = rankings.population(db, Scope(), weapon=weapon)
    found = {
        player.player_guid: (
            player.rounds,
            player.hits,
            player.shots,
            player.kills,
            player.deaths,
            player.headshots,
        )
        for player in field.now
    }
    assert found == wanted


def test_weapon_board_is_sorted_by_kills(cli: Cli, played: list[Act]) -> None:
    """The default order is by kills; accuracy is for bullets only, because a grenade hits several players."""
    rows = json.loads(cli("leaderboard", "--weapon", "mp40", "--min-rounds", "1", "--limit", "50", "--json").out)
    for row in rows:
        used = [
            act.truth.weapons["MP40"]
            for act in played
            if act.truth.guid == row["player_guid"] and "MP40" in act.truth.weapons
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
def test_ranks_and_changes_equal_computed_ones(db: Connection, played: list[Act], board: str) -> None:
    """Ranks by the computed values, now and up to a week before the newest round."""
    newest = max(act.ended_at for act in played)
    week_before = [act for act in played if act.ended_at <= newest - timedelta(days=7)]

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
    assert {standing.player_guid: standing.rank for standing in ranking.standings} == now
    assert {standing.player_guid: standing.change for standing in ranking.standings} == {
        guid: then[guid] - rank if guid in then else None for guid, rank in now.items()
    }


def test_board_shows_current_names(db: Connection, played: list[Act]) -> None:
    """Names change; a board shows the current ones."""
    last = {guid: max(own, key=lambda act: act.ended_at).truth.name for guid, own in by_player(played).items()}
    assert {player.player_guid: player.player_name for player in rankings.population(db, Scope()).now} == last


def test_hidden_player_is_on_no_board(db: Connection) -> None:
    """A hidden player is on no board; others keep their value and move up."""
    before = rankings.population(db, Scope()).ranking(BOARDS["kills"])
    leader = before.standings[0].player_guid
    with db.transaction(force_rollback=True):
        db.execute("INSERT INTO hidden_players (player_guid) VALUES (%s)", [leader])
        after = rankings.population(db, Scope()).ranking(BOARDS["kills"])
        weapon = rankings.population(db, Scope(), weapon="MP40")
    assert [(standing.player_guid, standing.value) for standing in after.standings] == [
        (standing.player_guid, standing.value) for standing in before.standings[1:]
    ]
    assert leader not in {player.player_guid for player in weapon.now}


def test_ranking_is_equal_in_every_format(cli: Cli, played: list[Act]) -> None:
    """Equal numbers as table, JSON, CSV and Markdown."""
    wanted = sorted((-sum(act["kills"] for act in own), guid) for guid, own in by_player(played).items())
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
def test_every_board_has_a_table(cli: Cli, board: str) -> None:
    """Title, at most ten rows, and exit code 0."""
    found = cli("leaderboard", "--top", board, "--min-rounds", "1", "--min-shots", "0")
    assert found.code == 0
    assert BOARDS[board].heading in found.out
    assert not found.err
