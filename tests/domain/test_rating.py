"""Ratings depend only on the rounds, are symmetric and bounded, and can resume after any match."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etstats.domain.rules.rating import (
    CHANCE_LIMIT,
    LARGEST_OBSERVATION,
    BiasState,
    MatchRow,
    PlayerState,
    RatedMatch,
    RatedPlayer,
    RatedRound,
    RatingBook,
    RatingRow,
    advantage,
    interval,
    matches_of,
    points,
    rate_match,
    rate_matches,
    restore,
    win_chance,
)
from tests.support.communities import Community, play

ROUNDS = play(Community(seed=1, size=12, matches=30)).rounds
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


def rate(rounds: Sequence[RatedRound]) -> tuple[RatingBook, list[tuple[list[RatingRow], MatchRow]]]:
    book = RatingBook()
    return book, list(rate_matches(book, matches_of(rounds)))


BOOK, RATED = rate(ROUNDS)


def duel(kills: int, deaths: int, number: int = 1, winner: int = 2, **changes: int) -> RatedRound:
    """A round of one against one; P1 starts as Axis, and defends first."""
    damage = {"damage_given": 100 * kills, "damage_received": 100 * deaths, "time_played_seconds": 300} | changes
    axis, allies = ("P1", "P2") if number == 1 else ("P2", "P1")
    team = {axis: 1, allies: 2}
    players = (
        RatedPlayer("P1", team["P1"], kills, deaths, **damage),
        RatedPlayer("P2", team["P2"], deaths, kills, 100 * deaths, 100 * kills, 300),
    )
    ended_at = BEGIN + timedelta(minutes=10 * number)
    return RatedRound(1, "match", number, ended_at, "supply", 1, winner, players)


players = st.builds(
    RatedPlayer,
    st.sampled_from([f"P{number}" for number in range(8)]),
    st.integers(0, 3),
    *[st.integers(-(10**7), 10**7)] * 2,
    *[st.integers(-(10**7), 10**7)] * 2,
    st.integers(0, 10**7),
)
any_rounds = st.lists(
    st.builds(
        RatedRound,
        st.just(1),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([1, 2]),
        st.integers(0, 10**6).map(lambda minutes: BEGIN + timedelta(minutes=minutes)),
        st.sampled_from(["supply", "[dark]-siege_beta"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.lists(players, max_size=8).map(tuple),
    ),
    max_size=8,
)


@given(st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_order_of_rounds_and_lines_changes_no_rating(dice) -> None:
    shuffled = [
        round_._replace(players=tuple(dice.sample(round_.players, len(round_.players))))
        for round_ in dice.sample(ROUNDS, len(ROUNDS))
    ]
    assert rate(shuffled)[1] == RATED


def test_simultaneous_matches_are_ordered_without_server_ids() -> None:
    other = [
        round_._replace(
            players=tuple(player._replace(identity_guid=f"X{player.identity_guid}") for player in round_.players)
        )
        for round_ in ROUNDS
    ]
    first = [*ROUNDS, *(round_._replace(server_id=2) for round_ in other)]
    second = [
        *(round_._replace(server_id=1) for round_ in other),
        *(round_._replace(server_id=2) for round_ in ROUNDS),
    ]
    assert rate(first)[0] == rate(second)[0]


@pytest.mark.parametrize("count", [0, 1, 17, 29])
def test_rating_resumes_after_any_match_with_equal_results(count) -> None:
    whole, rows = rate(ROUNDS)
    states: dict[str, PlayerState] = {}
    maps: dict[str, BiasState] = {}
    for changes, row in rows[:count]:
        states |= {change.identity_guid: change.state for change in changes}
        maps[row.map_name] = row.map_bias
    book = restore(states, maps, rows[count - 1][1] if count else None)
    assert list(rate_matches(book, matches_of(ROUNDS)[count:])) == rows[count:]
    assert book == whole


def test_new_match_changes_only_its_players() -> None:
    *earlier, last = matches_of(ROUNDS)
    book = RatingBook()
    for match in earlier:
        rate_match(book, match)
    before = dict(book.players)
    rows, _ = rate_match(book, last)
    playing = {player.identity_guid for round_ in last.rounds for player in round_.players}
    assert {row.identity_guid for row in rows} == playing
    assert all(book.players[guid] == state for guid, state in before.items() if guid not in playing)
    assert all(row.delta == row.mu - before[row.identity_guid].mu for row in rows if row.identity_guid in before)


def test_prediction_uses_only_earlier_matches() -> None:
    changed = [
        round_._replace(winner_team=3 - round_.winner_team) if round_.match_id == ROUNDS[-1].match_id else round_
        for round_ in ROUNDS
    ]
    chances = [[row.chance for _, row in rate(rounds)[1]] for rounds in (ROUNDS, changed)]
    assert chances[0] == chances[1]


@given(any_rounds)
@settings(max_examples=150)
def test_ratings_are_finite_and_bounded(rounds) -> None:
    book, rows = rate(rounds)
    for state in book.players.values():
        assert abs(state.performance) < 3 * LARGEST_OBSERVATION
        assert state.performance_variance > 0
        assert state.contribution_variance > 0
    for _, row in rows:
        assert row.chance is None or CHANCE_LIMIT <= row.chance <= 1 - CHANCE_LIMIT
        assert (row.chance is None) == (row.result is None)


@given(
    st.lists(st.sampled_from(sorted(BOOK.players)), min_size=1, unique=True),
    st.lists(st.text(min_size=1), min_size=1, unique=True),
    st.integers(0, 2),
    st.sampled_from([None, "map1", "unknown"]),
)
def test_chances_of_both_line_ups_sum_to_1(known, unknown, attacks_first, map_name) -> None:
    other_way = (3 - attacks_first) % 3
    chance = win_chance(BOOK, known, unknown, attacks_first, map_name)
    assert chance + win_chance(BOOK, unknown, known, other_way, map_name) == pytest.approx(1)
    assert advantage(BOOK, known, unknown) == pytest.approx(-advantage(BOOK, unknown, known))


def test_unrated_teams_are_even_and_size_counts() -> None:
    book = RatingBook()
    many = [f"P{number}" for number in range(32)]
    assert win_chance(book, ["a"], ["b"]) == 0.5
    assert win_chance(book, ["a", "b"], ["c", "d", "e"]) < 0.4
    assert 1 - CHANCE_LIMIT - 0.01 < win_chance(book, many, ["a"]) <= 1 - CHANCE_LIMIT
    with pytest.raises(ValueError, match="at least one player"):
        win_chance(book, [], ["a"])


def test_better_player_gains_what_the_other_loses() -> None:
    book, _ = rate([duel(20, 5)])
    assert book.players["P1"].mu > 0.05
    assert book.players["P2"].mu < -0.05


def test_equal_results_against_stronger_opponents_count_more() -> None:
    strong = RatingBook(players={"P2": PlayerState(0.5, 0.01, 0.0, 0.01, 1.0, 50, BEGIN)})
    weak = RatingBook(players={"P2": PlayerState(-0.5, 0.01, 0.0, 0.01, 1.0, 50, BEGIN)})
    for book in (strong, weak):
        rate_match(book, matches_of([duel(10, 10)])[0])
    assert strong.players["P1"].mu > weak.players["P1"].mu + 0.2


def test_match_result_changes_ratings_beyond_combat() -> None:
    lost = [duel(10, 10, winner=2), duel(10, 10, 2, winner=1)]
    won = [duel(10, 10, winner=1), duel(10, 10, 2, winner=2)]
    assert [rate_match(RatingBook(), matches_of(rounds)[0])[1].result for rounds in (lost, won)] == [0.0, 1.0]
    assert rate(won)[0].players["P1"].contribution > 0 > rate(lost)[0].players["P1"].contribution


def test_longer_round_counts_more() -> None:
    short, long = rate([duel(4, 2)])[0], rate([duel(20, 10)])[0]
    assert long.players["P1"].mu > short.players["P1"].mu > 0
    assert long.players["P1"].sigma < short.players["P1"].sigma


def test_long_break_raises_uncertainty_up_to_the_initial_one() -> None:
    book, _ = rate([duel(20, 5)])
    certain = book.players["P1"].performance_variance
    late = duel(0, 0, time_played_seconds=12)._replace(match_id="later", ended_at=BEGIN + timedelta(days=4000))
    rate_match(book, RatedMatch(1, "later", late.ended_at, "supply", (late,)))
    assert certain < book.players["P1"].performance_variance <= 0.35**2


@pytest.mark.parametrize(
    "rounds",
    [
        [duel(3, 1)],
        [duel(3, 1, 2)],
        [duel(3, 1, winner=0), duel(3, 1, 2)],
        [duel(3, 1)._replace(players=duel(3, 1).players[:1]), duel(3, 1, 2)],
    ],
    ids=["round 1 alone", "round 2 alone", "no winner", "one side empty"],
)
def test_match_without_result_is_not_predicted(rounds) -> None:
    _, [(_, row)] = rate(rounds)
    assert row.chance is row.result is None


def test_round_with_a_duplicate_identity_is_skipped() -> None:
    round_ = duel(9, 1)
    twice = round_._replace(players=(*round_.players, round_.players[0]._replace(team=2)))
    assert rate([twice])[0].players["P1"].rounds == 0


def test_spectators_and_short_play_are_not_rated() -> None:
    round_ = duel(9, 1)
    watcher = RatedPlayer("P3", 3, 9, 0, 900, 0, 300)
    visitor = RatedPlayer("P4", 1, 1, 0, 100, 0, 9)
    book, _ = rate([round_._replace(players=(*round_.players, watcher, visitor))])
    assert sorted(book.players) == ["P1", "P2"]


def test_players_are_provisional_below_20_rounds() -> None:
    state = PlayerState(0.1, 0.01, 0.0, 0.01, 1.0, 19, BEGIN)
    assert state.is_provisional
    assert not state._replace(rounds=20).is_provisional


def test_points_are_rounded_around_1500() -> None:
    assert points(0.0) == 1500
    assert points(-0.1234) == 1377
    assert interval(0.1, 0.1) == (1404, 1796)
