"""Tests of finding players by name."""

from datetime import UTC, datetime, timedelta

import pytest

from etstats.domain.rules.name_matching import KnownName, MatchQuality, choose, find
from etstats.domain.rules.suggestions import closest
from etstats.errors import NotFoundError

NOW = datetime(2025, 10, 2, 20, 0, tzinfo=UTC)


def seen(*names: tuple[str, str]) -> list[KnownName]:
    """(player, name) pairs, later ones are more recent; players are single letters."""
    return [
        KnownName(letter * 8, name, 1, NOW + timedelta(days=day), letter * 8)
        for day, (letter, name) in enumerate(names)
    ]


FOLK = seen(
    ("A", "Bobby"), ("A", "Robert"), ("B", "bob"), ("C", "BOB"), ("D", "xX.Straße.Xx"), ("E", "zoë"),
    ("F", "Robert"), ("F", "Ferdinand"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "guid"),
    [
        ("bob", "B"), ("BOB", "C"), ("Robert", "A"), ("robert", "A"), ("Ferdinand", "F"), ("FERDI", "F"),
        ("dinan", "F"), ("bobby", "A"), ("STRASSE", "D"), ("aaaaaaaa", "A"), ("AAAAAAAA", "A"), ("ZOË", "E"),
        (" Ferdinand ", "F"),
    ],
)  # fmt: skip
def test_best_match_is_chosen(text: str, guid: str) -> None:
    """Current name before former one, exact before other case, whole before part, GUID before all."""
    assert choose([text], FOLK).player_guid == guid * 8


def test_ambiguous_name_lists_all_players() -> None:
    """Two players with the name in other case: refused."""
    with pytest.raises(NotFoundError, match=r"is the name of 2 players.*BBBBBBBB bob.*CCCCCCCC BOB"):
        choose(["Bob"], FOLK[2:])


def test_ambiguous_part_lists_some_players() -> None:
    """Several matches are listed in one or two lines; an exact name is chosen."""
    crowd = seen(*((chr(65 + number), f"a long name {number}") for number in range(20)))
    with pytest.raises(NotFoundError, match=r"^long is in the names of 20 players: .* and 16 more; ") as refused:
        choose(["long"], crowd)
    assert len(str(refused.value)) <= 160


def test_mistyped_name_gets_a_suggestion() -> None:
    """A similar name is suggested, not chosen."""
    with pytest.raises(NotFoundError, match="did you mean Ferdinand"):
        choose(["Ferdnand"], FOLK)


@pytest.mark.parametrize("text", ["qqqqqq", "%", "_"])
def test_wildcards_are_literal(text: str) -> None:
    """Wildcards are literal."""
    assert find([text], FOLK) == []
    with pytest.raises(NotFoundError):
        choose([text], FOLK)


@pytest.mark.parametrize("text", ["", "   "])
def test_empty_text_lists_everybody(text: str) -> None:
    """All are listed with their current names; none is chosen."""
    assert len(find([text], FOLK)) == len({name.guid for name in FOLK})
    with pytest.raises(NotFoundError):
        choose([text], FOLK)


def test_each_player_is_found_once_by_the_best_name() -> None:
    """All matches, the closest first, with the matched and the current name."""
    matches = find(["rob"], FOLK)
    assert [(match.player_guid[0], match.alias, match.clean_name) for match in matches] == [
        ("A", "Robert", "Robert"),
        ("F", "Robert", "Ferdinand"),
    ]
    assert {match.closeness for match in matches} == {MatchQuality.BEGINS}


def test_similar_names_are_listed_without_a_match() -> None:
    """The most similar first."""
    matches = find(["Ferdinant"], FOLK)
    assert [match.clean_name for match in matches] == ["Ferdinand"]
    assert matches[0].closeness is MatchQuality.LIKE


def test_colour_codes_are_ignored() -> None:
    """First the name as given, then without codes; a literal caret can be found."""
    folk = seen(("A", "bob"), ("B", "^up^"))
    assert choose(["^1b^2ob", "bob"], folk).player_guid == "A" * 8
    assert choose(["^up^", "p"], folk).player_guid == "B" * 8


def test_closest_names_are_listed_first() -> None:
    """For maps, boards, weapons, seasons."""
    maps = ["supply", "sw_goldrush_te", "etl_adlernest", "adlernest"]
    assert closest("suply", maps)[0] == "supply"
    assert closest("goldrush", maps) == ["sw_goldrush_te"]
    assert closest("ADLERNEST", maps)[0] == "adlernest"
    assert closest("zzzz", maps) == []
