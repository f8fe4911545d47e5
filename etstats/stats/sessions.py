"""Build rounds, maps and sessions from stored rows by the rules of the game."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.series import StoredSeries, series_of_sessions
from etstats.domain.rules import mvp
from etstats.domain.rules.team_names import UNNAMED
from etstats.domain.stats import Performance, ScoreLine
from etstats.domain.views import (
    MatchView,
    MilestoneRow,
    RoundRow,
    RoundView,
    SeriesRow,
    SessionRow,
    SessionView,
)
from etstats.errors import NotFoundError
from etstats.stats.awards import award_rows, fallen, milestones
from etstats.stats.matches import map_result, maps_of, scores_after, start_of, team_on
from etstats.stats.teams import dpm_series, hidden_in, mvp_of, totals, visible


class HasGuid(Protocol):
    """A player of a round."""

    @property
    def player_guid(self) -> str:
        """The player."""


def round_view(conn: Connection, round_id: int, *, with_milestones: bool = True) -> RoundView:
    """Return the view of a round; NotFoundError lists the nearest ids."""
    found = stored.rounds(conn, [round_id])
    if not found:
        near = ", ".join(map(str, stored.nearest_rounds(conn, round_id))) or "none: the database has no rounds yet"
        raise NotFoundError(f"There is no round {round_id}. The nearest: {near}. Try: etstats rounds")
    lines = stored.scoreboards(conn, {round_id: 0})[0]
    played = stored.performances(conn, [round_id])
    series = series_of_sessions(conn, [found[0].session_id])[found[0].session_id]
    reached = milestones(conn, [round_id], found[0].ended_at, lines) if with_milestones else ()
    return view_of_round(found[0], series, lines, played, reached)


def match_view(conn: Connection, server_id: int, match_id: str) -> MatchView:
    """Return the view of a match; NotFoundError if there is none."""
    own = stored.rounds_of_match(conn, server_id, match_id)
    if not own:
        raise NotFoundError(f"There is no match {match_id}. Try: etstats rounds")
    played = stored.performances(conn, [round_.id for round_ in own])
    lines = stored.scoreboards(conn, dict.fromkeys([round_.id for round_ in own], 0))[0]
    series = series_of_sessions(conn, [own[0].session_id])[own[0].session_id]
    return view_of_match(own, series, lines, played)


def session_view(conn: Connection, session_id: int) -> SessionView:
    """Return the view of a session; NotFoundError lists the nearest ids."""
    rounds = stored.rounds_of_sessions(conn, [session_id])
    if not rounds:
        near = (
            ", ".join(map(str, stored.nearest_sessions(conn, session_id)))
            or "none: the database has no rounds yet"
        )
        raise NotFoundError(f"There is no session {session_id}. The nearest: {near}. Try: etstats sessions")
    ids = [round_.id for round_ in rounds]
    played = stored.performances(conn, ids)
    lines = stored.scoreboards(conn, dict.fromkeys(ids, 0))[0]
    records, reached = fallen(conn, ids, rounds[0].ended_at, lines)
    view = view_of_session(rounds, series_of_sessions(conn, [session_id])[session_id], lines, played)
    return view._replace(records=records, milestones=reached)


def view_of_round(
    round_: RoundRow,
    series: Sequence[StoredSeries],
    lines: Sequence[ScoreLine],
    played: Mapping[int, Sequence[Performance]],
    reached: tuple[MilestoneRow, ...],
) -> RoundView:
    """Build the view of a round from its scoreboard, the series of its session and the player rows."""
    return RoundView(
        round=round_,
        players=visible(lines),
        sides=totals(lines),
        hidden=hidden_in(lines),
        mvp=mvp_of(mvp.round_ratings(played[round_.id]), lines),
        milestones=reached,
        team_names=_names_in(round_, series),
    )


def _names_in(round_: RoundRow, series: Sequence[StoredSeries]) -> tuple[str, str]:
    """Return the names of the Axis and Allies teams of a round; without a series those of the sides."""
    names = next((one.names for one in series if one.id == round_.series_id), None)
    if names is None or not round_.axis_team:
        return "Axis", "Allies"
    return names if round_.axis_team == 1 else (names[1], names[0])


def view_of_match(
    own: Sequence[RoundRow],
    series: Sequence[StoredSeries],
    lines: Sequence[ScoreLine],
    played: Mapping[int, Sequence[Performance]],
) -> MatchView:
    """Build the view of a match from its rounds, the series of its session and the scoreboard of both rounds."""
    camp = {
        player.player_guid: team_on(round_, player.team)
        for round_ in reversed(own)
        for player in played[round_.id]
        if player.team in (1, 2)
    }
    names = next((one.names for one in series if one.id == own[0].series_id), UNNAMED)
    lines = [line._replace(team=camp.get(line.player_guid, 0)) for line in lines]
    return MatchView(
        server=own[0].server,
        session_id=own[0].session_id,
        map=map_result(own, {one.id: one.number for one in series}),
        players=visible(lines),
        line_ups=totals(lines),
        hidden=hidden_in(lines),
        mvp=mvp_of(mvp.ratings_of(own, played), lines),
        filenames=tuple(round_.filename for round_ in own),
        team_names=names,
    )


def view_of_session(
    rounds: Sequence[RoundRow],
    series: Sequence[StoredSeries],
    lines: Sequence[ScoreLine],
    played: Mapping[int, Sequence[Performance]],
) -> SessionView:
    """Build the view of a session from its rounds and their scoreboard, without records and milestones."""
    maps = maps_of(rounds, {one.id: one.number for one in series})
    longest = longest_series(series, rounds)
    camp = longest.team if longest else {}
    lines = [line._replace(team=camp.get(line.player_guid, 0)) for line in lines]
    ratings = mvp.ratings_of(rounds, played)
    began, started_at = start_of(rounds)
    shown = {line.player_guid for line in lines if not line.is_hidden}
    return SessionView(
        id=rounds[0].session_id,
        server=rounds[0].server,
        began=began,
        started_at=started_at,
        ended_at=rounds[-1].ended_at,
        score=longest and longest.score,
        maps=maps,
        scores_after=scores_after(maps),
        rounds=tuple(rounds),
        players=visible(lines),
        line_ups=totals(lines),
        hidden=hidden_in(lines),
        mvp=mvp_of(ratings, lines),
        ratings={
            guid: rating
            for guid, rating in sorted(ratings.items(), key=lambda entry: (-entry[1], entry[0]))
            if guid in shown
        },
        awards=award_rows(lines),
        records=(),
        milestones=(),
        series=tuple(_series_row(one, rounds, played, lines) for one in series),
        dpm_series=dpm_series(rounds, played, lines),
        team_names=longest.names if longest else UNNAMED,
    )


def longest_series(series: Sequence[StoredSeries], rounds: Sequence[RoundRow]) -> StoredSeries | None:
    """Return the series with most matches, then most rounds, of these rounds; if equal, the first one."""
    matches: dict[int | None, set[str]] = {}
    count: Counter[int | None] = Counter()
    for round_ in rounds:
        matches.setdefault(round_.series_id, set()).add(round_.match_id)
        count[round_.series_id] += 1
    return max(series, key=lambda one: (len(matches.get(one.id, ())), count[one.id], -one.number), default=None)


def _series_row(
    one: StoredSeries,
    rounds: Sequence[RoundRow],
    played: Mapping[int, Sequence[Performance]],
    lines: Sequence[ScoreLine],
) -> SeriesRow:
    own = [round_ for round_ in rounds if round_.series_id == one.id]
    match_ids = tuple(dict.fromkeys(round_.match_id for round_ in own))
    return SeriesRow(
        number=one.number,
        team1=one.name1,
        team2=one.name2,
        score=one.score,
        matches=len(match_ids),
        match_ids=match_ids,
        mvp=mvp_of(mvp.ratings_of(own, played), lines),
    )


def session_rows(conn: Connection, scope: Scope, most: int | None) -> list[SessionRow]:
    """Return the newest sessions with a round in scope, newest first, each with all its rounds."""
    ids = stored.recent_sessions(conn, scope, most)
    by_session: dict[int, list[RoundRow]] = {session_id: [] for session_id in ids}
    for round_ in stored.rounds_of_sessions(conn, ids, uncounted=scope.uncounted):
        by_session[round_.session_id].append(round_)
    played = stored.performances(conn, [round_.id for rounds in by_session.values() for round_ in rounds])
    series = series_of_sessions(conn, ids)
    return [session_row(rounds, series[session_id], played) for session_id, rounds in by_session.items()]


def session_row(
    rounds: Sequence[RoundRow], series: Sequence[StoredSeries], played: Mapping[int, Sequence[HasGuid]]
) -> SessionRow:
    """Return a row of the list of sessions, from its rounds, its series and their players."""
    longest = longest_series(series, rounds)
    began, started_at = start_of(rounds)
    ended_at = rounds[-1].ended_at
    return SessionRow(
        id=rounds[0].session_id,
        server=rounds[0].server,
        began=began,
        started_at=started_at,
        ended_at=ended_at,
        seconds=int((ended_at - started_at).total_seconds()),
        maps=len({round_.match_id for round_ in rounds}),
        rounds=len(rounds),
        players=len({player.player_guid for round_ in rounds for player in played.get(round_.id, ())}),
        score=longest and longest.score,
        team_names=longest.names if longest else UNNAMED,
        series=len(series),
    )
