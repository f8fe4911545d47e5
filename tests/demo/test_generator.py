"""Tests of the generated files and their expected statistics."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from etstats.demo.generator import (
    EVERYDAY,
    GeneratedRound,
    GeneratedSession,
    Quirks,
    generate,
    generate_session,
    write_files,
)

START = datetime(2025, 10, 6, 20, 5)  # noqa: DTZ001 - the server's own clock
SEEDS = range(8)
BULLET_BITS = {2, 3, 4, 5, 6, 7, 20, 21, 22, 23, 24, 25, 26}
KNIFE = 0
LAYOUTS = (33, 36, 37, 38)
CUMULATIVE = {
    "damage_given": 0,
    "damage_received": 1,
    "team_damage_given": 2,
    "team_damage_received": 3,
    "gibs": 4,
    "self_kills": 5,
    "team_kills": 6,
    "team_gibs": 7,
}
PER_ROUND = {
    "xp": 9,
    "killing_spree_best": 10,
    "death_spree_worst": 11,
    "kill_assists": 12,
    "kill_steals": 13,
    "headshot_kills": 14,
    "objectives_stolen": 15,
    "objectives_returned": 16,
    "dynamites_planted": 17,
    "dynamites_defused": 18,
    "times_revived": 19,
    "time_dead_minutes": 25,
    "most_useful_kills": 27,
    "denied_playtime": 28,
    "double_kills": 29,
    "triple_kills": 30,
    "quad_kills": 31,
    "multi_kills": 32,
    "mega_kills": 33,
    "useless_kills": 34,
    "full_selfkills": 35,
    "constructions": 36,
    "revives_given": 37,
}


class Line(NamedTuple):
    guid: str
    name: str
    rounds: int
    team: int
    weapons: dict[int, list[int]]
    fields: list[float]

    def summed(self, what: int) -> int:
        return sum(numbers[what] for numbers in self.weapons.values())


def read(content: bytes) -> tuple[list[str], dict[str, Line]]:
    """Read a file with a second parser, independent of the product's."""
    text = content.decode()
    assert text.endswith("\n")
    head, *rest = text.splitlines()
    lines = {}
    for row in rest:
        guid, name, rounds, team, numbers = row.split("\\")
        weapon_part, *fields = numbers.split("\t")
        assert weapon_part.endswith(" ")
        mask, *counts = map(int, weapon_part.split())
        bits = [bit for bit in range(28) if mask >> bit & 1]
        assert len(counts) == 5 * len(bits) > 0
        weapons = {bit: counts[5 * index : 5 * index + 5] for index, bit in enumerate(bits)}
        assert guid not in lines
        lines[guid] = Line(guid, name, int(rounds), int(team), weapons, [float(field) for field in fields])
    return head.split("\\"), lines


def pairs(session: GeneratedSession) -> Iterator[tuple[GeneratedRound, GeneratedRound]]:
    for first, second in zip(session.rounds[::2], session.rounds[1::2], strict=True):
        assert (first.number, second.number, first.match) == (1, 2, second.match)
        yield first, second


def session_of(seed: int, **quirks: float) -> GeneratedSession:
    return generate_session(seed, start=START, quirks=Quirks(**quirks))


def check_conserved(lines: list[Line]) -> None:
    for bit in range(28):
        numbers = [line.weapons[bit] for line in lines if bit in line.weapons]
        assert sum(number[2] for number in numbers) == sum(number[3] for number in numbers)
    assert sum(line.fields[0] for line in lines) == sum(line.fields[1] for line in lines)
    assert sum(line.fields[2] for line in lines) == sum(line.fields[3] for line in lines)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_files_conserve_kills_and_damage(seed: int, layout: int) -> None:
    """Kills equal deaths and damage given equals received, by weapon and in every layout."""
    for played in generate_session(seed, start=START, layout=layout, quirks=Quirks()).rounds:
        _, lines = read(played.file.content)
        assert len(lines) == 12
        check_conserved(list(lines.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_expected_values_conserve_kills_and_damage(seed: int) -> None:
    """This also holds for the round alone, with resets, leavers and late joiners."""
    quirks = Quirks(resets=0.5, spectators=0.3, late_joiners=0.5, leavers=0.5, substitutes=0.5)
    for played in generate_session(seed, start=START, quirks=quirks).rounds:
        players = played.truth.values()
        for name in {name for player in players for name in player.weapons}:
            counts = [player.weapons.get(name, (0, 0, 0, 0, 0)) for player in players]
            assert sum(count[2] for count in counts) == sum(count[3] for count in counts)
        for given, received in (
            ("damage_given", "damage_received"),
            ("team_damage_given", "team_damage_received"),
            ("revives_given", "times_revived"),
        ):
            assert sum(player.numbers[given] or 0 for player in players) == sum(
                player.numbers[received] or 0 for player in players
            )


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_of_a_line_are_consistent(seed: int) -> None:
    """Headshots <= hits <= shots, sprees are 0 or at least 3, K/D and bullets are computed from the weapons."""
    for played in generate_session(seed, start=START).rounds:
        for line in read(played.file.content)[1].values():
            for bit, (hits, shots, kills, _, headshots) in line.weapons.items():
                assert any(line.weapons[bit])
                assert min(line.weapons[bit]) >= 0
                assert headshots <= hits
                assert kills <= hits
                assert hits <= shots or bit not in BULLET_BITS
            kills, deaths = line.summed(2), line.summed(3)
            fields = line.fields
            assert fields[20] == line.summed(1)
            assert fields[21] == 0
            assert fields[26] == pytest.approx(kills / deaths if deaths else kills + 1, abs=0.051)
            assert 1 not in fields[10:12]
            assert 2 not in fields[10:12]
            if line.team != 3:
                assert fields[24] == pytest.approx(100 * fields[25] / fields[22], abs=5 / fields[22] + 0.06)
        for player in played.truth.values():
            numbers = {name: value or 0 for name, value in player.numbers.items()}
            assert numbers["headshot_kills"] <= min(numbers["headshots"], numbers["kills"])
            assert numbers["most_useful_kills"] + numbers["useless_kills"] <= numbers["kills"]
            assert numbers["killing_spree_best"] <= numbers["kills"]
            assert numbers["death_spree_worst"] <= numbers["deaths"] + numbers["self_kills"]
            in_rows = (2, 3, 4, 5, 6)
            names = ("double_kills", "triple_kills", "quad_kills", "multi_kills", "mega_kills")
            assert sum(row * numbers[name] for row, name in zip(in_rows, names, strict=True)) <= numbers["kills"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_round_2_minus_round_1_equals_the_expected_values(seed: int, layout: int) -> None:
    """Subtracting cumulative fields gives round 2 alone, for each player."""
    session = generate_session(seed, start=START, layout=layout, quirks=Quirks(late_joiners=1, leavers=0.3))
    for first, second in pairs(session):
        before, after = read(first.file.content)[1], read(second.file.content)[1]
        assert after.keys() == second.truth.keys()
        assert before.keys() == first.truth.keys()
        for guid, line in after.items():
            truth = second.truth[guid]
            earlier = before.get(guid)
            assert line.rounds == (earlier.rounds + 1 if earlier else 0)
            assert (line.name, line.team) == (truth.name, truth.team)
            for name, place in CUMULATIVE.items():
                assert line.fields[place] - (earlier.fields[place] if earlier else 0) == truth.numbers[name]
            check_per_round_fields(line, truth.numbers, layout)
            time_before = earlier.fields[22] if earlier else 0
            alone = line.fields[22] - time_before
            assert round(alone * 60) == truth.numbers["time_played_seconds"]
            share = line.fields[8] * line.fields[22] - (earlier.fields[8] * time_before if earlier else 0)
            assert share / alone == pytest.approx(truth.numbers["time_played_percent"], abs=0.3 * line.fields[22])
            assert alone_weapons(earlier, line) == {
                bit: numbers for bit, numbers in bits(truth.weapons).items() if any(numbers)
            }
            if layout == 38:
                assert line.fields[20] - (earlier.fields[20] if earlier else 0) == truth.numbers["bullets_fired"]


def check_per_round_fields(line: Line, numbers: object, layout: int) -> None:
    assert len(line.fields) == layout
    for name, place in PER_ROUND.items():
        if layout == 33:
            at = None if place == 28 or place > 33 else place - (place > 28)
        else:
            at = place if place < layout else None
        assert numbers[name] == (None if at is None else line.fields[at]), name  # type: ignore[index]


NAMES = (
    "KNIFE KNIFE_KBAR LUGER COLT MP40 THOMPSON STEN FG42 PANZERFAUST BAZOOKA FLAMETHROWER GRENADE MORTAR MORTAR2 "
    "DYNAMITE AIRSTRIKE ARTILLERY SATCHEL GRENADELAUNCHER LANDMINE MG42 BROWNING CARBINE KAR98 GARAND K43 MP34 "
    "SYRINGE"
).split()


def bits(weapons: object) -> dict[int, list[int]]:
    return {NAMES.index(name): list(numbers) for name, numbers in weapons.items()}  # type: ignore[attr-defined]


def alone_weapons(earlier: Line | None, line: Line) -> dict[int, list[int]]:
    before = earlier.weapons if earlier else {}
    alone = {
        bit: [max(0, number - earlier) for number, earlier in zip(numbers, before.get(bit, [0] * 5), strict=True)]
        for bit, numbers in line.weapons.items()
    }
    return {bit: numbers for bit, numbers in alone.items() if any(numbers)}


@pytest.mark.parametrize("seed", SEEDS)
def test_stopwatch_rules_set_limits_and_sides(seed: int) -> None:
    """Round 2 has the time limit set by round 1, sides swap, and held rounds have the length of the outcome."""
    session = session_of(seed, surrenders=0.4)
    for first, second in pairs(session):
        for played in (first, second):
            header, lines = read(played.file.content)
            assert len(header) == 8
            assert header[1] == played.map_name
            assert header[3] == str(played.number)
            assert header[4] in "12"
            limit, actual = (int(text.split(":")[0]) * 60 + int(text.split(":")[1]) for text in header[6:8])
            assert (limit, actual) == (played.limit_seconds, played.actual_seconds)
            assert (header[4] == header[5]) == (played.outcome != "completed")
            assert actual <= limit
            if played.outcome != "completed":
                assert actual == limit
            longest = max(player.numbers["time_played_seconds"] or 0 for player in played.truth.values())
            assert abs(longest - played.played_seconds) <= 3
            assert (actual - longest >= 18) == (played.outcome == "surrender")
            assert all(line.fields[25] <= line.fields[22] for line in lines.values())
        assert second.limit_seconds == first.actual_seconds
        assert first.defender == second.defender
        for guid, player in first.truth.items():
            assert second.truth[guid].team == 3 - player.team
        gap = datetime.fromtimestamp(second.file.mtime, UTC) - datetime.fromtimestamp(first.file.mtime, UTC)
        assert timedelta(minutes=1) < gap < timedelta(minutes=18)


def test_name_and_mtime_have_the_same_time() -> None:
    """The stamp is the mtime in the server's time, also at the end of daylight saving time."""
    zone = ZoneInfo("Europe/Ljubljana")
    session = generate_session(1, start=datetime(2025, 10, 26, 1, 30), maps=(6, 6))  # noqa: DTZ001
    times = [file.mtime for file in session.files]
    assert times == sorted(times)
    offsets = set()
    for file in session.files:
        moment = datetime.fromtimestamp(file.mtime, zone)
        offsets.add(moment.utcoffset())
        assert file.name.startswith(moment.strftime("%Y-%m-%d-%H%M%S-"))
    assert len(offsets) == 2


def test_start_with_a_zone_is_converted() -> None:
    """A start with a zone is the same time on the server's clock."""
    aware = START.replace(tzinfo=ZoneInfo("Europe/Ljubljana")).astimezone(UTC)
    assert list(generate(4, start=aware)) == list(generate(4, start=START))


def test_reset_line_has_round_2_only() -> None:
    """The line of a reset player has round 2 only, and shows it: same `rounds`, or smaller numbers."""
    seen = set()
    for seed in SEEDS:
        for first, second in pairs(session_of(seed, resets=1)):
            before, after = read(first.file.content)[1], read(second.file.content)[1]
            (guid,) = [guid for guid, truth in second.truth.items() if truth.was_reset]
            line, earlier = after[guid], before[guid]
            assert line.fields[0] == second.truth[guid].numbers["damage_given"]
            assert line.weapons == bits(second.truth[guid].weapons)
            shrank = any(line.fields[place] < earlier.fields[place] for place in (0, 1, 22))
            assert shrank or line.rounds == earlier.rounds
            seen.add(line.rounds - earlier.rounds)
    assert seen == {0, 1}


@pytest.mark.parametrize("seed", SEEDS)
def test_spectators_keep_round_1_counters(seed: int) -> None:
    """A spectator of round 2 is listed as team 3 with round 1's counters, and not in the truth."""
    for first, second in pairs(session_of(seed, spectators=1)):
        before, after = read(first.file.content)[1], read(second.file.content)[1]
        (guid,) = [guid for guid, line in after.items() if line.team == 3]
        assert guid not in second.truth
        assert after[guid].weapons == before[guid].weapons
        assert after[guid].fields[:8] == before[guid].fields[:8]
        assert after[guid].fields[22] == before[guid].fields[22]
        assert after[guid].rounds == before[guid].rounds + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_leavers_substitutes_and_late_joiners(seed: int) -> None:
    """Leavers are missing, substitutes have new counters, late joiners have less time played."""
    for first, second in pairs(session_of(seed, leavers=1, substitutes=1)):
        (leaver,) = first.truth.keys() - second.truth.keys()
        (substitute,) = second.truth.keys() - first.truth.keys()
        assert first.truth[leaver].team == 3 - second.truth[substitute].team
        assert read(second.file.content)[1][substitute].rounds == 0
    absent, short = 0, 0
    for first, second in pairs(session_of(seed, late_joiners=1)):
        late = second.truth.keys() - first.truth.keys()
        absent += len(late)
        times = {player.numbers["time_played_seconds"] for player in first.truth.values()}
        short += len(times) - 1
        assert len(late) + len(times) - 1 == 1
    assert absent + short > 0


def test_only_knife_shots_decrease_between_rounds() -> None:
    """Only knife shots may be lower in round 2, by 1 to 5, and the truth then has none."""
    drops = set()
    for seed in SEEDS:
        for first, second in pairs(session_of(seed, knife_drops=1)):
            before, after = read(first.file.content)[1], read(second.file.content)[1]
            for guid, earlier in before.items():
                if KNIFE in earlier.weapons:
                    shots = after[guid].weapons.get(KNIFE, [0, 0])[1]
                    drops.add(earlier.weapons[KNIFE][1] - shots)
                    assert "KNIFE" not in second.truth[guid].weapons
                    assert after[guid].fields[20] == after[guid].summed(1)
    assert drops == {1, 2, 3, 4, 5}


def test_first_match_crosses_midnight() -> None:
    """The first match ends round 1 before midnight and round 2 after."""
    for seed in SEEDS:
        first, second, *_ = session_of(seed, midnight=1).rounds
        assert first.file.name[:10] == "2025-10-06"
        assert second.file.name[:10] == "2025-10-07"


def test_lost_files_are_only_in_the_expected_values() -> None:
    """The truth of a lost file is kept for tests."""
    session = session_of(3, lost_files=0.5)
    names = {file.name for file in session.files}
    assert names == {played.file.name for played in session.rounds if not played.is_lost}
    assert 0 < len(names) < len(session.rounds)
    assert session_of(3, lost_files=1).files == []


def test_header_and_line_end_variants() -> None:
    """The ninth header field in milliseconds or seconds, `\r\n`, and `0:00` as the actual time."""
    for played in session_of(2, ninth_field=1, surrenders=0.5).rounds:
        duration = read(played.file.content)[0][8]
        assert int(duration) // 1000 == played.played_seconds
    for played in session_of(2, ninth_field=1, ninth_in_seconds=1).rounds:
        duration = read(played.file.content)[0][8]
        assert "." in duration
        assert int(float(duration)) == played.played_seconds
    for played in session_of(2, crlf=1, unknown_times=1).rounds:
        content = played.file.content
        assert content.count(b"\r\n") == content.count(b"\n") == 1 + len(played.truth)
        assert (read(content)[0][7] == "0:00") == (played.number == 2) == (played.actual_seconds is None)


def test_impossible_values_are_kept() -> None:
    """Time dead above time played, or thousands of seconds denied, in the file and in the truth."""
    for played in session_of(2, impossible_numbers=1).rounds:
        lines = read(played.file.content)[1]
        for guid, player in played.truth.items():
            dead, denied = player.numbers["time_dead_minutes"] or 0, player.numbers["denied_playtime"] or 0
            assert dead > (player.numbers["time_played_seconds"] or 0) / 60 or denied >= 5000
            assert (lines[guid].fields[25], lines[guid].fields[28]) == (dead, denied)


def test_players_are_renamed_and_share_names() -> None:
    """Names change over time with constant GUIDs, and two GUIDs may share a name."""
    names: dict[str, set[str]] = {}
    for file in generate(6, start=START, sessions=12, quirks=Quirks(renames=0.5)):
        for line in read(file.content)[1].values():
            names.setdefault(line.guid, set()).add(line.name)
    assert sum(len(known) > 1 for known in names.values()) > 10
    lines = read(session_of(6, shared_names=1).files[0].content)[1]
    assert len({line.name for line in lines.values()}) == len(lines) - 1


def test_bullets_fired_is_too_high_in_older_layouts() -> None:
    """Only the 38-field layout has the correct number of bullets; older ones have 10 to 90 times as many."""
    for layout in (33, 36, 37):
        for file in generate(1, start=START, layout=layout, quirks=Quirks()):
            for line in read(file.content)[1].values():
                assert 10 * line.summed(1) <= line.fields[20] <= 90 * line.summed(1)


@pytest.mark.parametrize("players", [2, 3, 6, 32])
def test_any_number_of_players(players: int) -> None:
    """Two to 32 players, with all irregularities."""
    always = Quirks(resets=1, spectators=1, late_joiners=1, leavers=1, substitutes=1, renames=1, surrenders=1)
    for quirks in (Quirks(), always):
        for file in generate(1, start=START, players=players, sessions=3, quirks=quirks):
            assert read(file.content)[1]
    with pytest.raises(ValueError, match="2 players"):
        generate(1, start=START, players=1)


def test_averages_are_realistic() -> None:
    """Averages over many rounds are those of real servers."""
    minutes = damage = kills = shots = hits = heads = died = dead = revived = 0.0
    outcomes = []
    for seed in range(30):
        for played in session_of(seed, surrenders=EVERYDAY.surrenders).rounds:
            outcomes.append((played.number, played.outcome))
            for player in played.truth.values():
                n = {name: value or 0 for name, value in player.numbers.items()}
                minutes += n["time_played_seconds"] / 60
                damage += n["damage_given"]
                kills += n["kills"]
                died += n["deaths"] + n["self_kills"]
                hits += n["hits"]
                shots += n["shots"]
                heads += n["headshots"]
                dead += n["time_dead_minutes"]
                revived += n["times_revived"]
    assert damage / minutes == pytest.approx(268, rel=0.15)
    assert kills / minutes == pytest.approx(1.35, rel=0.1)
    assert hits / shots == pytest.approx(0.38, abs=0.04)
    assert heads / hits == pytest.approx(0.125, abs=0.02)
    assert dead / died * 60 == pytest.approx(16, abs=3)
    assert revived / kills == pytest.approx(0.22, abs=0.06)
    held = outcomes.count((1, "fullhold")) / outcomes.count((1, "completed"))
    assert 0.05 < held < 0.6


def test_equal_arguments_give_equal_bytes() -> None:
    """The bytes are pinned, to detect changes of the generator or of Python."""
    digest = hashlib.sha256()
    for file in generate(42, start=START, files=60):
        digest.update(f"{file.name} {file.mtime}\n".encode() + file.content)
    assert digest.hexdigest() == "efa260f462a3aa4375aa70c78cac72a1035bb6da3e657e1297606f6f4675f38b"
    assert list(generate(1, start=START)) != list(generate(2, start=START))


def test_files_and_sessions_limit_the_stream() -> None:
    """`files` and `sessions` limit the stream; its first session is that of `generate_session`."""
    assert len(list(generate(5, start=START, files=37))) == 37
    assert len(list(generate(5, start=START, sessions=3, maps=(5, 5)))) == 30
    assert list(generate(5, start=START)) == generate_session(5, start=START).files
    assert len({file.name for file in generate(5, start=START, files=500)}) == 500
    with pytest.raises(ValueError, match="no layout of 35"):
        generate(5, start=START, layout=35)


def test_files_are_written_with_mtimes(tmp_path: Path) -> None:
    """The files are written with their bytes and mtimes."""
    files = list(generate(5, start=START))
    assert write_files(tmp_path, files) == len(files)
    for file in files:
        path = tmp_path / file.name
        assert path.read_bytes() == file.content
        assert path.stat().st_mtime_ns == file.mtime * 10**9
