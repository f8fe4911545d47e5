"""Round 2 alone: each rule by hand, and compared with generated sessions."""

from datetime import UTC, datetime

import pytest

from etstats.demo.generator import GeneratedRound, GeneratedSession, Quirks, generate_session
from etstats.domain.rounds import PlayerRound, RawRound, Round
from etstats.parser.reader import parse
from etstats.parser.rounds import derive
from tests.support.files import GUIDS, line, round_file

ONE = {"damage_given": 100, "damage_received": 80, "time_played_minutes": 5.0}
TWO = {"damage_given": 250, "damage_received": 200, "time_played_minutes": 9.0}
BOTH = {"MP40": (50, 160, 7, 5, 6)}


def raw(number: int, *lines: str, **header: str | int) -> RawRound:
    """A parsed file."""
    file = round_file(f"2025-10-02-21{number}000", number, lines, **header)  # type: ignore[arg-type]
    return parse(file.name, file.content)


def split(first: str, second: str) -> PlayerRound:
    """Return one player's round 2."""
    players = derive(raw(2, second), raw(1, first)).players
    assert len(players) == 1
    return players[0]


def test_only_cumulative_fields_are_subtracted() -> None:
    """Round 1 is subtracted from damage, gibs and self kills; XP, assists and revives are taken as recorded."""
    first = line(gibs=3, self_kills=1, xp=30, kill_assists=4, times_revived=5, revives_given=6, **ONE)
    second = line(rounds=1, weapons=BOTH, gibs=5, self_kills=1, xp=12, kill_assists=2, times_revived=1, **TWO)
    p = split(first, second)
    assert (p.damage_given, p.damage_received, p.gibs, p.self_kills, p.time_played_seconds) == (
        150,
        120,
        2,
        0,
        240,
    )
    assert (p.xp, p.kill_assists, p.times_revived, p.revives_given) == (12, 2, 1, 0)
    assert (p.kills, p.deaths, p.headshots, p.hits, p.shots) == (4, 3, 2, 30, 100)


def test_percentage_is_weighted_by_time() -> None:
    """90 % of 9 minutes minus 100 % of 5 minutes is 77.5 % of 4 minutes."""
    first, second = (
        line(time_played_percent=100, **ONE),
        line(rounds=1, weapons=BOTH, time_played_percent=90, **TWO),
    )
    assert split(first, second).time_played_percent == 77.5


def test_fewer_knife_shots_are_not_a_reset() -> None:
    """Fewer KNIFE shots than in round 1 are not a reset: 0 for the round."""
    knife = {"KNIFE": (0, 9, 0, 0, 0), "MP40": (20, 60, 3, 2, 4)}
    second = line(rounds=1, weapons={"KNIFE": (0, 7, 0, 0, 0)} | BOTH, **TWO)
    p = split(line(weapons=knife, **ONE), second)
    assert not p.was_reset
    assert [weapon.name for weapon in p.weapons] == ["MP40"]


@pytest.mark.parametrize(
    "second",
    [
        line(rounds=0, weapons=BOTH, **TWO),
        line(rounds=2, weapons=BOTH, **TWO),
        line(rounds=1, weapons=BOTH, **TWO | {"time_played_minutes": 4.9}),
        line(rounds=1, weapons=BOTH, **TWO | {"damage_given": 99}),
        line(rounds=1, weapons=BOTH, **TWO | {"damage_received": 79}),
        line(rounds=1, weapons={"MP40": (19, 160, 7, 5, 6)}, **TWO),
        line(rounds=1, weapons={"MP40": (50, 59, 7, 5, 6)}, **TWO),
        line(rounds=1, weapons={"MP40": (50, 160, 2, 5, 6)}, **TWO),
        line(rounds=1, weapons={"LUGER": (50, 160, 7, 5, 6)}, **TWO),
        line(rounds=1, weapons={"MP40": (21, 160, 7, 5, 6)}, **TWO),
    ],
    ids=[
        "rounds 0",
        "rounds 2",
        "time",
        "given",
        "received",
        "hits",
        "shots",
        "kills",
        "weapon gone",
        "headshots",
    ],
)
def test_decreased_counters_are_a_reset(second: str) -> None:
    """After each sign of a reset, the line is taken as recorded."""
    p = split(line(**ONE), second)
    assert p.was_reset
    whole = parse("2025-10-02-212000-supply-round-2.txt", round_file("2025-10-02-212000", 2, [second]).content)
    assert p.damage_given == whole.players[0].fields.damage_given
    assert p.kills == sum(weapon.kills for weapon in whole.players[0].weapons)


def test_player_absent_in_round_2_has_no_row() -> None:
    """A player who did not play round 2 has round 1's numbers in the file, and no row."""
    second = raw(2, line(rounds=1, team=3, **ONE), line(GUIDS[1], "eve", **TWO))
    assert [player.player_guid for player in derive(second, raw(1, line(**ONE))).players] == [GUIDS[1]]


def test_joined_player_keeps_the_line_as_recorded() -> None:
    """Without a line in round 1, the line is taken as recorded."""
    second = raw(2, line(GUIDS[1], "eve", **TWO))
    assert derive(second, raw(1, line(**ONE))).players[0].damage_given == 250


@pytest.mark.parametrize(("rounds", "cumulative"), [(1, True), (3, True), (0, False)])
def test_unpaired_round_2_is_cumulative_with_continued_counters(rounds: int, cumulative: bool) -> None:
    """With `rounds` of 1 or more the numbers include round 1; with 0 they do not."""
    assert derive(raw(2, line(rounds=rounds, **TWO))).is_cumulative is cumulative


@pytest.mark.parametrize(
    ("winner", "minutes", "actual", "outcome"),
    [
        (2, 5.0, "5:00", "completed"),
        (2, 10.0, "10:00", "completed"),
        (1, 10.0, "10:00", "fullhold"),
        (1, 9.8, "10:00", "fullhold"),
        (1, 9.7, "10:00", "surrender"),
        (1, 4.5, "10:00", "surrender"),
        (0, 10.0, "10:00", "unknown"),
    ],
)
def test_time_played_distinguishes_hold_from_surrender(
    winner: int, minutes: float, actual: str, outcome: str
) -> None:
    """Winner and defender give the result; only the time played shows a surrender."""
    file = round_file("2025-10-02-213000", 1, [line(time_played_minutes=minutes)], winner=winner, actual=actual)
    assert derive(parse(file.name, file.content)).round_outcome == outcome


@pytest.mark.parametrize(
    ("minutes", "duration", "played", "outcome"),
    [
        (4.6, "280000", 280, "surrender"),  # pauses taken out, or players who came late
        (9.9, "600", 600, "fullhold"),
        (9.9, "585000", 594, "fullhold"),  # a full hold never becomes a surrender
        (9.9, "60000", 594, "fullhold"),  # contradicts the players
        (4.5, "-1", 270, "surrender"),
        (4.5, "3600000", 270, "surrender"),  # more than pauses explain
    ],
)
def test_header_duration_is_used_if_players_agree(
    minutes: float, duration: str, played: int, outcome: str
) -> None:
    """The ninth header field is the duration, unless it differs too much from the players' times."""
    file = round_file(
        "2025-10-02-213000", 1, [line(time_played_minutes=minutes)], winner=1, actual="10:00", duration=duration
    )
    derived = derive(parse(file.name, file.content))
    assert (derived.played_seconds, derived.round_outcome) == (played, outcome)


def unidentified(guid: str, minutes: float, *, rounds: int = 0, name: str = "guest") -> str:
    """A line of a bot or of a player without a GUID, with this time played."""
    return line(guid, name, rounds=rounds, team=2, time_played_minutes=minutes)


@pytest.mark.parametrize(
    ("first", "second", "outcomes"),
    [
        ([unidentified("UNKNOWN", 10.0)], [unidentified("UNKNOWN", 20.0, rounds=1)], ("fullhold", "fullhold")),
        ([unidentified("UNKNOWN", 10.0)], [unidentified("UNKNOWN", 15.0, rounds=1)], ("fullhold", "surrender")),
        ([unidentified("OMNIBOT0", 4.0)], [unidentified("OMNIBOT0", 14.0, rounds=1)], ("surrender", "fullhold")),
        ([unidentified("UNKNOWN", 10.0)], [unidentified("UNKNOWN", 10.0)], ("fullhold", "fullhold")),
        # Another name, or several lines with one name: how much of the time is round 1's is unknown.
        (
            [unidentified("UNKNOWN", 10.0)],
            [unidentified("UNKNOWN", 20.0, rounds=1, name="renamed")],
            ("fullhold", "surrender"),
        ),
        ([unidentified("", 10.0)] * 2, [unidentified("", 20.0, rounds=1)] * 2, ("fullhold", "surrender")),
    ],
)
def test_players_without_a_guid_tell_how_long_was_played(
    first: list[str], second: list[str], outcomes: tuple[str, str]
) -> None:
    """A round that an identified player left early was held if another line was in it to the end."""
    header = {"limit": "10:00", "actual": "10:00", "winner": 1}
    one = raw(1, line(time_played_minutes=1.0), *first, **header)
    two = raw(2, line(rounds=1, weapons=BOTH, time_played_minutes=3.0), *second, **header)
    rounds = derive(one), derive(two, one)
    assert tuple(round_.round_outcome for round_ in rounds) == outcomes
    assert all((round_.played_seconds or 0) <= 600 for round_ in rounds)
    alone = derive(raw(1, *first, **header))
    assert (alone.round_outcome, alone.players) == (outcomes[0], ())


def test_player_with_any_action_played_round_2() -> None:
    """Under 3 s of play the time does not increase; a kill, hit or damage still gives a row."""
    first = round_file("2025-10-02-213000", 1, [line(), line(GUIDS[1], team=2)])
    same = line(GUIDS[1], rounds=1, team=1)
    more = line(GUIDS[1], rounds=1, team=1, weapons={"MP40": (21, 61, 4, 2, 4)})
    other = line(rounds=1, team=2, time_played_minutes=9.0)
    for text, there in ((same, False), (more, True)):
        second = round_file("2025-10-02-214000", 2, [other, text], limit="5:00")
        derived = derive(parse(second.name, second.content), parse(first.name, first.content))
        assert (GUIDS[1] in {player.player_guid for player in derived.players}) == there


@pytest.mark.parametrize(
    ("winner", "minutes", "actual", "duration_seconds"),
    [
        (2, 5.0, "5:02", 302),
        (2, 5.0, "71:05", 300),
        (2, 5.0, "0:00", 300),
        (2, 0.0, "0:00", None),
        (1, 9.9, "10:00", 600),
        (1, 9.9, "86:40", 600),
        (1, 4.5, "10:00", 270),
        (0, 4.5, "10:00", 270),
    ],
)
def test_round_duration_depends_on_the_outcome(
    winner: int, minutes: float, actual: str, duration_seconds: int | None
) -> None:
    """The attackers' time if within the limit, the limit of a hold, else the time played."""
    file = round_file("2025-10-02-213000", 1, [line(time_played_minutes=minutes)], winner=winner, actual=actual)
    assert derive(parse(file.name, file.content)).duration_seconds == duration_seconds


@pytest.mark.parametrize(
    ("first_limit", "limit", "winner", "held"),
    [
        ("12:00", "5:00", 1, "set_time"),
        ("12:00", "12:00", 1, "limit"),
        ("12:00", "5:00", 2, None),
        (None, "5:00", 1, None),
    ],
)
def test_limit_held_in_round_2(first_limit: str | None, limit: str, winner: int, held: str | None) -> None:
    """The map's limit or the time set in round 1; unknown without round 1."""
    minutes = int(limit.removesuffix(":00"))
    two = line(rounds=1, weapons=BOTH, **TWO | {"time_played_minutes": 5.0 + minutes})
    second = raw(2, two, limit=limit, actual=limit, winner=str(winner))
    first = None if first_limit is None else raw(1, line(**ONE), limit=first_limit, actual=limit)
    derived = derive(second, first)
    assert derived.held == held
    assert derived.duration_seconds == 60 * minutes


def test_held_round_1_lasted_the_limit() -> None:
    """The time limit of round 1 is the map's."""
    file = round_file("2025-10-02-213000", 1, [line(time_played_minutes=10.0)], winner=1, actual="10:00")
    assert derive(parse(file.name, file.content)).held == "limit"


WILD = Quirks(
    resets=0.6,
    spectators=0.5,
    late_joiners=0.5,
    leavers=0.3,
    renames=0.3,
    surrenders=0.3,
    bots=0.3,
    knife_drops=0.5,
    crlf=0.3,
    unknown_times=0.3,
    ninth_field=0.4,
    ninth_in_seconds=0.5,
)


def session(seed: int, layout: int) -> GeneratedSession:
    """A generated session."""
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    return generate_session(seed, start=start, layout=layout, quirks=WILD, maps=(3, 3), players=8)


def derived(played: GeneratedRound, first: GeneratedRound | None) -> Round:
    """Derive a generated round by the parser."""
    round1 = None if first is None else parse(first.file.name, first.file.content)
    return derive(parse(played.file.name, played.file.content), round1)


@pytest.mark.parametrize("layout", [33, 36, 37, 38])
@pytest.mark.parametrize("seed", range(4))
def test_subtraction_gives_the_generated_values(seed: int, layout: int) -> None:
    """Both rounds of every generated map equal what the players did."""
    rounds = session(seed, layout).rounds
    for first, second in zip(rounds[::2], rounds[1::2], strict=True):
        for played, found in ((first, derived(first, None)), (second, derived(second, first))):
            truth = {guid: truth for guid, truth in played.truth.items() if truth.weapons or played.number == 2}
            players = {player.player_guid: player for player in found.players}
            assert players.keys() <= truth.keys()
            for guid, real in truth.items():
                if guid not in players:
                    # Without any weapon used in either round, the game writes no line.
                    assert not real.weapons
                    continue
                _compare(players[guid], real.numbers, real.was_reset)
                weapons = {weapon.name: tuple(weapon[1:]) for weapon in players[guid].weapons}
                assert weapons == {name: numbers for name, numbers in real.weapons.items() if any(numbers)}
            assert found.round_outcome == played.outcome
            assert abs((found.played_seconds or 0) - played.played_seconds) <= 6


def _compare(player: PlayerRound, numbers: object, was_reset: bool) -> None:
    assert isinstance(numbers, dict)
    assert player.was_reset is was_reset
    for name, value in numbers.items():
        if name == "time_played_percent":
            # The file's share has one decimal of the sum of both rounds.
            assert abs(player.time_played_percent - value) <= 0.5
        else:
            assert getattr(player, name) == value, name
