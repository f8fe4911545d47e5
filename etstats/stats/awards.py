"""What people get for it: awards, records that fell, achievements reached."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from etstats.db import identity
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.domain.rules import achievements, awards, bests
from etstats.domain.stats import ScoreLine
from etstats.domain.views import AwardCount, AwardRow, MilestoneRow, RecordRow


def award_counts(conn: Connection, scope: Scope, most: int) -> list[AwardCount]:
    """Return the top players of each award, counted over the sessions with a round in scope."""
    ids = stored.recent_sessions(conn, scope, None)
    taken: dict[str, dict[str, list[tuple[float, ScoreLine]]]] = {}
    # Newest first, so the first name met is the last one used.
    for board in stored.scoreboards_of_sessions(conn, ids):
        for given in awards.give(board):
            for line in given.players:
                taken.setdefault(given.award.key, {}).setdefault(line.player_guid, []).append((given.value, line))
    return [
        _award_count(award, takes)
        for award in awards.AWARDS
        for _, takes in sorted(taken.get(award.key, {}).items(), key=lambda by: (-len(by[1]), by[0]))[:most]
    ]


def award_rows(lines: Sequence[ScoreLine]) -> tuple[AwardRow, ...]:
    """The awards that a scoreboard gives, in the table's order."""
    return tuple(
        AwardRow(
            key=given.award.key,
            title=given.award.title,
            player_guid=line.player_guid,
            player_name=line.player_name,
            value=given.value,
            text=given.award.text.format(given.value),
        )
        for given in awards.give(lines)
        for line in given.players
    )


def _award_count(award: awards.Award, takes: Sequence[tuple[float, ScoreLine]]) -> AwardCount:
    best = (min if award.lowest else max)(value for value, _ in takes)
    return AwardCount(
        key=award.key,
        title=award.title,
        player_guid=takes[0][1].player_guid,
        player_name=takes[0][1].player_name,
        times=len(takes),
        best=best,
        text=award.text.format(best),
    )


def fallen(
    conn: Connection, ids: Sequence[int], first_ended: datetime, lines: Sequence[ScoreLine]
) -> tuple[tuple[RecordRow, ...], tuple[MilestoneRow, ...]]:
    """The records and the milestones of these rounds, against everything before them."""
    before = stored.careers(conn, before=first_ended, dpm_seconds=bests.DPM_SECONDS)
    within = stored.careers(conn, round_ids=ids, dpm_seconds=bests.DPM_SECONDS)
    names = {line.player_guid: line.player_name for line in lines}
    records = tuple(
        RecordRow(
            title=broken.best.title,
            player_guid=broken.player_guid,
            player_name=names[broken.player_guid],
            value=broken.value,
            before=broken.before,
            is_all_time=broken.is_all_time,
        )
        for broken in bests.broken(before, within.values())
    )
    reached = [r for guid, career in within.items() for r in achievements.passed(before.get(guid), career)]
    return records, _milestone_rows(conn, reached, names)


def milestones(
    conn: Connection, ids: Sequence[int], first_ended: datetime, lines: Sequence[ScoreLine]
) -> tuple[MilestoneRow, ...]:
    """The achievements that these rounds, of which the first ended then, took somebody to."""
    names = {line.player_guid: line.player_name for line in lines}
    before = stored.careers(conn, before=first_ended, guids=list(names), dpm_seconds=bests.DPM_SECONDS)
    within = stored.careers(conn, round_ids=ids, dpm_seconds=bests.DPM_SECONDS)
    reached = [r for guid, career in within.items() for r in achievements.passed(before.get(guid), career)]
    return _milestone_rows(conn, reached, names)


def _milestone_rows(
    conn: Connection, reached: Sequence[achievements.Passed], names: Mapping[str, str]
) -> tuple[MilestoneRow, ...]:
    mentions = identity.mentions(conn, {r.player_guid for r in reached})
    ladder = {achievement.key: place for place, achievement in enumerate(achievements.ACHIEVEMENTS)}
    return tuple(
        MilestoneRow(
            title=r.achievement.title,
            unit=r.achievement.unit,
            threshold=r.threshold,
            player_guid=r.player_guid,
            player_name=names[r.player_guid],
            discord_user_id=mentions.get(r.player_guid),
        )
        for r in sorted(reached, key=lambda r: (ladder[r.achievement.key], -r.threshold, r.player_guid))
    )
