"""Even teams: every player once, and the most even splits first."""

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.domain.rules.rating import PlayerState, RatingBook, win_chance
from etstats.domain.rules.team_split import even_splits


def book_of(ratings: list[float]) -> RatingBook:
    return RatingBook(
        players={
            f"P{number:02}": PlayerState(mu, 0.01, 0.0, 0.01, 1.0, 50, None) for number, mu in enumerate(ratings)
        }
    )


ratings = st.floats(-1, 1)


@given(st.lists(ratings, min_size=2, max_size=64), st.integers(1, 8))
@settings(max_examples=60)
def test_splits_are_complete_and_of_even_size(mus, count) -> None:
    book = book_of(mus)
    splits = even_splits(book, sorted(book.players), count)
    assert 1 <= len(splits) <= count
    for split in splits:
        assert sorted(split.team1 + split.team2) == sorted(book.players)
        assert len(split.team1) - len(split.team2) in (0, 1)
        assert split.chance1 == win_chance(book, split.team1, split.team2)
    gaps = [abs(split.chance1 - 0.5) for split in splits]
    assert gaps == pytest.approx(sorted(gaps), abs=1e-8)
    assert len({frozenset((split.team1, split.team2)) for split in splits}) == len(splits)


@given(st.lists(ratings, min_size=2, max_size=9))
@settings(max_examples=40)
def test_small_split_is_the_most_even(mus) -> None:
    book = book_of(mus)
    players = sorted(book.players)
    size = (len(players) + 1) // 2
    gaps = [
        abs(win_chance(book, team, sorted(set(players) - set(team))) - 0.5) for team in combinations(players, size)
    ]
    assert abs(even_splits(book, players, 1)[0].chance1 - 0.5) == pytest.approx(min(gaps), abs=1e-8)


@given(st.lists(ratings, min_size=15, max_size=30))
@settings(max_examples=20)
def test_no_swap_improves_a_large_split(mus) -> None:
    book = book_of(mus)
    best = even_splits(book, sorted(book.players), 1)[0]
    for leaving, joining in product(best.team1, best.team2):
        team1 = [joining if guid == leaving else guid for guid in best.team1]
        team2 = [leaving if guid == joining else guid for guid in best.team2]
        assert abs(win_chance(book, team1, team2) - 0.5) >= abs(best.chance1 - 0.5) - 1e-6


def test_search_ends_with_equal_ratings() -> None:
    book = book_of([0.1 + 0.2, 0.3] * 32)
    assert even_splits(book, sorted(book.players), 1)[0].chance1 == pytest.approx(0.5)


@given(st.lists(ratings, min_size=2, max_size=24), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_order_of_names_changes_no_split(mus, dice) -> None:
    book = book_of(mus)
    assert even_splits(book, dice.sample(sorted(book.players), len(mus))) == even_splits(
        book, sorted(book.players)
    )


def test_larger_team_gets_the_weaker_players() -> None:
    book = book_of([0.5, 0.1, -0.4])
    assert even_splits(book, ["P00", "P01", "P02"], 1)[0].team2 == ("P00",)


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (["a"], "players, got 1"),
        ([f"P{index}" for index in range(65)], "2 to 64"),
        (["a", "b", "a"], "more than once"),
    ],
)
def test_invalid_line_ups_are_refused(players, message) -> None:
    with pytest.raises(ValueError, match=message):
        even_splits(RatingBook(), players)
