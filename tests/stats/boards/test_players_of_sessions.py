"""Tests of players, maps, weapons, records and seasons with generated sessions, compared with the truth."""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from psycopg import Connection

from etstats.cli import main
from etstats.db import boards, maps, players
from etstats.db.scope import Scope
from etstats.demo.generator import GeneratedRound
from etstats.domain.rules.quarters import quarter_span
from etstats.domain.rules.season_standings import POINTS, SEASON_BOARDS
from etstats.stats import profiles, rankings, seasons
from tests.conftest import CliResult
from tests.stats.boards.expected import BULLETS, VALUES, Act, by_player

Cli = Callable[..., CliResult]


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Return the URL of the database with the generated sessions."""
    return filled_url


@pytest.fixture
def regular(played: list[Act]) -> str:
    """Return the GUID of the player with most rounds."""
    return Counter(act.truth.guid for act in played).most_common(1)[0][0]


def plays(acts: Iterable[Act]) -> dict[int, list[Act]]:
    """Return the acts of each round with sides, by the time of the round."""
    found: dict[int, list[Act]] = defaultdict(list)
    for act in acts:
        if act.truth.team in (1, 2):
            found[act.round.file.mtime].append(act)
    return found


def kd(acts: list[Act]) -> float:
    deaths = sum(act["deaths"] for act in acts)
    return sum(act["kills"] for act in acts) / deaths if deaths else sum(act["kills"] for act in acts)


def test_attack_and_defence_depend_on_the_defender(db: Connection, played: list[Act], regular: str) -> None:
    """Attack and defence: rounds, won, lost, K/D, DPM."""
    own = [act for act in by_player(played)[regular] if act.truth.team in (1, 2)]
    for side in players.sides(db, Scope(), regular):
        there = [act for act in own if (act.truth.team != act.round.defender) == side.is_attack]
        won = sum(act.round.winner == act.truth.team for act in there)
        assert (side.rounds, side.won, side.lost) == (len(there), won, len(there) - won)
        assert side.kd_ratio == pytest.approx(kd(there))
        assert side.win_share == pytest.approx(won / len(there))
    assert {side.is_attack for side in players.sides(db, Scope(), regular)} == {True, False}


def test_maps_of_a_player_sum_up(db: Connection, played: list[Act], regular: str) -> None:
    """Each map's rounds and kills, best DPM first among those with enough rounds."""
    own = by_player(played)[regular]
    found = {map_.map_name: (map_.rounds, map_.kills, map_.deaths) for map_ in players.maps(db, Scope(), regular)}
    wanted: dict[str, list[Act]] = defaultdict(list)
    for act in own:
        wanted[act.round.map_name].append(act)
    assert found == {
        name: (len(acts), sum(act["kills"] for act in acts), sum(act["deaths"] for act in acts))
        for name, acts in wanted.items()
    }
    often = [map_.dpm or 0 for map_ in players.maps(db, Scope(), regular) if map_.rounds >= 4]
    assert often == sorted(often, reverse=True)


def test_weapons_of_a_player_sum_up(db: Connection, played: list[Act], regular: str) -> None:
    """Kills first; accuracy for bullet weapons."""
    found = players.weapons(db, Scope(), regular)
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for act in by_player(played)[regular]:
        for weapon, numbers in act.truth.weapons.items():
            sums[weapon] = [act + number for act, number in zip(sums[weapon], numbers, strict=True)]
    assert {
        weapon.weapon_name: [weapon.hits, weapon.shots, weapon.kills, weapon.deaths, weapon.headshots]
        for weapon in found
    } == {weapon: numbers for weapon, numbers in sums.items() if any(numbers)}
    for one in found:
        shots = one.shots and one.weapon_name in BULLETS
        assert one.accuracy == (pytest.approx(100 * one.hits / one.shots) if shots else None)


def test_teammates_are_counted_by_guid_and_side(db: Connection, played: list[Act], regular: str) -> None:
    """Teammates and opponents, with the number of rounds and wins."""
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for acts in plays(played).values():
        own = next((act for act in acts if act.truth.guid == regular), None)
        for other in acts if own else ():
            if own is not None and other is not own:
                how = "with" if other.truth.team == own.truth.team else "against"
                wanted[other.truth.guid][f"rounds_{how}"] += 1
                wanted[other.truth.guid][f"won_{how}"] += own.round.winner == own.truth.team
    found = players.company(db, Scope(), regular)
    assert {teammate.player_guid for teammate in found} == wanted.keys()
    for teammate in found:
        counts = wanted[teammate.player_guid]
        assert (teammate.rounds_with, teammate.won_with) == (counts["rounds_with"], counts["won_with"])
        assert (teammate.rounds_against, teammate.won_against) == (counts["rounds_against"], counts["won_against"])
        assert teammate.won_with + teammate.lost_with == teammate.rounds_with


def test_form_has_the_last_ten_rounds(db: Connection, played: list[Act], regular: str) -> None:
    """The DPM of each round, and of all rounds."""
    profile = profiles.profile(db, Scope(), regular)
    own = sorted(
        (act for act in by_player(played)[regular] if act["time_played_seconds"]), key=lambda act: act.ended_at
    )[-10:]
    assert [round_.dpm for round_ in profile.form.rounds] == [
        pytest.approx(60 * act["damage_given"] / act["time_played_seconds"]) for act in own
    ]
    assert profile.form.average_dpm == pytest.approx(float(VALUES["dpm"](by_player(played)[regular]) or 0))


def test_profile_is_found_by_any_name_or_guid(cli: Cli, played: list[Act], regular: str) -> None:
    """All names of a player, in table, JSON and by GUID, give the same page."""
    renamed = {guid for guid, own in by_player(played).items() if len({act.truth.name for act in own}) > 1}
    assert renamed
    page = json.loads(cli("player", regular, "--json").out)
    assert page["player_guid"] == regular
    assert page["sums"]["kills"] == sum(act["kills"] for act in by_player(played)[regular])
    assert {place["board"] for place in page["places"]} == VALUES.keys()
    for alias in page["aliases"]:
        found = cli("player", alias["alias"], "--json")
        assert found.code == 2 or json.loads(found.out)["player_guid"] == regular
    shown = cli("player", regular.lower())
    assert shown.code == 0
    for part in (
        "Form",
        "Sides",
        "Best maps",
        "Weapons",
        "Plays with",
        "Plays against",
        "Records",
        "Names",
        "Last seen",
    ):
        assert part in shown.out


def test_profile_without_rounds_is_reported(cli: Cli, regular: str) -> None:
    """The player exists, but has no rounds in the selection."""
    found = cli("player", regular, "--season", "2024-Q2")
    assert found.code == 0
    assert "has no rounds" in found.out


def test_comparison_marks_the_better_value(cli: Cli, played: list[Act], regular: str) -> None:
    """The values of each board, the better one marked, and the common rounds."""
    other = Counter(act.truth.guid for act in played).most_common(2)[1][0]
    both = json.loads(cli("compare", regular, other, "--json").out)
    own = by_player(played)
    for duel in both["duels"]:
        mine, theirs = VALUES[duel["board"]](own[regular]), VALUES[duel["board"]](own[other])
        better = None
        if mine is not None and theirs is not None and mine != theirs:
            less = duel["board"] in ("teamwork", "deaths")
            better = regular if (mine < theirs) == less else other
        assert duel["better"] == better, duel
    met = [acts for acts in plays(played).values() if {regular, other} <= {act.truth.guid for act in acts}]
    assert both["meetings"]["rounds_with"] + both["meetings"]["rounds_against"] == len(met)
    shown = cli("compare", regular, other)
    assert "Ahead:" in shown.out
    assert "Against each other" in shown.out
    assert cli("compare", regular, regular).code == 2


def test_find_returns_all_matching_players(cli: Cli, played: list[Act]) -> None:
    """By a part of any name, as JSON; no match is an empty list and exit 0."""
    found = json.loads(cli("find", "a", "--limit", "100", "--json").out)
    assert found
    assert all("a" in row["alias"].lower() for row in found)
    assert json.loads(cli("find", "§§§§§§§§", "--json").out) == []
    assert "No name is similar to" in cli("find", "§§§§§§§§").out


def test_find_without_text_lists_everybody(cli: Cli, played: list[Act]) -> None:
    """Each player once, with the current name."""
    found = json.loads(cli("find", "", "--json").out)
    assert {row["player_guid"] for row in found} == set(by_player(played))
    assert len(found) == len(by_player(played))
    assert all(row["alias"] == row["clean_name"] for row in found)


def test_inexact_match_is_reported(cli: Cli, played: list[Act]) -> None:
    """On stderr, with the matched name; not for an exact name, and not with -q."""
    found = json.loads(cli("find", "", "--limit", "1000", "--json").out)
    name = max((row["clean_name"] for row in found), key=len)
    other = name.swapcase()
    assert cli("player", name).err == ""
    assert f'"{other}" was matched with {name} (' in cli("player", "--", other).err
    assert cli("-q", "player", "--", other).err == ""


def test_envelope_has_scope_and_units(cli: Cli, played: list[Act]) -> None:
    """The document is inside the envelope unchanged; without --json it is a usage error."""
    words = ("maps", "--last", "20", "--json")
    wrapped = json.loads(cli(*words, "--envelope").out)
    assert wrapped["rows"] == json.loads(cli(*words).out)
    assert wrapped["scope"] == {"last_rounds": 20}
    assert wrapped["units"]["average_attack_seconds"] == "seconds"
    assert wrapped["units"]["attack_share"] == "share from 0 to 1"
    assert cli("maps", "--envelope").code == 2


def test_awards_include_former_names(cli: Cli, db: Connection, played: list[Act]) -> None:
    """The records of a season in which the player had another name are included."""
    (first, *_) = json.loads(cli("awards", "--last", "1000", "--json").out)
    guid = first["player_guid"]
    db.execute("INSERT INTO player_identities VALUES (%s, %s, 'Renamed')", (guid, guid))
    db.commit()
    rows = json.loads(cli("awards", "--last", "1000", "--json").out)
    db.execute("DELETE FROM player_identities")
    db.commit()
    assert {row["player_name"] for row in rows if row["player_guid"] == guid} == {"Renamed"}


def rounds_of(played: list[Act]) -> list[GeneratedRound]:
    return list({act.round.file.name: act.round for act in played}.values())


def test_maps_show_attack_success(db: Connection, played: list[Act]) -> None:
    """Times played, attack success by the winner, times of successful attacks, full holds."""
    by_map: dict[str, list[GeneratedRound]] = defaultdict(list)
    for round_ in rounds_of(played):
        by_map[round_.map_name].append(round_)
    found = {map_.map_name: map_ for map_ in maps.maps(db, Scope())}
    assert found.keys() == by_map.keys()
    for name, rounds in by_map.items():
        won = [round_ for round_ in rounds if round_.winner not in (0, round_.defender)]
        times = [round_.actual_seconds for round_ in won if round_.actual_seconds is not None]
        assert found[name].rounds == len(rounds)
        assert found[name].times_played == len(rounds) / 2
        assert found[name].attacks_won == len(won)
        assert found[name].attack_share == pytest.approx(len(won) / len(rounds))
        assert found[name].best_attack_seconds == min(times, default=None)
        assert found[name].average_attack_seconds == (pytest.approx(sum(times) / len(times)) if times else None)
        assert found[name].full_holds == sum(round_.outcome == "fullhold" for round_ in rounds)
        assert found[name].surrenders == sum(round_.outcome == "surrender" for round_ in rounds)


def test_weapons_show_the_best_player(db: Connection, played: list[Act]) -> None:
    """Kills of all players by weapon; the player with the most."""
    kills: dict[str, Counter[str]] = defaultdict(Counter)
    for act in played:
        for weapon, numbers in act.truth.weapons.items():
            kills[weapon][act.truth.guid] += numbers[2]
    found = maps.weapons(db, Scope())
    assert {weapon.weapon_name: weapon.kills for weapon in found if weapon.kills} == {
        weapon: counts.total() for weapon, counts in kills.items() if counts.total()
    }
    for one in found:
        most = max(kills[one.weapon_name].values())
        assert (one.player_kills or 0) == most
        assert one.player_guid is None or kills[one.weapon_name][one.player_guid] == most
    assert sum(weapon.kill_share or 0 for weapon in found) == pytest.approx(1)


FEATS: dict[str, Callable[[Act], float | None]] = {
    "kills": lambda act: act["kills"],
    "damage": lambda act: act["damage_given"],
    "dpm": lambda act: round(60 * act["damage_given"] / act["time_played_seconds"], 1)
    if act["time_played_seconds"] >= 300 else None,
    "headshot_kills": lambda act: act["headshot_kills"],
    "spree": lambda act: act["killing_spree_best"],
    "gibs": lambda act: act["gibs"],
    "assists": lambda act: act["kill_assists"],
    "useful": lambda act: act["most_useful_kills"],
    "xp": lambda act: act["xp"],
}  # fmt: skip


def test_round_records_are_the_earliest_maximum(db: Connection, played: list[Act]) -> None:
    """Overall and by map: value, holder, time."""
    found = maps.round_records(db, Scope(), dpm_seconds=300, accuracy_shots=100)
    by_key = {(record.record, record.map_name): record for record in found}
    for record, feat in FEATS.items():
        for map_name in {None, *(act.round.map_name for act in played)}:
            there = [
                (value, act) for act in played
                if map_name in (None, act.round.map_name) and (value := feat(act)) is not None
            ]  # fmt: skip
            best = max(value for value, _ in there)
            first = min(act.ended_at for value, act in there if value == best)
            holders = {act.truth.guid for value, act in there if value == best and act.ended_at == first}
            if best > 0:
                held = by_key[record, map_name]
                assert held.value == best
                assert held.ended_at == first
                assert held.player_guid in holders


def test_session_records_use_complete_sessions(db: Connection, played: list[Act]) -> None:
    """The most kills and damage of one player in one session; DPM is rounded, not truncated."""
    sums: dict[tuple[object, str], list[Act]] = defaultdict(list)
    for act in played:
        sums[(act.server, (act.ended_at.timestamp() - 43_200) // 86_400), act.truth.guid].append(act)
    found = {record.record: record.value for record in maps.session_records(db, Scope(), dpm_seconds=1800)}
    assert found["kills"] == max(sum(act["kills"] for act in acts) for acts in sums.values())
    assert found["damage"] == max(sum(act["damage_given"] for act in acts) for acts in sums.values())
    assert found["dpm"] == max(
        (600 * sum(act["damage_given"] for act in acts) + seconds // 2) // seconds / 10
        for acts in sums.values()
        if (seconds := sum(act["time_played_seconds"] for act in acts)) >= 1800
    )


def test_season_standings_use_points(cli: Cli, played: list[Act]) -> None:
    """The standings of a quarter, from computed values, ranks and points."""
    inside = [act for act in played if act.ended_at >= datetime(2025, 10, 1, tzinfo=UTC)]
    base = len({act.round.file.name for act in inside})
    points: Counter[str] = Counter()
    for board in SEASON_BOARDS:
        least = max(base // 10, min(3, base // 2), 1)
        values: dict[str, Fraction] = {}
        for guid, own in by_player(inside).items():
            value = VALUES[board](own)
            shots = sum(act["shots"] for act in own)
            if value is not None and len(own) >= least and (board != "accuracy" or shots >= 20 * least):
                values[guid] = value
        for guid, value in values.items():
            place = sum(other > value for other in values.values())
            points[guid] += POINTS[place] if place < len(POINTS) else 0
    (season,) = json.loads(cli("season", "2025-q4", "--json").out)
    assert {line["player_guid"]: line["points"] for line in season["standings"]} == dict(points)
    assert season["standings"][0]["points"] == max(points.values())
    assert season["facts"]["rounds"] == base
    every = json.loads(cli("season", "--json").out)
    assert [season["season"] for season in every] == ["2025-Q4", "2025-Q3", "2025-Q1", "2024-Q2"]


@pytest.mark.parametrize(
    "argv",
    [
        ["maps"], ["weapons"], ["records"], ["records", "--by-map"], ["season"], ["season", "2025-Q3"],
        ["maps", "--map", "supply"], ["weapons", "--last", "2sessions"], ["records", "--server", "hall"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("style", [[], ["--json"], ["--csv"], ["--markdown"]])
def test_every_reading_command_has_every_format(cli: Cli, argv: list[str], style: list[str]) -> None:
    """Exit 0, output on stdout, nothing on stderr."""
    found = cli(*argv, *style)
    assert (found.code, found.err) == (0, "")
    assert found.out.strip()
    if style == ["--json"]:
        assert isinstance(json.loads(found.out), list)


@pytest.mark.parametrize("argv", [["leaderboard", "--top", "kd"], ["leaderboard", "--weapon", "MP40"], ["season"]])
def test_csv_has_the_guid_of_players(cli: Cli, argv: list[str]) -> None:
    """Two players may share a name; the terminal table shows only names."""
    rows = list(csv.DictReader(cli(*argv, "--csv").out.splitlines()))
    assert rows
    assert all(re.fullmatch("[0-9A-F]{8}", row["player_guid"]) for row in rows)
    assert rows[0]["player_guid"] not in cli(*argv).out


def test_names_and_maps_are_completed(
    home: Path,
    filled_url: str,
    played: list[Act],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Completion of --map, --top, --season and player; nothing if the database cannot be reached."""

    def offered(line: str) -> set[str]:
        monkeypatch.setenv("_ETSTATS_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        with pytest.raises(SystemExit):
            main([])
        said = capsys.readouterr()
        assert not said.err
        return set(said.out.split("\n")) - {""}

    monkeypatch.setenv("ETSTATS_DATABASE_URL", filled_url)
    played_maps = {act.round.map_name for act in played}
    assert offered("etstats maps --map ") == played_maps
    assert offered("etstats maps --map su") == {name for name in played_maps if name.startswith("su")}
    assert "damage-ratio" in offered("etstats leaderboard --top da")
    assert offered("etstats leaderboard --weapon MP4") == {"MP40"}
    assert offered("etstats player ")
    seasons = offered("etstats maps --season ")
    assert seasons
    assert all(quarter_span(season, None, UTC) for season in seasons)
    assert offered("etstats season ") == seasons
    monkeypatch.setenv("ETSTATS_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert offered("etstats maps --map ") == set()


@pytest.mark.parametrize(
    "words", [("health",), ("config", "show"), ("config", "check"), ("db", "status"), ("rating", "--check")]
)
def test_any_document_can_have_an_envelope(cli: Cli, words: tuple[str, ...]) -> None:
    """Includes administrative commands; the plain document is inside the envelope."""
    wrapped = json.loads(cli(*words, "--json", "--envelope").out)
    plain = json.loads(cli(*words, "--json").out)
    assert wrapped.keys() == {"scope", "units", "rows"}
    assert type(wrapped["rows"]) is type(plain)
    assert not isinstance(plain, dict) or wrapped["rows"].keys() == plain.keys()
    refused = cli(*words, "--envelope")
    assert (refused.code, refused.out) == (2, "")
    assert "add --json" in refused.err


def test_season_list_has_the_champions(db: Connection) -> None:
    """The newest season has all values, the others only their champions."""
    whole = seasons.seasons(db, Scope(), UTC)
    brief = seasons.seasons(db, Scope(), UTC, are_whole=False)
    assert brief[0] == whole[0]
    assert len(brief) > 1
    assert [season[:3] for season in brief] == [season[:3] for season in whole]
    assert [season.champions for season in brief] == [season.champions for season in whole]


def test_player_list_starts_with_the_last_seen(db: Connection) -> None:
    """Only the names of these players are read."""
    everybody = players.player_list(db, Scope())
    assert players.player_list(db, Scope(), 3) == everybody[:3]


def test_sums_of_two_players_equal_those_of_all(db: Connection) -> None:
    """A comparison reads only their rows."""
    everybody = {part.sums.player_guid: part.sums for part in boards.player_sums(db, Scope(), with_before=False)}
    one = min(everybody)
    met = players.company(db, Scope(), one)
    pair = [one, met[0].player_guid]
    read = boards.player_sums(db, Scope(), guids=pair, with_before=False)
    assert {part.sums.player_guid: part.sums for part in read} == {guid: everybody[guid] for guid in pair}
    assert players.company(db, Scope(), *pair) == met[:1]


def test_ranks_of_a_player_equal_the_boards(db: Connection) -> None:
    """Ties share a rank, also on boards where the smallest value is first."""
    field = rankings.population(db, Scope())
    of_all = field.all_places()
    assert {guid: field.places(guid) for guid in of_all} == of_all
