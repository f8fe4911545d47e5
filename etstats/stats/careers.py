"""Achievements over whole careers: reached steps, and the progress to the next step."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from etstats.db import career_steps
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.domain.rules.achievements import ACHIEVEMENTS, Achievement
from etstats.domain.rules.records import DPM_SECONDS
from etstats.domain.stats import Career, Reached
from etstats.domain.views import AchievementRow, ProgressRow

_BY_KEY = {achievement.key: achievement for achievement in ACHIEVEMENTS}


def achievement_rows(conn: Connection) -> list[AchievementRow]:
    """Return the steps reached by visible players: the number of players, and the first and last to reach it."""
    reached = career_steps.reached(conn)
    names = stored.last_names(conn, {milestone.player_guid for milestone in reached})
    return [
        _achievement_row(_BY_KEY[key], threshold, list(steps), names)
        for (key, threshold), steps in groupby(reached, lambda milestone: (milestone.key, milestone.threshold))
    ]


def progress_rows(conn: Connection, guid: str) -> list[ProgressRow]:
    """Return a player's progress on every achievement; also for hidden players."""
    reached = career_steps.reached(conn, guid)
    career = stored.careers(conn, guids=[guid], dpm_seconds=DPM_SECONDS, with_hidden=True).get(guid)
    return [] if career is None else [_progress_row(achievement, career, reached) for achievement in ACHIEVEMENTS]


def _achievement_row(
    achievement: Achievement, threshold: int, steps: list[Reached], names: dict[str, str]
) -> AchievementRow:
    first, last = steps[0], steps[-1]
    return AchievementRow(
        title=achievement.title,
        unit=achievement.unit,
        threshold=threshold,
        players=first.players,
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
    return next(
        (
            milestone.reached_on
            for milestone in reached
            if milestone.key == key and milestone.threshold == threshold
        ),
        None,
    )
