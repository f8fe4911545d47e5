"""Rounds, maps and evenings as people ask for them: stored rows put together by the rules of the game.

Everything is read from the base at the moment of asking. What comes out is in `views.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from etstats.db import evenings as stored
from etstats.db import identity
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.errors import NotFoundError
from etstats.rules import achievements, awards, bests, lineups, mvp, stopwatch
from etstats.rules.lineups import Lineups
from etstats.scores import Performance, ScoreLine
from etstats.views import (
    AwardCount,
    AwardRow,
    DpmSeries,
    MapResult,
    MapRound,
    MatchView,
    MilestoneRow,
    Mvp,
    RecordRow,
    RoundRow,
    RoundView,
    SessionRow,
    SessionView,
    TeamTotal,
)


def find_session(conn: Connection, which: str, server: str | None = None) -> int | None:
    """The session meant by `last`, an id or a day (YYYY-MM-DD); None when nothing was played yet.

    NotFoundError: nothing fits, or several sessions of one day do; the nearest are named.
    """
    newest = stored.recent_sessions(conn, Scope(server=server), 1)
    if not newest or which == "last":
        return newest[0] if newest else None
    if _is_id(which):
        return int(which)
    try:
        day = date.fromisoformat(which)
    except ValueError:
        raise NotFoundError(
            f"{which}: a session is named last, by its number, or by its day: 2025-10-02"
        ) from None
    found = stored.sessions_of_day(conn, day, server)
    if len(found) > 1:
        there = ", ".join(map(str, found))
        raise NotFoundError(f"{len(found)} sessions were played on {day}; name one by its number: {there}")
    if not found:
        near = ", ".join(map(str, stored.nearest_days(conn, day, server)))
        raise NotFoundError(f"No session on {day}. The nearest days: {near}")
    return found[0]


def find_round(conn: Connection, which: str, server: str | None = None) -> int | None:
    """The round meant by `last`, an id or a file name; None when nothing was played yet.

    NotFoundError: nothing fits; the nearest are named.
    """
    newest = stored.recent_rounds(conn, Scope(server=server), 1)
    if not newest or which == "last":
        return newest[0].id if newest else None
    if _is_id(which):
        return int(which)
    found = stored.rounds_of_file(conn, which) or stored.rounds_of_file(conn, f"{which}.txt")
    if not found:
        near = ", ".join(stored.files_near(conn, which))
        raise NotFoundError(f"No round is named {which}; a round is last, its number or its file. Nearest: {near}")
    return found[0]


def _is_id(which: str) -> bool:
    return which.isascii() and which.isdecimal() and len(which) < 19  # what a bigint holds


def round_view(conn: Connection, round_id: int) -> RoundView:
    """Everything about one round; NotFoundError names the nearest ids."""
    found = stored.rounds(conn, [round_id])
    if not found:
        near = ", ".join(map(str, stored.nearest_rounds(conn, round_id))) or "none: the base has no rounds yet"
        raise NotFoundError(f"There is no round {round_id}. The nearest: {near}. Try: etstats rounds")
    lines = stored.scoreboards(conn, {round_id: 0})[0]
    played = stored.performances(conn, [round_id])
    return RoundView(
        round=found[0],
        players=_visible(lines),
        sides=_totals(lines),
        hidden=_hidden(lines),
        mvp=_mvp(mvp.ratings(played.values()), lines),
        milestones=_milestones(conn, [round_id], found[0].ended_at, lines),
    )


def match_view(conn: Connection, server_id: int, match_id: str) -> MatchView:
    """Both rounds of a map together; NotFoundError when there is no such match."""
    own = stored.rounds_of_match(conn, server_id, match_id)
    if not own:
        raise NotFoundError(f"There is no match {match_id}. Try: etstats rounds")
    evening = stored.rounds_of_sessions(conn, [own[0].session_id])
    played = stored.performances(conn, [r.id for r in evening])
    teams = _follow(evening, played)
    lines = stored.scoreboards(conn, dict.fromkeys([r.id for r in own], 0))[0]
    line_up = {
        p.player_guid: _line_up(teams, r, p.team) for r in reversed(own) for p in played[r.id] if p.team in (1, 2)
    }
    lines = [replace(line, team=line_up.get(line.player_guid, 0)) for line in lines]
    return MatchView(
        server=own[0].server,
        session_id=own[0].session_id,
        map=_map_result(own, teams),
        players=_visible(lines),
        line_ups=_totals(lines),
        hidden=_hidden(lines),
        mvp=_mvp(_ratings(own, played), lines),
        filenames=tuple(r.filename for r in own),
    )


def session_view(conn: Connection, session_id: int) -> SessionView:
    """Everything about one evening; NotFoundError names the nearest ids."""
    evening = stored.rounds_of_sessions(conn, [session_id])
    if not evening:
        near = ", ".join(map(str, stored.nearest_sessions(conn, session_id))) or "none: the base has no rounds yet"
        raise NotFoundError(f"There is no session {session_id}. The nearest: {near}. Try: etstats sessions")
    ids = [r.id for r in evening]
    played = stored.performances(conn, ids)
    teams = _follow(evening, played)
    lines = [
        replace(line, team=teams.team.get(line.player_guid, 0))
        for line in stored.scoreboards(conn, dict.fromkeys(ids, 0))[0]
    ]
    maps = _maps(evening, teams)
    ratings = _ratings(evening, played)
    began, started_at = _start(evening)
    records, milestones = _fallen(conn, ids, evening[0].ended_at, lines)
    shown = {line.player_guid for line in lines if not line.is_hidden}
    return SessionView(
        id=session_id,
        server=evening[0].server,
        began=began,
        started_at=started_at,
        ended_at=evening[-1].ended_at,
        score=_score(maps),
        maps=maps,
        scores_after=tuple(_score(maps[: played_maps + 1]) for played_maps in range(len(maps))),
        rounds=tuple(evening),
        players=_visible(lines),
        line_ups=_totals(lines),
        hidden=_hidden(lines),
        mvp=_mvp(ratings, lines),
        ratings={guid: r for guid, r in sorted(ratings.items(), key=lambda x: (-x[1], x[0])) if guid in shown},
        awards=award_rows(lines),
        records=records,
        milestones=milestones,
        series=_series(evening, played, lines),
    )


def session_rows(conn: Connection, scope: Scope, most: int | None) -> list[SessionRow]:
    """The newest evenings with a round in scope, newest first, each whole."""
    ids = stored.recent_sessions(conn, scope, most)
    evenings: dict[int, list[RoundRow]] = {session_id: [] for session_id in ids}
    for r in stored.rounds_of_sessions(conn, ids):
        evenings[r.session_id].append(r)
    played = stored.performances(conn, [r.id for evening in evenings.values() for r in evening])
    return [_session_row(evening, played) for evening in evenings.values()]


def award_counts(conn: Connection, scope: Scope, most: int) -> list[AwardCount]:
    """Who took which award how often in the evenings with a round in scope: the first players of each award."""
    ids = stored.recent_sessions(conn, scope, None)
    boards = stored.scoreboards(conn, stored.session_of_rounds(conn, ids))
    taken: dict[tuple[str, str], list[AwardRow]] = {}
    for session_id in ids:  # newest first, so the first name met is the last one used
        for row in award_rows(boards[session_id]):
            taken.setdefault((row.key, row.player_guid), []).append(row)
    counts = sorted((_award_count(rows) for rows in taken.values()), key=lambda c: (-c.times, c.player_guid))
    return [c for award in awards.AWARDS for c in [c for c in counts if c.key == award.key][:most]]


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


def _award_count(rows: Sequence[AwardRow]) -> AwardCount:
    award = next(award for award in awards.AWARDS if award.key == rows[0].key)
    best = (min if award.lowest else max)(row.value for row in rows)
    return AwardCount(
        key=award.key,
        title=award.title,
        player_guid=rows[0].player_guid,
        player_name=rows[0].player_name,
        times=len(rows),
        best=best,
        text=award.text.format(best),
    )


def _follow(evening: Iterable[RoundRow], played: Mapping[int, Sequence[Performance]]) -> Lineups:
    return lineups.follow(
        lineups.Sides(
            match_id=r.match_id,
            round_number=r.round_number,
            sides={p.player_guid: p.team for p in played[r.id]},
        )
        for r in evening
    )


def _line_up(teams: Lineups, r: RoundRow, side: int) -> int:
    """The line-up that stood on a side in a round."""
    began = side if r.round_number == 1 else 3 - side
    return began if teams.axis_first[r.match_id] == 1 else 3 - began


def _maps(evening: Sequence[RoundRow], teams: Lineups) -> tuple[MapResult, ...]:
    matches: dict[str, list[RoundRow]] = {}
    for r in evening:
        matches.setdefault(r.match_id, []).append(r)
    return tuple(_map_result(own, teams) for own in matches.values())


def _map_result(own: Sequence[RoundRow], teams: Lineups) -> MapResult:
    outcome = {
        r.round_number: stopwatch.Outcome(defender_team=r.defender_team, winner_team=r.winner_team) for r in own
    }
    points = stopwatch.map_score(outcome.get(1), outcome.get(2))
    if points is not None and teams.axis_first[own[0].match_id] == 2:
        points = points[1], points[0]
    return MapResult(
        match_id=own[0].match_id,
        map_name=own[0].map_name,
        began=_start(own)[0],
        ended_at=own[-1].ended_at,
        rounds=tuple(
            MapRound(
                round_id=r.id,
                round_number=r.round_number,
                attackers=_line_up(teams, r, 3 - r.defender_team),
                winner=_line_up(teams, r, r.winner_team) if r.winner_team else 0,
                time_limit_seconds=r.time_limit_seconds,
                actual_time_seconds=r.actual_time_seconds,
                played_seconds=r.played_seconds,
                outcome=r.outcome,
            )
            for r in own
        ),
        score=points,
        winner=0 if points is None or points[0] == points[1] else 1 if points[0] > points[1] else 2,
    )


def _score(maps: Iterable[MapResult]) -> tuple[int, int]:
    scores = [m.score for m in maps if m.score is not None]
    return sum(first for first, _ in scores), sum(second for _, second in scores)


def _ratings(rounds: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]]) -> dict[str, float]:
    """Rated by single rounds; rounds that hold two are rated only where there is nothing else."""
    single = [r for r in rounds if not r.is_cumulative] or rounds
    return mvp.ratings(played[r.id] for r in single)


def _mvp(ratings: Mapping[str, float], lines: Sequence[ScoreLine]) -> Mvp | None:
    candidates = [line for line in lines if not line.is_hidden and line.player_guid in ratings]
    if not candidates:
        return None
    best = max(candidates, key=lambda line: (ratings[line.player_guid], line.damage_given, line.player_guid))
    return Mvp(
        player_guid=best.player_guid,
        player_name=best.player_name,
        clean_name=best.clean_name,
        rating=ratings[best.player_guid],
        kills=best.kills,
        deaths=best.deaths,
        dpm=best.dpm,
    )


def _visible(lines: Iterable[ScoreLine]) -> tuple[ScoreLine, ...]:
    return tuple(line for line in lines if not line.is_hidden)


def _hidden(lines: Iterable[ScoreLine]) -> int:
    return sum(line.is_hidden for line in lines)


def _totals(lines: Sequence[ScoreLine]) -> tuple[TeamTotal, ...]:
    return tuple(
        TeamTotal(
            team=team,
            players=len(own),
            kills=sum(line.kills for line in own),
            deaths=sum(line.deaths for line in own),
            damage_given=sum(line.damage_given for line in own),
            damage_received=sum(line.damage_received for line in own),
            revives_given=sum(line.revives_given or 0 for line in own),
            gibs=sum(line.gibs for line in own),
            time_played_seconds=sum(line.time_played_seconds for line in own),
        )
        for team in (1, 2)
        for own in [[line for line in lines if line.team == team]]
    )


def _fallen(
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


def _milestones(
    conn: Connection, ids: Sequence[int], first_ended: datetime, lines: Sequence[ScoreLine]
) -> tuple[MilestoneRow, ...]:
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


def _series(
    evening: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]], lines: Iterable[ScoreLine]
) -> tuple[DpmSeries, ...]:
    dpm = {(r.id, p.player_guid): p.dpm for r in evening for p in played[r.id] if p.time_played_seconds}
    return tuple(
        DpmSeries(
            player_guid=line.player_guid,
            player_name=line.player_name,
            team=line.team,
            values=tuple(dpm.get((r.id, line.player_guid)) for r in evening),
        )
        for line in _visible(lines)
    )


def _start(evening: Sequence[RoundRow]) -> tuple[datetime, datetime]:
    """When the evening began, on the server's clock and as a moment: its earliest round's end less its length."""
    first = min(evening, key=lambda r: r.ended_at - _length(r))
    return first.stamp - _length(first), first.ended_at - _length(first)


def _length(r: RoundRow) -> timedelta:
    return timedelta(seconds=r.played_seconds or r.actual_time_seconds or 0)


def _session_row(evening: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]]) -> SessionRow:
    maps = _maps(evening, _follow(evening, played))
    began, started_at = _start(evening)
    ended_at = evening[-1].ended_at
    return SessionRow(
        id=evening[0].session_id,
        server=evening[0].server,
        began=began,
        started_at=started_at,
        ended_at=ended_at,
        seconds=int((ended_at - started_at).total_seconds()),
        maps=len(maps),
        rounds=len(evening),
        players=len({p.player_guid for r in evening for p in played[r.id]}),
        score=_score(maps),
    )
