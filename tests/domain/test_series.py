"""Series: consecutive matches between the same two teams, and the names of the teams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rules.series import (
    NamingRules,
    Series,
    SeriesPlayer,
    SeriesRound,
    SessionSeries,
    by_person,
    matches_of,
)
from etstats.domain.rules.team_names import Member, shared_tag, team_names, untagged_part


def match(
    number: int,
    axis: str,
    allies: str,
    winners: tuple[int, int] | None = (2, 2),
    *,
    tags: tuple[str, str] = ("", ""),
) -> list[SeriesRound]:
    """Both rounds of a match; players are letters, Axis defend first, `winners` are the winning sides."""
    teams = (axis, allies)
    rounds = []
    for round_number, winner in enumerate(winners or (0,), 1):
        sides = (1, 2) if round_number == 1 else (2, 1)
        players = {
            guid: SeriesPlayer(side, f"{tag}{guid}")
            for team, side, tag in zip(teams, sides, tags, strict=True)
            for guid in team
        }
        key = 10 * number + round_number
        rounds.append(SeriesRound(key, f"file-{key}", f"match-{number}", round_number, 1, winner, players))
    return rounds


def played(*matches: list[SeriesRound], rules: NamingRules | None = None) -> list[Series]:
    """Return the series of these matches."""
    rules = rules or NamingRules()
    rounds = [round_._replace(players=by_person(round_.players, rules)) for one in matches for round_ in one]
    session = SessionSeries()
    for match in matches_of(rounds):
        session.add(match)
    return session.results(rules)


def test_sides_swap_and_teams_stay() -> None:
    """Sides may swap between rounds and maps; a player who changed teams belongs to the one of most rounds."""
    (found,) = played(match(1, "AB", "CD"), match(2, "CD", "AB", None), match(3, "CF", "AD", None))
    assert found.team == {"A": 1, "B": 1, "C": 2, "D": 2, "F": 2}
    assert found.axis_team == {11: 1, 12: 2, 21: 2, 31: 2}
    assert (found.score, found.matches) == ((2, 0), 3)


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        (("ABC", "DEF"), ("ABC", "DEF"), 1),
        (("ABC", "DEF"), ("DEF", "ABC"), 1),  # the other way round on the map
        (("ABC", "DEF"), ("ABX", "DEF"), 1),  # a substitute
        (("ABC", "DEF"), ("AXY", "DEF"), 2),  # one of three is fewer than half
        (("ABCD", "EFGH"), ("ABXY", "EFGH"), 1),  # two of four are half
        (("ABC", "DEF"), ("XYZ", "ABC"), 2),  # other opponents
        (("ABC", "DEF"), ("ABCX", "DEFY"), 1),  # from 3v3 to 4v4
        (("ABCD", "EFGH"), ("A", "E"), 2),  # most have left
        (("ABC", "DEF"), ("ADX", "BEY"), 2),  # mixed
        (("A", "B"), ("A", ""), 1),  # nobody to compare
        (("", ""), ("A", "B"), 1),
    ],
)
def test_series_ends_when_line_ups_change(before: tuple[str, str], after: tuple[str, str], count: int) -> None:
    """It ends when, in either team, fewer than half of the previous match's players play on."""
    assert len(played(match(1, *before), match(2, *after))) == count


def test_each_series_has_its_own_score() -> None:
    """A team that plays on keeps its number in the next series."""
    first, second = played(
        match(1, "DEF", "ABC", (2, 2)), match(2, "ABC", "DEF", (1, 1)), match(3, "XYZ", "ABC", (2, 1))
    )
    assert first.team["A"] == second.team["A"] == 2
    assert (first.score, second.score) == ((3, 1), (0, 2))


def test_match_without_result_has_no_score() -> None:
    """A single round, or one without a winner."""
    assert played(match(1, "AB", "CD", None))[0].score is None
    assert played() == []


def test_name_comes_from_admin_tag_or_player() -> None:
    """The name set by an admin, else the tag, else the player with most rounds; hidden players are ignored."""
    game = [match(1, "ABC", "DEF", tags=("alpha.", "")), match(2, "ABC", "DE", tags=("alpha.", ""))]
    assert played(*game)[0].names == ("alpha", "Team D")
    hidden = NamingRules(hidden=frozenset("D"))
    assert played(*game, rules=hidden)[0].names == ("alpha", "Team E")
    assert played(*game, rules=NamingRules(hidden=frozenset("DEF")))[0].names == ("alpha", "Team B")
    named = NamingRules(team_names={("file-11", 2): "omega", ("file-21", 1): "another series"})
    assert played(*game, rules=named)[0].names == ("alpha", "omega")
    renamed = NamingRules(display_names={"D": "Cartman"})
    assert played(*game, rules=renamed)[0].names == ("alpha", "Team Cartman")


def test_merged_guids_are_one_player() -> None:
    """Two GUIDs of a person continue each other, and count once for the name."""
    merged = NamingRules(identities={"X": "B", "Y": "C"})
    assert len(played(match(1, "ABC", "DEF"), match(2, "AXY", "DEF"))) == 2
    (found,) = played(match(1, "ABC", "DEF"), match(2, "AXY", "DEF"), rules=merged)
    assert found.team == {"A": 1, "B": 1, "C": 1, "D": 2, "E": 2, "F": 2}
    both = match(1, "BX", "DE")[0].players
    assert by_person(both, merged) == both


@pytest.mark.parametrize(
    ("names", "tag"),
    [
        (["alpha.marsh", "Alpha|bo", "[alpha]x", "sub"], "alpha"),
        (["x//omega", "y omega", "z"], "omega"),
        (["marsh", "marco"], ""),
        (["漢字.猫", "漢字.犬", "👻"], "漢字"),
        (["a.b", "a.c"], ""),  # a single letter
        (["omega.x"], ""),  # nobody to share it with
        (["omega.x", "omega.y", "a", "b"], ""),  # half is not most
        ([".", "--", ""], ""),
        (["x" * 5000 + ".y"] * 3, ""),
    ],
)
def test_shared_tag_is_detected(names: list[str], tag: str) -> None:
    """At the start or end, up to a character that is neither letter nor digit."""
    assert shared_tag(names) == tag


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("alpha.marsh", "marsh"),
        ("[Alpha]marsh", "marsh"),
        ("marsh|alpha", "marsh"),
        ("alpha", "alpha"),
        ("alpha.", "alpha."),
        ("alphabet.x", "alphabet.x"),
    ],
)
def test_tag_is_removed_from_names(name: str, rest: str) -> None:
    """The tag is removed with its separator; the name is never empty."""
    start, end = untagged_part(name, "alpha")
    assert name[start:end] == rest


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.text(max_size=40), st.integers(1, 9)), max_size=64),
    st.dictionaries(st.sampled_from([1, 2]), st.sampled_from(["alpha", "Team A", "Team B", "ALPHA"])),
)
def test_team_names_are_always_different(players: list[tuple[int, str, int]], chosen: dict[int, str]) -> None:
    """Two different, non-empty names in any order of the players."""
    members = [Member(team, name, rounds, f"{at:08X}") for at, (team, name, rounds) in enumerate(players)]
    first, second = team_names(members, chosen)
    assert min(len(first), len(second)) > 0
    assert first.casefold() != second.casefold()
    assert team_names(reversed(members), chosen) == (first, second)


@pytest.mark.parametrize(
    ("name", "team"),
    [("[LOG]Marsh", "Team [LOG]Marsh"), ("-=Bob=-", "Team Bob"), ("<Kelp>", "Team Kelp"), ("eve (", "Team eve")],
)
def test_bracket_pairs_are_kept_in_names(name: str, team: str) -> None:
    """Separators around a name are removed, half of a bracket pair is not."""
    assert team_names([Member(1, name, 3, "A"), Member(2, "max", 3, "B")]) == (team, "Team max")
