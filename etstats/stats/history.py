"""The history that a post compares with: earlier rounds of its players and of its map."""

from collections import Counter
from collections.abc import Mapping, Sequence

from etstats.db import history as stored
from etstats.db.connection import Connection
from etstats.db.history import PlayerRatingChange
from etstats.db.sessions import careers
from etstats.domain.history import AttackRank, History, PersonalBest, ReachedStep, TeamRatingChange, UsualPlay
from etstats.domain.rules import achievements
from etstats.domain.rules.rating import POINTS_PER_UNIT
from etstats.domain.rules.records import DPM_SECONDS, personal_bests
from etstats.domain.rules.set_time import share_faster
from etstats.domain.stats import Career, ScoreLine
from etstats.domain.views import RoundRow
from etstats.stats import set_times
from etstats.stats.awards import milestones

_BADGES = {
    "rounds": "👑",
    "kills": "⚔️",
    "headshot_kills": "🎯",
    "damage_given": "💥",
    "gibs": "🦴",
    "revives_given": "🩹",
    "kill_assists": "🤝",
    "dynamites_planted": "🧨",
    "dynamites_defused": "✂️",
    "objectives": "📦",
    "constructions": "🔧",
    "most_useful_kills": "🎖️",
    "multikills": "⚡",
}
_BADGE_STEPS = 2  # number of highest steps of an achievement that give a badge


def history_of(
    conn: Connection,
    rounds: Sequence[RoundRow],
    players: Sequence[ScoreLine],
    *,
    is_session: bool = False,
    with_milestones: bool = True,
) -> History:
    """Return the history of a round, of a match (both rounds) or of a session, before its first round.

    `players` are the visible players; for a match their team is that of the series. `with_milestones`: include the
    milestones of the last round. The ratings must be up to date (`ratings.update`).
    """
    guids = [player.player_guid for player in players]
    began = rounds[0].ended_at
    before = careers(conn, before=began, guids=guids, dpm_seconds=DPM_SECONDS)
    usual = {guid: _usual(career) for guid, career in before.items() if career.time_played_seconds}
    badges = {guid: badge for guid, career in before.items() if (badge := badge_of(career))}
    if is_session:  # its records include the personal bests
        return History(usual=usual, badges=badges)
    within = careers(conn, round_ids=[round_.id for round_ in rounds], guids=guids, dpm_seconds=DPM_SECONDS)
    return History(
        usual=usual,
        bests=_personal_bests(before, within),
        attacks={round_.round_number: rank for round_ in rounds if (rank := _rank(conn, round_))},
        badges=badges,
        rating_changes=_rating_changes(conn, rounds, players) if len(rounds) > 1 else None,
        milestones=_milestones(conn, rounds[-1], players) if with_milestones else (),
    )


def _milestones(conn: Connection, round_: RoundRow, players: Sequence[ScoreLine]) -> tuple[ReachedStep, ...]:
    return tuple(
        ReachedStep(row.player_guid, f"{row.title}: {row.threshold:,} {row.unit}", row.discord_user_id)
        for row in milestones(conn, [round_.id], round_.ended_at, players)
    )


def badge_of(career: Career) -> str:
    """Return the badge of a player's highest achievement; empty before its last steps."""
    found = [
        (achievement.step(value) - len(achievement.thresholds), -place, _BADGES[achievement.key])
        for place, achievement in enumerate(achievements.ACHIEVEMENTS)
        for value in [getattr(career, achievement.key)]
        if achievement.step(value) > len(achievement.thresholds) - _BADGE_STEPS
    ]
    return max(found)[2] if found else ""


def _usual(career: Career) -> UsualPlay:
    minutes = career.time_played_seconds / 60
    return UsualPlay(
        rounds=career.rounds,
        kills_per_minute=round(career.kills / minutes, 3),
        dpm=round(career.damage_given / minutes, 1),
    )


def _personal_bests(before: Mapping[str, Career], within: Mapping[str, Career]) -> tuple[PersonalBest, ...]:
    """Return one personal best per player with enough rounds."""
    found: dict[str, PersonalBest] = {}
    for record in personal_bests(before, within.values()):
        unit = record.best.title.removesuffix(" in a round")
        text = f"{record.value:,.0f} {unit}" if unit != record.best.title else f"{unit} of {record.value:,.0f}"
        best = PersonalBest(record.player_guid, text, f"{record.before:,.0f}" if record.before else "")
        found.setdefault(record.player_guid, best)
    return tuple(found.values())


def _rank(conn: Connection, round_: RoundRow) -> AttackRank | None:
    """Return the rank of an attack's time on its map; None if the time is unknown or there is no attack."""
    seconds = round_.actual_time_seconds or round_.played_seconds
    if not round_.stopwatch or seconds is None or round_.outcome == "unknown" or round_.is_cumulative:
        return None
    earlier = stored.earlier_attacks(conn, round_.map_name, round_.ended_at)
    is_completed = round_.outcome == "completed"
    faster = sum(attack.is_completed and attack.seconds < seconds for attack in earlier)
    share = share_faster(earlier, seconds) if is_completed else None
    prediction = set_times.predict(conn, round_.id) if round_.round_number == 1 else None
    return AttackRank(
        attacks=len(earlier) + 1,
        rank=faster + 1 if is_completed else None,
        faster_percent=None if share is None else round(100 * share, 1),
        chance_percent=None if prediction is None else round(100 * prediction.chance, 1),
    )


def _rating_changes(
    conn: Connection, rounds: Sequence[RoundRow], players: Sequence[ScoreLine]
) -> tuple[TeamRatingChange, TeamRatingChange] | None:
    """Return the rating changes of team 1 and 2 in a match; None if it was not rated."""
    changes = {
        row.identity_guid: row for row in stored.rating_changes(conn, rounds[0].server_id, rounds[0].match_id)
    }
    first, second = (
        _rating_change(
            [
                changes[player.player_guid]
                for player in players
                if player.team == team and player.player_guid in changes
            ]
        )
        for team in (1, 2)
    )
    return (first, second) if first and second else None


def _rating_change(players: Sequence[PlayerRatingChange]) -> TeamRatingChange | None:
    if not players:
        return None
    mean = sum(player.delta for player in players) / len(players)
    chances = Counter(player.chance for player in players if player.chance is not None)
    chance = round(100 * chances.most_common(1)[0][0], 1) if chances else None
    return TeamRatingChange(round(POINTS_PER_UNIT * mean, 1), chance)
