"""Achievements over whole careers: who reached what and when, and how far it is to the next step."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.domain.rules.achievements import ACHIEVEMENTS, Achievement
from etstats.domain.rules.bests import DPM_SECONDS
from etstats.domain.stats import Career, Reached
from etstats.domain.views import AchievementRow, ProgressRow

_LADDERS = {achievement.key: achievement.thresholds for achievement in ACHIEVEMENTS}
_BY_KEY = {achievement.key: achievement for achievement in ACHIEVEMENTS}


def achievement_rows(conn: Connection) -> list[AchievementRow]:
    """Every step that somebody who is not hidden reached: by how many, and by whom first and last."""
    reached = stored.achievements_reached(conn, _LADDERS)
    names = stored.last_names(conn, {r.player_guid for r in reached})
    return [
        _achievement_row(_BY_KEY[key], threshold, list(steps), names)
        for (key, threshold), steps in groupby(reached, lambda r: (r.key, r.threshold))
    ]


def progress_rows(conn: Connection, guid: str) -> list[ProgressRow]:
    """How far a player is on every achievement, hidden or not: it is the player's own sheet."""
    reached = stored.achievements_reached(conn, _LADDERS, guid)
    career = stored.careers(conn, guids=[guid], dpm_seconds=DPM_SECONDS, with_hidden=True).get(guid)
    return [] if career is None else [_progress_row(a, career, reached) for a in ACHIEVEMENTS]


def _achievement_row(
    achievement: Achievement, threshold: int, steps: list[Reached], names: dict[str, str]
) -> AchievementRow:
    first, last = steps[0], steps[-1]
    return AchievementRow(
        title=achievement.title,
        unit=achievement.unit,
        threshold=threshold,
        players=len(steps),
        first_name=names[first.player_guid],
        first_on=first.reached_on,
        last_name=names[last.player_guid],
        last_on=last.reached_on,
    )


def _progress_row(achievement: Achievement, career: Career, reached: Iterable[Reached]) -> ProgressRow:
    value: int = getattr(career, achievement.key)
    step = achievement.step(value)
    following = achievement.thresholds[step] if step < len(achievement.thresholds) else None
    mark = achievement.thresholds[step - 1] if step else None
    return ProgressRow(
        title=achievement.title,
        unit=achievement.unit,
        value=value,
        reached=mark,
        reached_on=_when(reached, achievement.key, mark),
        next=following,
        left=None if following is None else following - value,
    )


def _when(reached: Iterable[Reached], key: str, threshold: int | None) -> datetime | None:
    return next((r.reached_on for r in reached if r.key == key and r.threshold == threshold), None)
