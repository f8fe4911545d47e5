"""Awards, broken records, and newly reached achievements."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from etstats.db import award_sums, identity, players
from etstats.db import sessions as stored
from etstats.db.award_sums import AwardSum
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.domain.rules import achievements, awards
from etstats.domain.rules.records import DPM_SECONDS, NewRecord, new_records
from etstats.domain.stats import Career, ScoreLine
from etstats.domain.views import AwardCount, AwardRow, MilestoneRow, RecordRow


def award_counts(conn: Connection, scope: Scope, most: int) -> list[AwardCount]:
    """Return the top players of each award, counted over the sessions with a round in scope."""
    taken: dict[str, list[AwardSum]] = {}
    for taken_by in award_sums.of_scope(conn, scope, most):
        taken.setdefault(taken_by.award, []).append(taken_by)
    top = {
        key: sorted(sums, key=lambda taken_by: (-taken_by.times, taken_by.player_guid))[:most]
        for key, sums in taken.items()
    }
    names = players.present_names(conn, {taken_by.player_guid for sums in top.values() for taken_by in sums})
    return [
        AwardCount(
            key=award.key,
            title=award.title,
            player_guid=taken_by.player_guid,
            player_name=names[taken_by.player_guid].player_name,
            times=taken_by.times,
            best=taken_by.best,
            text=award.text.format(taken_by.best),
        )
        for award in (awards.MVP, *awards.AWARDS)
        for taken_by in top.get(award.key, ())
    ]


def award_rows(lines: Sequence[ScoreLine]) -> tuple[AwardRow, ...]:
    """Return the awards of a scoreboard, in the order of the table of awards."""
    return tuple(
        AwardRow(
            key=given.award.key,
            title=given.award.title,
            player_guid=line.player_guid,
            player_name=line.player_name,
            value=given.value,
            text=given.award.text.format(given.value),
        )
        for given in awards.session_awards(lines)
        for line in given.players
    )


def fallen(
    conn: Connection, ids: Sequence[int], first_ended: datetime, lines: Sequence[ScoreLine]
) -> tuple[tuple[RecordRow, ...], tuple[MilestoneRow, ...]]:
    """Return the broken records and the milestones of these rounds, compared with all earlier rounds."""
    before = stored.careers(conn, before=first_ended, dpm_seconds=DPM_SECONDS)
    within = stored.careers(conn, round_ids=ids, dpm_seconds=DPM_SECONDS)
    names = {line.player_guid: line.player_name for line in lines}
    records = tuple(record_row(record, names) for record in new_records(before, within.values()))
    return records, _milestone_rows(conn, before, within, names)


def milestones(
    conn: Connection, ids: Sequence[int], first_ended: datetime, lines: Sequence[ScoreLine]
) -> tuple[MilestoneRow, ...]:
    """Return the achievements that players reached in these rounds, of which the first ended at `ended`."""
    names = {line.player_guid: line.player_name for line in lines}
    before = stored.careers(conn, before=first_ended, guids=list(names), dpm_seconds=DPM_SECONDS)
    within = stored.careers(conn, round_ids=ids, dpm_seconds=DPM_SECONDS)
    return _milestone_rows(conn, before, within, names)


def record_row(record: NewRecord, names: Mapping[str, str]) -> RecordRow:
    """Return a broken record with the name of its player."""
    return RecordRow(
        title=record.best.title,
        player_guid=record.player_guid,
        player_name=names[record.player_guid],
        value=record.value,
        before=record.before,
        is_all_time=record.is_all_time,
    )


def _milestone_rows(
    conn: Connection, before: Mapping[str, Career], within: Mapping[str, Career], names: Mapping[str, str]
) -> tuple[MilestoneRow, ...]:
    reached = [
        milestone for guid, career in within.items() for milestone in achievements.passed(before.get(guid), career)
    ]
    mentions = identity.mentions(conn, {milestone.player_guid for milestone in reached})
    ladder = {achievement.key: place for place, achievement in enumerate(achievements.ACHIEVEMENTS)}
    return tuple(
        MilestoneRow(
            title=milestone.achievement.title,
            unit=milestone.achievement.unit,
            threshold=milestone.threshold,
            player_guid=milestone.player_guid,
            player_name=names[milestone.player_guid],
            discord_user_id=mentions.get(milestone.player_guid),
        )
        for milestone in sorted(
            reached,
            key=lambda milestone: (ladder[milestone.achievement.key], -milestone.threshold, milestone.player_guid),
        )
    )
