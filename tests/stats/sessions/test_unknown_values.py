"""Tests that missing or unreadable values are NULL and skipped by sums."""

import psycopg
import pytest

from etstats.db import boards, career_steps, sessions
from etstats.db.scope import Scope
from etstats.domain.rules.achievements import ACHIEVEMENTS
from tests.stats.sessions.rows import add_round, add_session, guid, line

UNKNOWN = (
    "team_damage_given kill_assists headshot_kills gibs revives_given objectives_stolen dynamites_planted "
    "dynamites_defused multi_kills most_useful_kills constructions"
).split()


def test_unknown_part_of_a_sum_counts_as_0(db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other columns and rounds still count, in careers, ratings and boards."""
    session = add_session(db)
    numbers = {**dict.fromkeys(UNKNOWN), "objectives_returned": 2, "mega_kills": 1, "double_kills": 3}
    first = add_round(db, session, [line(1, 1, kills=5, **numbers), line(2, 2)])
    add_round(
        db, session, [line(1, 1, kills=4, gibs=3, objectives_stolen=1), line(2, 2)], minute=12, match="radar"
    )

    career = sessions.careers(db, dpm_seconds=300)[guid(1)]
    assert (career.kills, career.gibs, career.objectives, career.multikills) == (9, 3, 3, 1)
    performance = next(row for row in sessions.performances(db, [first])[first] if row.player_guid == guid(1))
    assert (performance.objectives, performance.kill_assists, performance.team_damage_given) == (2, 0, 0)
    (part,) = [part.sums for part in boards.player_sums(db, Scope()) if part.sums.player_guid == guid(1)]
    assert (part.objectives, part.multikills, part.gibs) == (3, 4, 3)
    places = {achievement.key: place for place, achievement in enumerate(ACHIEVEMENTS, 1)}
    steps = [
        (key, places[key], threshold) for key, threshold in (("objectives", 2), ("objectives", 3), ("gibs", 3))
    ]
    monkeypatch.setattr(career_steps, "STEPS", steps)
    reached = [(step.key, step.threshold) for step in career_steps.reached(db, guid(1))]
    assert sorted(reached) == [("gibs", 3), ("objectives", 2), ("objectives", 3)]
