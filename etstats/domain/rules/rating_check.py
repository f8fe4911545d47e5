"""Check the predictions of the ratings: predict each match from earlier ones and compare with simpler models."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from etstats.domain.rules.rating import RatedMatch, RatingBook, line_ups, rate_matches

WARM_UP = 20
RESAMPLES = 1000
# More matches than this are resampled in blocks of consecutive ones.
LARGEST_RESAMPLE = 400
SMALLEST_CHANCE = 0.001
CALIBRATION_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

# Kills and deaths added to each player's sums, which shrinks the ratio of players with few rounds.
KD_PRIOR = 10
KD_SLOPE, KD_SLOPE_VARIANCE, KD_SMALLEST_SLOPE = 4.0, 0.5, 0.5

# The settings of openskill; the best beta on the checked matches is the one that is shown.
OPENSKILL_MU, OPENSKILL_SIGMA, OPENSKILL_TAU, OPENSKILL_KAPPA = 25.0, 25 / 3, 25 / 300, 0.0001
OPENSKILL_BETAS = (25 / 6, 8.0, 12.5, 25.0, 50.0)


class Prediction(NamedTuple):
    """The predicted win chance of round 1's Axis, and the result (1, 0.5 draw, 0)."""

    chance: float
    result: float


class Scores(NamedTuple):
    """The scores of a set of predictions; None without any.

    A draw counts as half a win in `log_loss` and `brier`, and is left out of `hit_rate` (0 to 1).
    """

    log_loss: float | None
    brier: float | None
    hit_rate: float | None


class ScoreDifference(NamedTuple):
    """Log loss of the rating minus that of a baseline, with its 95 % interval; below 0 the rating is better."""

    value: float
    low: float
    high: float


class Baseline(NamedTuple):
    """A simpler prediction; `difference` is None without matches."""

    scores: Scores
    difference: ScoreDifference | None


class ResultsOnly(NamedTuple):
    """Predictions from results alone, and each player's mu after the last match."""

    predictions: list[Prediction]
    mu: dict[str, float]


class CalibrationBin(NamedTuple):
    """The matches whose favourite's chance was within [low, high), 1 included: mean chance, and share won."""

    low: float
    high: float
    matches: int
    predicted: float | None
    won: float | None


class RatingCheck(NamedTuple):
    """The check of one community; `matches` counts the predicted ones, after `warm_up` others."""

    matches: int
    warm_up: int
    scores: Scores
    calibration: tuple[CalibrationBin, ...]
    baselines: Mapping[str, Baseline]


def check_ratings(matches: Sequence[RatedMatch], warm_up: int = WARM_UP) -> RatingCheck:
    """Predict each match that has a result from the ones before it; `matches` are in the order of rating."""
    rows = [row for _, row in rate_matches(RatingBook(), matches)]
    results = [row.result for row in rows]
    predictions = [
        Prediction(row.chance, row.result) for row in rows if row.chance is not None and row.result is not None
    ][warm_up:]
    by_results = (predict_from_results(matches, results, beta).predictions[warm_up:] for beta in OPENSKILL_BETAS)
    others = {
        "coin": [Prediction(0.5, result) for _, result in predictions],
        "results": min(by_results, key=lambda candidate: math.fsum(_losses(candidate))),
        "kd": predict_from_kd(matches, results)[warm_up:],
    }
    losses = _losses(predictions)
    baselines = {
        name: Baseline(score(other), paired_difference(losses, _losses(other))) for name, other in others.items()
    }
    return RatingCheck(len(predictions), warm_up, score(predictions), calibration(predictions), baselines)


def score(predictions: Sequence[Prediction]) -> Scores:
    """Return the scores of some predictions."""
    if not predictions:
        return Scores(None, None, None)
    won = [prediction for prediction in predictions if prediction.result != 0.5]
    brier = math.fsum((chance - result) ** 2 for chance, result in predictions) / len(predictions)
    return Scores(math.fsum(_losses(predictions)) / len(predictions), brier, _share(map(_hit, won), len(won)))


def calibration(predictions: Iterable[Prediction]) -> tuple[CalibrationBin, ...]:
    """Return the share of wins of favourites, by their predicted chance."""
    favourites = [
        prediction if prediction.chance >= 0.5 else Prediction(1 - prediction.chance, 1 - prediction.result)
        for prediction in predictions
    ]
    bins = []
    for low, high in pairwise(CALIBRATION_EDGES):
        inside = [
            favourite
            for favourite in favourites
            if low <= favourite.chance < high or favourite.chance == high == 1
        ]
        predicted = _share((favourite.chance for favourite in inside), len(inside))
        won = _share((favourite.result for favourite in inside), len(inside))
        bins.append(CalibrationBin(low, high, len(inside), predicted, won))
    return tuple(bins)


def paired_difference(losses: Sequence[float], others: Sequence[float]) -> ScoreDifference | None:
    """Return the mean difference of two losses of the same matches, with its bootstrap interval."""
    differences = [loss - other for loss, other in zip(losses, others, strict=True)]
    if not differences:
        return None
    size = math.ceil(len(differences) / LARGEST_RESAMPLE)
    blocks = [math.fsum(differences[start : start + size]) for start in range(0, len(differences), size)]
    choices = random.Random(0).choices  # noqa: S311 - a fixed seed: the same matches give the same interval
    means = sorted(math.fsum(choices(blocks, k=len(blocks))) / len(differences) for _ in range(RESAMPLES))
    tail = RESAMPLES // 40
    return ScoreDifference(math.fsum(differences) / len(differences), means[tail], means[-1 - tail])


def predict_from_kd(matches: Iterable[RatedMatch], results: Iterable[float | None]) -> list[Prediction]:
    """Predict each match with a result from the mean log K/D so far, shrunk to 1.

    The slope is estimated along the way, as that of the rating is.
    """
    sums: dict[str, tuple[int, int]] = {}
    predictions: list[Prediction] = []
    slope, variance = KD_SLOPE, KD_SLOPE_VARIANCE
    for match, result in zip(matches, results, strict=True):
        if result is not None:
            axis, allies, _ = line_ups(match)
            difference = _mean_log_kd(sums, axis) - _mean_log_kd(sums, allies)
            chance = 1 / (1 + math.exp(-slope * difference))
            predictions.append(Prediction(chance, result))
            variance /= 1 + variance * chance * (1 - chance) * difference**2
            slope = max(KD_SMALLEST_SLOPE, slope + variance * difference * (result - chance))
        for round_ in match.rounds:
            for player in round_.players:
                kills, deaths = sums.get(player.identity_guid, (0, 0))
                sums[player.identity_guid] = kills + player.kills, deaths + player.deaths
    return predictions


def predict_from_results(
    matches: Iterable[RatedMatch], results: Iterable[float | None], beta: float
) -> ResultsOnly:
    """Predict each match from earlier results alone, as openskill's Plackett-Luce model does for two teams.

    `beta`: how much luck a match has, in the unit of mu. Source: openskill 6.2, `PlackettLuce.rate` and
    `predict_win`, with its defaults of mu, sigma and tau.
    """
    ratings: dict[str, tuple[float, float]] = {}
    predictions: list[Prediction] = []
    for match, result in zip(matches, results, strict=True):
        if result is None:
            continue
        teams = line_ups(match)[:2]
        prior = (OPENSKILL_MU, OPENSKILL_SIGMA**2)
        states = [{guid: ratings.get(guid, prior) for guid in team} for team in teams]
        difference = math.fsum(mu for mu, _ in states[0].values()) - math.fsum(mu for mu, _ in states[1].values())
        variances = [math.fsum(variance for _, variance in team.values()) for team in states]
        spread = math.sqrt(2 * (2 * beta**2 + sum(variances)))
        predictions.append(Prediction((1 + math.erf(difference / spread)) / 2, result))

        drifted = [total + len(team) * OPENSKILL_TAU**2 for total, team in zip(variances, teams, strict=True)]
        scale = math.sqrt(sum(drifted) + 2 * beta**2)
        chance = 1 / (1 + math.exp(-difference / scale))
        for team, total, sign in zip(states, drifted, (1, -1), strict=True):
            shrink = math.sqrt(total) / scale * chance * (1 - chance) / scale**2
            for guid, (mu, variance) in team.items():
                wider = variance + OPENSKILL_TAU**2
                mean = mu + sign * wider / scale * (result - chance)
                ratings[guid] = mean, wider * max(1 - wider * shrink, OPENSKILL_KAPPA)
    return ResultsOnly(predictions, {guid: mu for guid, (mu, _) in ratings.items()})


def _mean_log_kd(sums: Mapping[str, tuple[int, int]], line_up: Sequence[str]) -> float:
    pairs = (sums.get(guid, (0, 0)) for guid in line_up)
    return math.fsum(math.log((kills + KD_PRIOR) / (deaths + KD_PRIOR)) for kills, deaths in pairs) / len(line_up)


def _losses(predictions: Iterable[Prediction]) -> list[float]:
    losses = []
    for chance, result in predictions:
        bounded = min(1 - SMALLEST_CHANCE, max(SMALLEST_CHANCE, chance))
        losses.append(-(result * math.log(bounded) + (1 - result) * math.log(1 - bounded)))
    return losses


def _hit(prediction: Prediction) -> float:
    """Return 1 if the favourite won, 0 if it lost; 0.5 for even chances."""
    if prediction.chance == 0.5:
        return 0.5
    return float((prediction.chance > 0.5) == (prediction.result > 0.5))


def _share(values: Iterable[float], count: int) -> float | None:
    return math.fsum(values) / count if count else None
