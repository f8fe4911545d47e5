"""Who is meant by a name."""

from datetime import UTC, datetime, timedelta

import pytest

from etstats.domain.rules.name_matching import KnownName, MatchQuality, choose, find
from etstats.domain.rules.suggestions import closest
from etstats.errors import NotFoundError

NOW = datetime(2025, 10, 2, 20, 0, tzinfo=UTC)


def seen(*names: tuple[str, str]) -> list[KnownName]:
    """(player, name) pairs, the later the more recent; players are single letters."""
    return [KnownName(p * 8, name, 1, NOW + timedelta(days=day)) for day, (p, name) in enumerate(names)]


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
def test_the_one_who_is_meant(text: str, guid: str) -> None:
    """Present name before former one, letter for letter before case aside, whole before part, GUID before all."""
    assert choose([text], FOLK) == guid * 8


def test_a_name_of_several_lists_them_all() -> None:
    """Two who wrote it otherwise: neither is guessed."""
    with pytest.raises(NotFoundError, match=r"may be any of 2 players.*BBBBBBBB bob.*CCCCCCCC BOB"):
        choose(["Bob"], FOLK[2:])


def test_a_mistyped_name_brings_the_nearest() -> None:
    """Not chosen by itself: it might be somebody else."""
    with pytest.raises(NotFoundError, match="did you mean Ferdinand"):
        choose(["Ferdnand"], FOLK)


@pytest.mark.parametrize("text", ["qqqqqq", "", "   ", "%", "_"])
def test_nothing_like_it_is_nobody(text: str) -> None:
    """Neither an empty text nor a wildcard means everybody."""
    assert find([text], FOLK) == []
    with pytest.raises(NotFoundError):
        choose([text], FOLK)


def test_each_player_is_found_once_by_the_name_that_fits_best() -> None:
    """All who answer, the closest first, with the name they answer by and the one they bear."""
    matches = find(["rob"], FOLK)
    assert [(m.player_guid[0], m.alias, m.clean_name) for m in matches] == [
        ("A", "Robert", "Robert"),
        ("F", "Robert", "Ferdinand"),
    ]
    assert {m.closeness for m in matches} == {MatchQuality.BEGINS}


def test_only_when_none_holds_it_are_names_merely_like_it_given() -> None:
    """The likest first."""
    matches = find(["Ferdinant"], FOLK)
    assert [m.clean_name for m in matches] == ["Ferdinand"]
    assert matches[0].closeness is MatchQuality.LIKE


def test_a_spelling_with_colours_finds_the_name_without() -> None:
    """As it was given first, without codes second; a literal caret stays findable."""
    folk = seen(("A", "bob"), ("B", "^up^"))
    assert choose(["^1b^2ob", "bob"], folk) == "A" * 8
    assert choose(["^up^", "p"], folk) == "B" * 8


def test_the_closest_names_come_first_and_the_unlike_not_at_all() -> None:
    """For maps, boards, weapons, seasons."""
    maps = ["supply", "sw_goldrush_te", "etl_adlernest", "adlernest"]
    assert closest("suply", maps)[0] == "supply"
    assert closest("goldrush", maps) == ["sw_goldrush_te"]
    assert closest("ADLERNEST", maps)[0] == "adlernest"
    assert closest("zzzz", maps) == []
