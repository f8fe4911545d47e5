"""Players, maps, weapons, records and seasons over generated sessions, against what really happened."""

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
from etstats.db import maps, players
from etstats.db.scope import Scope
from etstats.demo.generator import GeneratedRound
from etstats.domain.rules.quarters import quarter_span
from etstats.domain.rules.season_standings import POINTS, SEASON_BOARDS
from etstats.stats import profiles
from tests.conftest import CliResult
from tests.stats.boards.reckoning import BULLETS, VALUES, Act, by_player

Cli = Callable[..., CliResult]


@pytest.fixture
def database_url(filled_url: str) -> str:
    """Every test here asks a database that holds the generated sessions."""
    return filled_url


@pytest.fixture
def regular(played: list[Act]) -> str:
    """The GUID of who played most."""
    return Counter(a.truth.guid for a in played).most_common(1)[0][0]


def plays(acts: Iterable[Act]) -> dict[int, list[Act]]:
    """The acts of each round that had sides, by the round's moment."""
    found: dict[int, list[Act]] = defaultdict(list)
    for act in acts:
        if act.truth.team in (1, 2):
            found[act.round.file.mtime].append(act)
    return found


def kd(acts: list[Act]) -> float:
    deaths = sum(a["deaths"] for a in acts)
    return sum(a["kills"] for a in acts) / deaths if deaths else sum(a["kills"] for a in acts)


def test_sides_are_told_apart_by_the_defender(db: Connection, played: list[Act], regular: str) -> None:
    """Attack and defence: rounds, won, lost, K/D, DPM."""
    own = [a for a in by_player(played)[regular] if a.truth.team in (1, 2)]
    for side in players.sides(db, Scope(), regular):
        there = [a for a in own if (a.truth.team != a.round.defender) == side.is_attack]
        won = sum(a.round.winner == a.truth.team for a in there)
        assert (side.rounds, side.won, side.lost) == (len(there), won, len(there) - won)
        assert side.kd_ratio == pytest.approx(kd(there))
        assert side.win_share == pytest.approx(won / len(there))
    assert {side.is_attack for side in players.sides(db, Scope(), regular)} == {True, False}


def test_maps_of_a_player_add_up(db: Connection, played: list[Act], regular: str) -> None:
    """Each map's rounds and kills, the best DPM first among those played often enough."""
    own = by_player(played)[regular]
    found = {m.map_name: (m.rounds, m.kills, m.deaths) for m in players.maps(db, Scope(), regular)}
    wanted: dict[str, list[Act]] = defaultdict(list)
    for act in own:
        wanted[act.round.map_name].append(act)
    assert found == {
        name: (len(acts), sum(a["kills"] for a in acts), sum(a["deaths"] for a in acts))
        for name, acts in wanted.items()
    }
    often = [m.dpm or 0 for m in players.maps(db, Scope(), regular) if m.rounds >= 4]
    assert often == sorted(often, reverse=True)


def test_weapons_of_a_player_add_up(db: Connection, played: list[Act], regular: str) -> None:
    """Kills first; accuracy where bullets fly."""
    found = players.weapons(db, Scope(), regular)
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for act in by_player(played)[regular]:
        for weapon, numbers in act.truth.weapons.items():
            sums[weapon] = [a + b for a, b in zip(sums[weapon], numbers, strict=True)]
    assert {w.weapon_name: [w.hits, w.shots, w.kills, w.deaths, w.headshots] for w in found} == {
        weapon: numbers for weapon, numbers in sums.items() if any(numbers)
    }
    for weapon in found:
        shots = weapon.shots and weapon.weapon_name in BULLETS
        assert weapon.accuracy == (pytest.approx(100 * weapon.hits / weapon.shots) if shots else None)


def test_company_is_kept_by_guid_and_side(db: Connection, played: list[Act], regular: str) -> None:
    """Next to and against whom, how often, and how often won."""
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for acts in plays(played).values():
        own = next((a for a in acts if a.truth.guid == regular), None)
        for other in acts if own else ():
            if own is not None and other is not own:
                how = "with" if other.truth.team == own.truth.team else "against"
                wanted[other.truth.guid][f"rounds_{how}"] += 1
                wanted[other.truth.guid][f"won_{how}"] += own.round.winner == own.truth.team
    found = players.company(db, Scope(), regular)
    assert {c.player_guid for c in found} == wanted.keys()
    for c in found:
        counts = wanted[c.player_guid]
        assert (c.rounds_with, c.won_with) == (counts["rounds_with"], counts["won_with"])
        assert (c.rounds_against, c.won_against) == (counts["rounds_against"], counts["won_against"])
        assert c.won_with + c.lost_with == c.rounds_with


def test_form_is_the_last_ten_rounds_oldest_first(db: Connection, played: list[Act], regular: str) -> None:
    """Each round's DPM, next to that of all rounds."""
    profile = profiles.profile(db, Scope(), regular)
    own = sorted((a for a in by_player(played)[regular] if a["time_played_seconds"]), key=lambda a: a.ended_at)[
        -10:
    ]
    assert [r.dpm for r in profile.form.rounds] == [
        pytest.approx(60 * a["damage_given"] / a["time_played_seconds"]) for a in own
    ]
    assert profile.form.average_dpm == pytest.approx(float(VALUES["dpm"](by_player(played)[regular]) or 0))


def test_a_profile_answers_to_any_name_and_to_the_guid(cli: Cli, played: list[Act], regular: str) -> None:
    """Names change in the generated sessions; all of them lead to the same page, GUID and JSON included."""
    renamed = {guid for guid, own in by_player(played).items() if len({a.truth.name for a in own}) > 1}
    assert renamed
    page = json.loads(cli("player", regular, "--json").out)
    assert page["player_guid"] == regular
    assert page["sums"]["kills"] == sum(a["kills"] for a in by_player(played)[regular])
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


def test_a_profile_of_rounds_without_the_player_says_so(cli: Cli, regular: str) -> None:
    """The player exists, the rounds do not."""
    found = cli("player", regular, "--season", "2024-Q2")
    assert found.code == 0
    assert "is in none of these rounds" in found.out


def test_two_side_by_side(cli: Cli, played: list[Act], regular: str) -> None:
    """Each board's values, the better one named, and the meetings."""
    other = Counter(a.truth.guid for a in played).most_common(2)[1][0]
    both = json.loads(cli("compare", regular, other, "--json").out)
    own = by_player(played)
    for duel in both["duels"]:
        mine, theirs = VALUES[duel["board"]](own[regular]), VALUES[duel["board"]](own[other])
        better = None
        if mine is not None and theirs is not None and mine != theirs:
            less = duel["board"] in ("teamwork", "deaths")
            better = regular if (mine < theirs) == less else other
        assert duel["better"] == better, duel
    met = [acts for acts in plays(played).values() if {regular, other} <= {a.truth.guid for a in acts}]
    assert both["meetings"]["rounds_with"] + both["meetings"]["rounds_against"] == len(met)
    shown = cli("compare", regular, other)
    assert "Ahead:" in shown.out
    assert "Against each other" in shown.out
    assert cli("compare", regular, regular).code == 2


def test_find_gives_everybody_whose_names_hold_the_text(cli: Cli, played: list[Act]) -> None:
    """By a part of any name, as JSON; nobody is an empty list and exit 0."""
    found = json.loads(cli("find", "a", "--limit", "100", "--json").out)
    assert found
    assert all("a" in row["alias"].lower() for row in found)
    assert json.loads(cli("find", "§§§§§§§§", "--json").out) == []
    assert "Nobody was ever named" in cli("find", "§§§§§§§§").out


def rounds_of(played: list[Act]) -> list[GeneratedRound]:
    return list({a.round.file.name: a.round for a in played}.values())


def test_maps_tell_how_the_attacks_went(db: Connection, played: list[Act]) -> None:
    """Times played, attack success by the winner, times of successful attacks, full holds."""
    by_map: dict[str, list[GeneratedRound]] = defaultdict(list)
    for round_ in rounds_of(played):
        by_map[round_.map_name].append(round_)
    found = {m.map_name: m for m in maps.maps(db, Scope())}
    assert found.keys() == by_map.keys()
    for name, rounds in by_map.items():
        won = [r for r in rounds if r.winner not in (0, r.defender)]
        times = [r.actual_seconds for r in won if r.actual_seconds is not None]
        assert found[name].rounds == len(rounds)
        assert found[name].times_played == len(rounds) / 2
        assert found[name].attacks_won == len(won)
        assert found[name].attack_share == pytest.approx(len(won) / len(rounds))
        assert found[name].best_attack_seconds == min(times, default=None)
        assert found[name].average_attack_seconds == (pytest.approx(sum(times) / len(times)) if times else None)
        assert found[name].full_holds == sum(r.outcome == "fullhold" for r in rounds)
        assert found[name].surrenders == sum(r.outcome == "surrender" for r in rounds)


def test_weapons_add_up_and_name_who_killed_most(db: Connection, played: list[Act]) -> None:
    """Kills of everybody by weapon; the most by one."""
    kills: dict[str, Counter[str]] = defaultdict(Counter)
    for act in played:
        for weapon, numbers in act.truth.weapons.items():
            kills[weapon][act.truth.guid] += numbers[2]
    found = maps.weapons(db, Scope())
    assert {w.weapon_name: w.kills for w in found if w.kills} == {
        weapon: counts.total() for weapon, counts in kills.items() if counts.total()
    }
    for weapon in found:
        most = max(kills[weapon.weapon_name].values())
        assert (weapon.player_kills or 0) == most
        assert weapon.player_guid is None or kills[weapon.weapon_name][weapon.player_guid] == most
    assert sum(w.kill_share or 0 for w in found) == pytest.approx(1)


FEATS: dict[str, Callable[[Act], float | None]] = {
    "kills": lambda a: a["kills"],
    "damage": lambda a: a["damage_given"],
    "dpm": lambda a: round(60 * a["damage_given"] / a["time_played_seconds"], 1)
    if a["time_played_seconds"] >= 300 else None,
    "headshot_kills": lambda a: a["headshot_kills"],
    "spree": lambda a: a["killing_spree_best"],
    "gibs": lambda a: a["gibs"],
    "assists": lambda a: a["kill_assists"],
    "useful": lambda a: a["most_useful_kills"],
    "xp": lambda a: a["xp"],
}  # fmt: skip


def test_records_of_a_round_are_the_greatest_and_of_equals_the_earliest(db: Connection, played: list[Act]) -> None:
    """Overall and by map: value, holder, moment."""
    found = maps.round_records(db, Scope(), dpm_seconds=300, accuracy_shots=100)
    by_key = {(f.record, f.map_name): f for f in found}
    for record, feat in FEATS.items():
        for map_name in {None, *(a.round.map_name for a in played)}:
            there = [
                (value, a) for a in played
                if map_name in (None, a.round.map_name) and (value := feat(a)) is not None
            ]  # fmt: skip
            best = max(value for value, _ in there)
            first = min(a.ended_at for value, a in there if value == best)
            holders = {a.truth.guid for value, a in there if value == best and a.ended_at == first}
            if best > 0:
                held = by_key[record, map_name]
                assert held.value == best
                assert held.ended_at == first
                assert held.player_guid in holders


def test_records_of_a_session_are_of_whole_evenings(db: Connection, played: list[Act]) -> None:
    """The most kills and damage of one player in one session; DPM rounded as everywhere, not cut."""
    sums: dict[tuple[object, str], list[Act]] = defaultdict(list)
    for act in played:
        sums[(act.server, (act.ended_at.timestamp() - 43_200) // 86_400), act.truth.guid].append(act)
    found = {f.record: f.value for f in maps.session_records(db, Scope(), dpm_seconds=1800)}
    assert found["kills"] == max(sum(a["kills"] for a in acts) for acts in sums.values())
    assert found["damage"] == max(sum(a["damage_given"] for a in acts) for acts in sums.values())
    assert found["dpm"] == max(
        (600 * sum(a["damage_given"] for a in acts) + seconds // 2) // seconds / 10
        for acts in sums.values()
        if (seconds := sum(a["time_played_seconds"] for a in acts)) >= 1800
    )


def test_a_season_is_won_by_points_for_places(cli: Cli, played: list[Act]) -> None:
    """The standings of a quarter, from computed values, places and points."""
    inside = [a for a in played if a.ended_at >= datetime(2025, 10, 1, tzinfo=UTC)]
    base = len({a.round.file.name for a in inside})
    points: Counter[str] = Counter()
    for board in SEASON_BOARDS:
        least = max(base // 10, min(3, base // 2), 1)
        values: dict[str, Fraction] = {}
        for guid, own in by_player(inside).items():
            value = VALUES[board](own)
            shots = sum(a["shots"] for a in own)
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
    assert [s["season"] for s in every] == ["2025-Q4", "2025-Q3", "2025-Q1", "2024-Q2"]


@pytest.mark.parametrize(
    "argv",
    [
        ["maps"], ["weapons"], ["records"], ["records", "--by-map"], ["season"], ["season", "2025-Q3"],
        ["maps", "--map", "supply"], ["weapons", "--last", "2sessions"], ["records", "--server", "hall"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("style", [[], ["--json"], ["--csv"], ["--markdown"]])
def test_every_reading_command_has_every_format(cli: Cli, argv: list[str], style: list[str]) -> None:
    """Exit 0, something on stdout, nothing on stderr."""
    found = cli(*argv, *style)
    assert (found.code, found.err) == (0, "")
    assert found.out.strip()
    if style == ["--json"]:
        assert isinstance(json.loads(found.out), list)


@pytest.mark.parametrize("argv", [["leaderboard", "--top", "kd"], ["leaderboard", "--weapon", "MP40"], ["season"]])
def test_csv_tells_players_apart_by_guid(cli: Cli, argv: list[str]) -> None:
    """Two may bear one name; the drawn table shows names alone."""
    rows = list(csv.DictReader(cli(*argv, "--csv").out.splitlines()))
    assert rows
    assert all(re.fullmatch("[0-9A-F]{8}", row["player_guid"]) for row in rows)
    assert rows[0]["player_guid"] not in cli(*argv).out


def test_names_and_maps_are_offered_to_the_shell(
    home: Path,
    filled_url: str,
    played: list[Act],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On TAB after --map, --top, --season and player; and silence when the database cannot be reached."""

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
    played_maps = {a.round.map_name for a in played}
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
