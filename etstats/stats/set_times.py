"""Predict whether round 2 beats the time set in round 1, and evaluate the predictions."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from etstats.db import maps
from etstats.db.connection import Connection
from etstats.db.maps import AttackFirst, AttackRow, FastAttack, MapSums, SetTimeRow
from etstats.db.scope import Scope
from etstats.domain.rules.set_time import Attack, SetTimePrediction, predict_set_time, share_faster

LATEST_ATTACKS = 200
"""Maximum number of latest attacks on the map for a prediction."""
_QUARTILES = (0.25, 0.5, 0.75)


class AttackTime(NamedTuple):
    """The time within which this share (0 to 1) of the attacks succeeded."""

    share: float
    seconds: int


class SetTimeRecord(NamedTuple):
    """Quality of set time predictions: their number, share beaten, and share correct.

    Each prediction uses earlier attacks only. Shares are 0 to 1, None without predictions.
    """

    predictions: int
    beaten_share: float | None
    hit_rate: float | None


class MapReport(NamedTuple):
    """A map: results, the fastest attacks with their line-ups, and set time predictions.

    `set_time` covers all predictions on the map, regardless of the scope.
    """

    sums: MapSums
    fastest: tuple[FastAttack, ...]
    attack_first: AttackFirst
    quartiles: tuple[AttackTime, ...]
    set_time: SetTimeRecord


def map_report(conn: Connection, scope: Scope, fastest: int) -> MapReport | None:
    """Return the report of the map of a scope, with its fastest attacks; None if it was not played."""
    sums = maps.maps(conn, scope)
    if not sums:
        return None
    return MapReport(
        sums[0],
        tuple(maps.fastest_attacks(conn, scope, fastest)),
        maps.attack_first(conn, scope),
        tuple(quartiles(maps.attacks(conn, scope))),
        record(conn, scope.map_name),
    )


def forecast(conn: Connection, map_name: str, seconds: int) -> SetTimePrediction:
    """Return the chance that even teams beat a time on a map."""
    return predict_set_time(_attacks(maps.attacks(conn, Scope(map_name=map_name))), seconds)


def predict(conn: Connection, round_id: int) -> SetTimePrediction | None:
    """Return the chance that round 2 beats the time set in this round 1; None without a set time.

    The ratings must be up to date (`ratings.update`); without a rating the teams count as even.
    """
    found = maps.set_times(conn, round_id=round_id)
    if not found:
        return None
    (row,) = found
    attacks = maps.attacks(conn, Scope(map_name=row.map_name, until=row.ended_at))
    return _predict(row, attacks)


def record(conn: Connection, map_name: str | None = None) -> SetTimeRecord:
    """Return the quality of the predictions on a map, or on all maps."""
    return _record([
        (prediction.chance, row.is_beaten)
        for row, prediction in _predictions(conn, map_name)
        if row.is_beaten is not None
    ])  # fmt: skip


def quartiles(attacks: Sequence[AttackRow]) -> list[AttackTime]:
    """Return the times within which 25, 50 and 75 % of the attacks succeeded, as far as they did."""
    latest = _attacks(attacks)
    found = []
    for share in _QUARTILES:
        times = sorted({attack.seconds for attack in latest if attack.is_completed})
        seconds = next((time for time in times if (share_faster(latest, time + 1) or 0) >= share), None)
        if seconds is not None:
            found.append(AttackTime(share, seconds))
    return found


def _predictions(conn: Connection, map_name: str | None) -> Iterator[tuple[SetTimeRow, SetTimePrediction]]:
    rows = sorted(maps.set_times(conn, map_name=map_name), key=lambda row: row.map_name)
    for name, group in groupby(rows, key=lambda row: row.map_name):
        attacks = maps.attacks(conn, Scope(map_name=name))
        seen = 0
        for row in group:
            while seen < len(attacks) and attacks[seen].ended_at < row.ended_at:
                seen += 1
            yield row, _predict(row, attacks[max(0, seen - LATEST_ATTACKS) : seen])


def _predict(row: SetTimeRow, attacks: Sequence[AttackRow]) -> SetTimePrediction:
    return predict_set_time(_attacks(attacks), row.seconds, row.advantage or 0.0)


def _attacks(rows: Sequence[AttackRow]) -> list[Attack]:
    return [Attack(row.seconds, row.is_won) for row in rows[-LATEST_ATTACKS:]]


def _record(predicted: Sequence[tuple[float, bool]]) -> SetTimeRecord:
    if not predicted:
        return SetTimeRecord(0, None, None)
    count = len(predicted)
    return SetTimeRecord(
        count,
        sum(is_beaten for _, is_beaten in predicted) / count,
        sum((chance > 0.5) == is_beaten for chance, is_beaten in predicted) / count,
    )
