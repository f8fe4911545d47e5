"""The check of predictions, and ratings compared with simpler models."""

from datetime import UTC, datetime, timedelta
from math import log

import pytest

from etstats.domain.rules.rating import RatedMatch, RatedPlayer, RatedRound, RatingBook, matches_of, rate_matches
from etstats.domain.rules.rating_check import (
    Prediction,
    Scores,
    calibration,
    check_ratings,
    paired_difference,
    predict_from_kd,
    predict_from_results,
    score,
)
from tests.support.communities import Community, correlations, play

COMMUNITIES = [play(Community(seed=seed)) for seed in range(501, 507)]


def match(number: int, axis: str, allies: str) -> RatedMatch:
    """A match between players of one letter each, without numbers."""
    ended_at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
    players = [
        RatedPlayer(name, team, 0, 0, 0, 0, 60) for team, names in ((1, axis), (2, allies)) for name in names
    ]
    round_ = RatedRound(1, str(number), 1, ended_at, "supply", 1, 2, players)
    return RatedMatch(1, str(number), ended_at, "supply", (round_,))


def test_scores_equal_a_manual_calculation() -> None:
    predictions = [Prediction(0.8, 1), Prediction(0.6, 0), Prediction(0.5, 0.5), Prediction(0.5, 1)]
    scores = score(predictions)
    assert scores.log_loss == pytest.approx(-(log(0.8) + log(0.4) + 2 * log(0.5)) / 4)
    assert scores.brier == pytest.approx((0.04 + 0.36 + 0 + 0.25) / 4)
    assert scores.hit_rate == pytest.approx(1.5 / 3)
    assert score([]) == Scores(None, None, None)
    assert score([Prediction(0.5, 0.5)]).hit_rate is None


def test_calibration_counts_each_favourite_once() -> None:
    bins = calibration([Prediction(0.25, 0), Prediction(0.72, 0), Prediction(1.0, 1), Prediction(0.5, 0.5)])
    assert [bin_.matches for bin_ in bins] == [1, 0, 2, 0, 1]
    assert bins[2].predicted == pytest.approx(0.735)
    assert bins[2].won == 0.5
    assert bins[1].predicted is None


def test_interval_contains_the_difference_and_is_repeatable() -> None:
    losses, others = [0.1 * (number % 7) for number in range(3000)], [0.3] * 3000
    difference = paired_difference(losses, others)
    assert difference is not None
    assert difference.value == pytest.approx(0, abs=0.001)
    assert difference.low < difference.value < difference.high
    assert difference == paired_difference(losses, others)
    assert paired_difference([], []) is None
    assert paired_difference([0.2, 0.4], [0.1, 0.3]) == pytest.approx((0.1, 0.1, 0.1))


def test_results_only_rating_equals_openskill() -> None:
    matches = [match(0, "ab", "cd"), match(1, "ac", "bd"), match(2, "abe", "cd"), match(3, "ab", "cd")]
    predictions, mu = predict_from_results(matches, [1, 0.5, 0, 0], 25 / 6)
    # openskill 6.2, PlackettLuce() with its defaults
    assert [prediction.chance for prediction in predictions] == pytest.approx(
        [0.5, 0.5, 0.957939347, 0.415032454], abs=1e-8
    )
    expected = {"a": 22.423254523, "b": 22.423254523, "c": 27.582293115, "d": 27.582293115, "e": 21.900292284}
    assert mu == pytest.approx(expected, abs=1e-8)


def test_predictions_use_equal_matches_and_earlier_data() -> None:
    matches = matches_of(COMMUNITIES[0].rounds)[:40]
    check = check_ratings(matches, warm_up=30)
    assert check.matches == 10
    assert check.warm_up == 30
    assert check.baselines["coin"].scores.log_loss == pytest.approx(log(2))
    results = [row.result for _, row in rate_matches(RatingBook(), matches)]
    other_end = [*results[:-1], 0.5]
    chances = [[player.chance for player in predict_from_kd(matches, ends)] for ends in (results, other_end)]
    assert chances[0] == chances[1]


def test_too_few_matches_have_no_scores() -> None:
    check = check_ratings(matches_of(COMMUNITIES[0].rounds)[:20])
    assert check.matches == 0
    assert check.scores == Scores(None, None, None)
    assert all(baseline.difference is None for baseline in check.baselines.values())


def test_rating_predicts_better_than_baselines() -> None:
    checks = [check_ratings(matches_of(community.rounds)) for community in COMMUNITIES]

    def mean(name: str) -> float:
        return sum(check.baselines[name].scores.log_loss or 0 for check in checks) / len(checks)

    rating = sum(check.scores.log_loss or 0 for check in checks) / len(checks)
    assert rating < mean("results") - 0.01
    assert rating < mean("kd") - 0.01
    assert rating < mean("coin") - 0.1


def test_rating_orders_players_better_than_baselines() -> None:
    rating, by_kd, by_results = (
        sum(column) / len(COMMUNITIES) for column in zip(*map(correlations, COMMUNITIES), strict=True)
    )
    assert rating > by_kd + 0.03
    assert rating > by_results + 0.03
    assert rating > 0.8
