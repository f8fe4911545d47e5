"""Tables of the quality of predictions."""

from typing import NamedTuple

from etstats import output
from etstats.commands.tables.formatting import match_count
from etstats.domain.rules.rating_check import Baseline, RatingCheck
from etstats.output import Column, Table
from etstats.stats.set_times import SetTimeRecord

_BASELINE_NAMES = {"results": "results alone", "kd": "K/D so far", "coin": "a coin"}


class CheckedPrediction(NamedTuple):
    """The scores of one prediction method; `difference` is the rating's log loss minus its log loss."""

    prediction: str
    log_loss: float | None
    brier: float | None
    hit_rate: float | None
    difference: float | None
    low: float | None
    high: float | None
    interval: str | None


def check_document(check: RatingCheck) -> dict[str, object]:
    """Return the check as a JSON document."""
    return {
        "matches": check.matches,
        "warm_up": check.warm_up,
        **check.scores._asdict(),
        "calibration": [
            {"from": low, "to": high, "matches": matches, "predicted": predicted, "won": won}
            for low, high, matches, predicted, won in check.calibration
        ],
        "baselines": {name: _baseline_document(check.baselines[name]) for name in ("coin", "results", "kd")},
    }


def check_tables(check: RatingCheck, record: SetTimeRecord) -> list[Table]:
    """Return the scores of the ratings and of simpler predictions, and how often favourites won."""
    set_time = [
        f"Set times: of {record.predictions:,} predictions from earlier attacks and ratings {record.hit_rate:.0%} "
        f"were right; {record.beaten_share:.0%} of the times were beaten."
    ] if record.hit_rate is not None else []  # fmt: skip
    columns = [
        Column(key="prediction", heading="Prediction"),
        output.decimal("log_loss", "Log loss", 3),
        output.decimal("brier", "Brier", 3),
        output.share("hit_rate", "Winner named"),
        Column(key="interval", heading="Rating minus this", justify="right"),
    ]
    predictions = Table(
        title=f"Predictions of {match_count(check.matches)}, each from earlier ones only",
        columns=columns,
        rows=prediction_rows(check) if check.matches else [],
        empty=f"Nothing to check yet: the first {check.warm_up} matches with a result are not predicted.",
        notes=[
            f"The first {check.warm_up} matches with a result are not predicted.",
            "Lower log loss and Brier score are better.",
            "Rating minus this: log loss, with its 95 % interval; not significant if the interval includes 0.",
        ]
        if check.matches
        else [],
    )
    calibration = Table(
        title="How often favourites won",
        columns=[
            Column(key="low", heading="Chance from", text="{:.0%}".format, justify="right"),
            Column(key="high", heading="To", text="{:.0%}".format, justify="right"),
            output.whole("matches", "Matches"),
            output.share("predicted", "Predicted"),
            output.share("won", "Won"),
        ],
        rows=[bin_ for bin_ in check.calibration if bin_.matches],
        empty="",
        notes=set_time,
    )
    return [predictions, calibration] if check.matches else [predictions]


def check_values(check: RatingCheck) -> Table:
    """Return the scores with plain numbers."""
    keys = [key for key in CheckedPrediction._fields if key != "interval"]
    columns = [output.text(key, key) for key in keys]
    return Table(title="", columns=columns, rows=prediction_rows(check), empty="")


def prediction_rows(check: RatingCheck) -> list[CheckedPrediction]:
    """Return the rating and the baselines, one row each."""
    return [
        CheckedPrediction("rating", *check.scores, None, None, None, None),
        *(_checked(_BASELINE_NAMES[name], check.baselines[name]) for name in ("results", "kd", "coin")),
    ]


def _checked(name: str, baseline: Baseline) -> CheckedPrediction:
    difference = baseline.difference
    if difference is None:
        return CheckedPrediction(name, *baseline.scores, None, None, None, None)
    words = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
    return CheckedPrediction(name, *baseline.scores, *difference, words)


def _baseline_document(baseline: Baseline) -> dict[str, object]:
    difference = baseline.difference
    value, low, high = difference if difference is not None else (None, None, None)
    return {**baseline.scores._asdict(), "log_loss_difference": value, "low": low, "high": high}
