"""Tests of rating, teams, duos, rivals, the board of ratings and --per on the command line."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.db import maps
from etstats.db.scope import Scope
from etstats.domain.rules.rating import PROVISIONAL_ROUNDS
from etstats.stats import ratings, set_times
from etstats.stats.rating_lists import Streaks, streaks
from tests.conftest import CliResult
from tests.support.game import Game

Cli = Callable[..., CliResult]
FORMATS = ("--json", "--csv", "--markdown", "")


@pytest.fixture
def names(db: psycopg.Connection) -> list[str]:
    """Return the GUIDs of the players with most rounds, most first."""
    rows = db.execute(
        "SELECT player_guid FROM player_comprehensive_stats GROUP BY 1 ORDER BY count(*) DESC, 1"
    ).fetchall()
    db.commit()
    return [guid for (guid,) in rows]


def test_ratings_are_updated_and_listed(cli: Cli, db: psycopg.Connection, names: list[str]) -> None:
    """Ranked players best first, then provisional ones; each once, with an interval around the rating."""
    rows = json.loads(cli("rating", "--json").out)
    ranked = [row for row in rows if row["rank"]]
    assert sorted(row["player_guid"] for row in rows) == sorted(names)
    assert rows[: len(ranked)] == ranked
    assert [row["value"] for row in ranked] == sorted((row["value"] for row in ranked), reverse=True)
    assert all(row["low"] < row["value"] < row["high"] for row in rows)
    assert all(row["is_provisional"] == (row["rounds"] < PROVISIONAL_ROUNDS) for row in rows)
    assert all(not row["is_provisional"] for row in ranked)
    text = cli("rating").out
    assert all(row["clean_name"][:8] in text for row in rows)


def test_hidden_player_is_in_no_output(cli: Cli, db: psycopg.Connection, names: list[str]) -> None:
    """Not in ratings, duos, rivals and boards; a hidden player in a team is an error."""
    db.execute("INSERT INTO hidden_players (player_guid) VALUES (%s)", [names[0]])
    db.commit()
    for command in (
        ("rating",),
        ("leaderboard", "rating", "--min-rounds", "0"),
        ("duos", "--min-matches", "1", "--limit", "1000"),
        ("rivals", names[1], "--min-matches", "1"),
    ):
        answer = cli(*command, "--json")
        assert answer.code == 0
        assert names[0] not in answer.out
        assert any(other in answer.out for other in names[2:])
    refused = cli("teams", names[0], names[1])
    assert refused.code == 2
    assert "hidden" in refused.err


def test_rating_board_equals_the_ratings(cli: Cli) -> None:
    """As an argument and with --top; other boards too."""
    board = cli("leaderboard", "rating", "--min-rounds", "5", "--json").out
    assert board == cli("leaderboard", "--top", "rating", "--min-rounds", "5", "--json").out
    assert [row["rank"] for row in json.loads(board)][:2] == [1, 2]
    assert cli("leaderboard", "kd", "--json").out == cli("leaderboard", "--top", "kd", "--json").out != "[]\n"
    assert "rating" in cli("leaderboard").out
    nobody = cli("leaderboard", "rating", "--min-rounds", "9999")
    assert nobody.out.splitlines() == ["No player has 9999 rated rounds; use a lower --min-rounds."]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["leaderboard", "rating", "--map", "supply"], "all rounds"),
        (["leaderboard", "kd", "--top", "dpm"], "two boards"),
        (["leaderboard", "kd", "--per", "round"], "kills"),
        (["leaderboard", "kills", "--per", "hour"], "10min"),
        (["leaderboard", "kills", "--per", "10min", "--weapon", "MP40"], "--per round"),
        (["rating", "--check", "--limit", "3"], "--check"),
        (["rating", "--since", "yesterweek"], "yesterweek"),
        (["teams", "{0}"], "at least 2"),
        (["teams", "{0}", "{1}", "{0}"], "twice"),
        (["teams", "{0}", "nobody-of-that-name"], "nobody-of-that-name"),
        (["teams"], "at least 2"),
        (["rivals", "nobody-of-that-name"], "nobody-of-that-name"),
    ],
)
def test_invalid_input_is_an_error_of_two_lines(
    cli: Cli, names: list[str], arguments: list[str], words: str
) -> None:
    """Exit 2, the error and the solution, nothing on stdout."""
    done = cli(*(argument.format(*names) for argument in arguments))
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert len(done.err.splitlines()) <= 2


def test_per_divides_a_sum(cli: Cli) -> None:
    """Divided by the rounds, or by the time in units of ten minutes."""

    def board(name: str, *options: str) -> list[dict[str, float]]:
        found: list[dict[str, float]] = json.loads(
            cli("leaderboard", name, *options, "--limit", "99", "--min-rounds", "1", "--json").out
        )
        return found

    sums = {row["player_guid"]: row for row in board("kills")}
    played = {row["player_guid"]: row["numerator"] for row in board("time")}
    by_round, by_time = board("kills", "--per", "round"), board("kills", "--per", "10min")
    assert by_round
    assert by_time
    for row in by_round:
        own = sums[row["player_guid"]]
        assert row["value"] == pytest.approx(own["value"] / own["rounds"], abs=1e-4)
    for row in by_time:
        expected = 600 * sums[row["player_guid"]]["value"] / played[row["player_guid"]]
        assert row["value"] == pytest.approx(expected, abs=1e-4)


def test_average_uses_rounds_with_known_values(cli: Cli, db: psycopg.Connection, names: list[str]) -> None:
    """Rounds of a layout without the value do not lower a player's average."""
    one = "SELECT min(round_id) FROM player_comprehensive_stats WHERE player_guid = %(guid)s"
    db.execute("UPDATE player_comprehensive_stats SET revives_given = 4", {})
    db.execute(
        f"UPDATE player_comprehensive_stats SET revives_given = NULL "
        f"WHERE player_guid = %(guid)s AND round_id = ({one})",
        {"guid": names[0]},
    )
    db.commit()
    options = ("--per", "round", "--min-rounds", "1", "--limit", "99", "--json")
    rows = json.loads(cli("leaderboard", "revives", *options).out)
    assert {row["value"] for row in rows} == {4}


def test_check_has_the_documented_form(cli: Cli) -> None:
    """All keys of the contract, for three baselines."""
    document = json.loads(cli("rating", "--check", "--json").out)
    assert list(document) == ["matches", "warm_up", "log_loss", "brier", "hit_rate", "calibration", "baselines"]
    assert document["warm_up"] == 20
    assert [list(part) for part in document["calibration"][:1]] == [["from", "to", "matches", "predicted", "won"]]
    assert list(document["baselines"]) == ["coin", "results", "kd"]
    for baseline in document["baselines"].values():
        assert list(baseline) == ["log_loss", "brier", "hit_rate", "log_loss_difference", "low", "high"]
    assert cli("rating", "--check").code == 0


@pytest.mark.parametrize("count", [2, 3, 7])
def test_teams_contain_every_named_player(cli: Cli, names: list[str], count: int) -> None:
    """Each player is in one of the two teams of each split, the most even split first."""
    asked = names[:count]
    document = json.loads(cli("teams", *asked, "--json").out)
    assert document["unrated"] == []
    for split in document["splits"]:
        assert sorted(split["guids1"] + split["guids2"]) == sorted(asked)
        assert len(split["team1"]) - len(split["team2"]) == count % 2
        assert 0 < split["chance1"] < 1
    unevenness = [abs(split["chance1"] - 0.5) for split in document["splits"]]
    assert unevenness == sorted(unevenness)


def test_unrated_player_counts_as_average(cli: Cli, db: psycopg.Connection, names: list[str]) -> None:
    """The player is named; here one who was only in uncounted rounds."""
    db.execute("UPDATE rounds SET is_voided = true")
    db.commit()
    document = json.loads(cli("teams", *names[:4], "--json").out)
    assert len(document["unrated"]) == 4
    assert document["splits"][0]["chance1"] == 0.5
    assert "counted as average" in cli("teams", *names[:4]).out


def sides(db: psycopg.Connection) -> list[tuple[dict[str, int], float, float]]:
    """Return sides in round 1, chance and result of each match with a result; not players who changed teams."""
    found: dict[tuple[int, str], tuple[dict[str, set[int]], float, float]] = {}
    rows = db.execute(
        """SELECT m.server_id, m.match_id, r.round_number, p.player_guid, p.team, m.chance, m.result
           FROM rated_matches m JOIN rounds r USING (server_id, match_id)
           JOIN player_comprehensive_stats p ON p.round_id = r.id
           WHERE m.result IS NOT NULL AND p.team IN (1, 2)"""
    ).fetchall()
    for server, match, number, guid, team, chance, result in rows:
        players, _, _ = found.setdefault((server, match), (defaultdict(set), chance, result))
        players[guid].add(team if number == 1 else 3 - team)
    return [
        ({guid: min(teams) for guid, teams in players.items() if len(teams) == 1}, chance, result)
        for players, chance, result in found.values()
    ]


def test_duos_equal_a_manual_count(cli: Cli, db: psycopg.Connection) -> None:
    """Matches, results and the mean chance of each pair on one side."""
    rows = json.loads(cli("duos", "--min-matches", "1", "--limit", "1000", "--json").out)
    by_hand: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for players, chance, result in sides(db):
        for one, other in combinations(sorted(players), 2):
            if players[one] == players[other]:
                own = (chance, result) if players[one] == 1 else (1 - chance, 1 - result)
                by_hand[one, other].append(own)
    assert {(row["player_guid1"], row["player_guid2"]) for row in rows} == set(by_hand)
    for row in rows:
        played = by_hand[row["player_guid1"], row["player_guid2"]]
        assert row["matches"] == len(played) == row["won"] + row["drawn"] + row["lost"]
        assert row["won"] == sum(result == 1 for _, result in played)
        assert row["expected_percent"] == pytest.approx(
            100 * sum(chance for chance, _ in played) / len(played), abs=1e-3
        )


def test_rivals_equal_a_manual_count(cli: Cli, db: psycopg.Connection, names: list[str]) -> None:
    """Matches and wins against each opponent; --csv has the same rows."""
    rows = json.loads(cli("rivals", names[0], "--min-matches", "1", "--json").out)
    by_hand: dict[str, list[float]] = defaultdict(list)
    for players, _, result in sides(db):
        for guid, side in players.items():
            if names[0] in players and side != players[names[0]]:
                by_hand[guid].append(result if players[names[0]] == 1 else 1 - result)
    assert by_hand
    assert {row["player_guid"]: (row["matches"], row["won"]) for row in rows} == {
        guid: (len(results), results.count(1)) for guid, results in by_hand.items()
    }
    written = csv.DictReader(io.StringIO(cli("rivals", names[0], "--min-matches", "1", "--csv").out))
    assert [row["player_guid"] for row in written] == [row["player_guid"] for row in rows]


def test_every_format_is_written(cli: Cli, names: list[str]) -> None:
    """Exit 0 and output on stdout; empty results are [] or a sentence."""
    for command in (
        ("rating",),
        ("rating", "--improved", "--since", "2025-10-01"),
        ("rating", "--check"),
        ("leaderboard", "rating"),
        ("teams", *names[:5]),
        ("duos", "--min-matches", "1"),
        ("duos", "--min-matches", "999"),
        ("rivals", names[0], "--min-matches", "1"),
        ("rivals", names[0], "--min-matches", "999"),
        ("player", names[0]),
    ):
        for form in FORMATS:
            done = cli(*command, *filter(None, [form]))
            assert (done.code, done.err) == (0, ""), (command, form)
            assert done.out.strip()
    assert json.loads(cli("duos", "--min-matches", "999", "--json").out) == []
    assert "Expected" not in cli("duos", "--min-matches", "999").out


def test_profile_has_the_rating_and_its_history(cli: Cli, names: list[str]) -> None:
    """The newest step is the listed rating; the changes add up."""
    found = json.loads(cli("player", names[0], "--json").out)["rating"]
    assert found["value"] == found["history"][-1]["value"]
    values = [step["value"] for step in found["history"]]
    for before, step in zip(values, found["history"][1:], strict=False):
        assert abs(before + step["gained"] - step["value"]) <= 1
    assert "Rating" in cli("player", names[0]).out


def online(home: Path, address: str) -> tuple[str, str]:
    """Return the option for settings with the game's address."""
    path = home / "config.toml"
    path.write_text(f'[[servers]]\nname = "main"\npath = "/x"\nquery = "{address}"\n')
    return "--config", str(path)


def test_teams_include_online_players(
    cli: Cli, db: psycopg.Connection, home: Path, game: Callable[..., Game], names: list[str]
) -> None:
    """Together with the named players; hidden players are excluded, unknown ones count as average."""
    alias: dict[str, str] = dict(
        db.execute(
            "SELECT DISTINCT ON (guid) guid, alias FROM player_aliases ORDER BY guid, last_seen DESC"
        ).fetchall()
    )
    db.execute("INSERT INTO hidden_players (player_guid) VALUES (%s)", [names[0]])
    db.commit()
    running = game(names=[alias[names[0]], alias[names[1]], alias[names[2]], "Somebody New"], bots=2)
    done = cli(*online(home, running.address), "teams", names[2], names[3], "--from-server", "main", "--json")
    assert done.code == 0, done.err
    assert "1 hidden player" in done.err
    document = json.loads(done.out)
    split = document["splits"][0]
    assert {*names[1:4]} < {*split["guids1"], *split["guids2"]}
    assert len(split["team1"]) + len(split["team2"]) == 4
    assert document["unrated"] == ["Somebody New"]


def test_teams_of_an_empty_or_silent_server_are_refused(
    cli: Cli, home: Path, game: Callable[..., Game], names: list[str]
) -> None:
    """Too few players or an unknown server: exit 2; no reply: exit 75."""
    empty, silent = game(names=[]), game(silent_for=99)
    done = cli(*online(home, empty.address), "teams", names[0], "--from-server", "main")
    assert (done.code, "at least 2" in done.err) == (2, True)
    done = cli(*online(home, empty.address), "teams", "--from-server", "other")
    assert (done.code, "other" in done.err) == (2, True)
    done = cli(*online(home, silent.address), "teams", "--from-server", "main")
    assert (done.code, "does not answer" in done.err) == (75, True)


def test_map_page_shows_attacks_and_predictions(cli: Cli, db: psycopg.Connection) -> None:
    """The fastest attack with its line-up, the team that attacks first, and the predictions of set times."""
    (name,) = db.execute(
        "SELECT map_name FROM rounds WHERE round_outcome = 'completed' "
        "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchone() or (None,)
    fastest = db.execute(
        """SELECT r.actual_time_seconds, array_agg(p.player_name ORDER BY p.damage_given DESC, p.player_guid)
           FROM rounds r JOIN player_comprehensive_stats p ON p.round_id = r.id AND p.team = 3 - r.defender_team
           WHERE r.map_name = %s AND r.round_outcome = 'completed' AND NOT r.is_cumulative
           GROUP BY r.id ORDER BY 1, r.ended_at""",
        [name],
    ).fetchall()
    db.commit()
    document = json.loads(cli("maps", name, "--limit", "99", "--set-time", "5:00", "--json").out)
    assert [(row["seconds"], row["player_names"]) for row in document["fastest"]] == fastest
    first = document["attack_first"]
    assert first["matches"] == first["won"] + first["drawn"] + first["lost"]
    assert 0 < document["asked"]["chance"] < 1
    for form in FORMATS:
        assert cli("maps", name, "--set-time", "5:00", *filter(None, [form])).out.strip()


@pytest.mark.parametrize(
    "arguments", [["supply", "--set-time", "5"], ["--set-time", "5:00"], ["nowhere"], ["supply", "--map", "x"]]
)
def test_invalid_map_arguments_are_refused(cli: Cli, arguments: list[str]) -> None:
    """Exit 2 and a message."""
    done = cli("maps", *arguments)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) <= 2


def test_set_time_predictions_use_earlier_attacks_only(db: psycopg.Connection) -> None:
    """The record over all maps equals that of the single predictions."""
    ratings.update(db)
    found = maps.set_times(db)
    assert found
    known = [row for row in found if row.is_beaten is not None]
    chances = []
    for row in known:
        prediction = set_times.predict(db, row.round_id)
        assert prediction is not None
        assert prediction.attacks == sum(
            attack.ended_at < row.ended_at for attack in maps.attacks(db, Scope(map_name=row.map_name))
        )
        chances.append(prediction.chance)
    record = set_times.record(db)
    assert record.predictions == len(known)
    right = [(chance > 0.5) == row.is_beaten for chance, row in zip(chances, known, strict=True)]
    assert record.hit_rate == pytest.approx(sum(right) / len(right))


def test_mvps_are_counted_with_the_awards(cli: Cli) -> None:
    """One set time for each session."""
    rows = [row for row in json.loads(cli("awards", "--since", "all", "--json").out) if row["key"] == "mvp"]
    sessions = json.loads(cli("sessions", "--json").out)
    assert sum(row["times"] for row in rows) == len(sessions)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=12))
def test_streaks_are_the_longest_sequences(results: list[float]) -> None:
    """Compared with consecutive results of the list."""
    runs = [
        (results[start], end - start)
        for start in range(len(results))
        for end in range(start + 1, len(results) + 1)
        if len(set(results[start:end])) == 1
    ]
    found = streaks(results)
    assert found.longest_won == max((length for result, length in runs if result == 1), default=0)
    assert found.longest_lost == max((length for result, length in runs if result == 0), default=0)
    length = next((place for place, result in enumerate(reversed(results)) if result != results[-1]), len(results))
    expected = {1.0: length, 0.0: -length, 0.5: 0}[results[-1]] if results else 0
    assert found == Streaks(expected, found.longest_won, found.longest_lost)


def test_most_improved_requires_an_earlier_rating(cli: Cli) -> None:
    """A time without players is reported; `all` has nothing to compare with and is refused."""
    assert "No player with an earlier rating has played" in cli("rating", "--improved", "--since", "1h").out
    refused = cli("rating", "--since", "all")
    assert (refused.code, refused.out) == (2, "")
    assert "no earlier rating" in refused.err


def test_hidden_player_has_no_rivals(cli: Cli) -> None:
    """The reason is reported, not that there were too few matches."""
    name = json.loads(cli("rating", "--json").out)[0]["player_guid"]
    assert cli("hide", name).code == 0
    refused = cli("rivals", name, "--json")
    assert (refused.code, refused.out) == (2, "")
    assert "hidden and forgotten players have no rating" in refused.err
