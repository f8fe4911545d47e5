"""Read when players reached the thresholds of achievements."""

from datetime import datetime
from typing import NamedTuple

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.statements import fetch_all
from etstats.domain.rules.achievements import ACHIEVEMENTS
from etstats.domain.stats import Reached

STEPS = [
    (achievement.key, place, threshold)
    for place, achievement in enumerate(ACHIEVEMENTS, 1)
    for threshold in achievement.thresholds
]
"""The key, the place in the totals of `sealed_careers`, and the threshold of each step.

Changing the achievements needs a migration that empties `sealed` and the sums.
"""


class SealedCareers(NamedTuple):
    """The period of sealed careers: from the beginning until `stop`."""

    id: int
    stop: datetime


def sealed_careers(conn: Connection) -> SealedCareers | None:
    """Return the period with sealed careers, or None."""
    found = fetch_all(conn, SealedCareers, "sealed_careers")
    return found[0] if found else None


def reached(conn: Connection, guid: str | None = None) -> list[Reached]:
    """Return when a player reached each threshold; without `guid`, the first and last player of each threshold.

    Ordered by achievement, threshold and time. Hidden players are excluded, except `guid`.
    """
    return _reached(conn, sealed_careers(conn), guid=guid)


def all_reached(conn: Connection, before: SealedCareers | None, until: datetime) -> list[Reached]:
    """Return when all players, also hidden ones, reached thresholds until a time; `before`: the sealed careers."""
    return _reached(conn, before, until=until, everybody=True)


def _reached(
    conn: Connection,
    before: SealedCareers | None,
    *,
    guid: str | None = None,
    until: datetime | None = None,
    everybody: bool = False,
) -> list[Reached]:
    keys, places, thresholds = (list(column) for column in zip(*STEPS, strict=True))
    parameters = {
        "sealed_id": before.id if before else 0,
        "since": before.stop if before else None,
        "until": until,
        "guid": guid,
        "everybody": everybody or guid is not None,
        "keys": keys,
        "places": places,
        "thresholds": thresholds,
    }
    return fetch_all(conn, Reached, "achievements_reached", parameters, sql=query_with_columns)
