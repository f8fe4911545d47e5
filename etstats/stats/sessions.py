"""Build rounds, maps and sessions from stored rows by the rules of the game."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.domain.rules import mvp
from etstats.domain.rules.lineups import Lineups
from etstats.domain.stats import Performance, ScoreLine
from etstats.domain.views import MatchView, MilestoneRow, RoundRow, RoundView, SessionRow, SessionView
from etstats.errors import NotFoundError
from etstats.stats.awards import award_rows, fallen, milestones
from etstats.stats.matches import Sided, follow, line_up, map_result, maps_of, score_of, start_of
from etstats.stats.teams import hidden_in, mvp_of, ratings_of, series, totals, visible


def round_view(conn: Connection, round_id: int) -> RoundView:
    """Everything about one round; NotFoundError names the nearest ids."""
    found = stored.rounds(conn, [round_id])
    if not found:
        near = ", ".join(map(str, stored.nearest_rounds(conn, round_id))) or "none: the database has no rounds yet"
        raise NotFoundError(f"There is no round {round_id}. The nearest: {near}. Try: etstats rounds")
    lines = stored.scoreboards(conn, {round_id: 0})[0]
    played = stored.performances(conn, [round_id])
    return view_of_round(found[0], lines, played, milestones(conn, [round_id], found[0].ended_at, lines))


def match_view(conn: Connection, server_id: int, match_id: str) -> MatchView:
    """Both rounds of a map together; NotFoundError when there is no such match."""
    own = stored.rounds_of_match(conn, server_id, match_id)
    if not own:
        raise NotFoundError(f"There is no match {match_id}. Try: etstats rounds")
    rounds = stored.rounds_of_sessions(conn, [own[0].session_id])
    played = stored.performances(conn, [r.id for r in rounds])
    lines = stored.scoreboards(conn, dict.fromkeys([r.id for r in own], 0))[0]
    return view_of_match(own, follow(rounds, played), lines, played)


def session_view(conn: Connection, session_id: int) -> SessionView:
    """Return everything about one session; NotFoundError names the nearest ids."""
    rounds = stored.rounds_of_sessions(conn, [session_id])
    if not rounds:
        near = (
            ", ".join(map(str, stored.nearest_sessions(conn, session_id)))
            or "none: the database has no rounds yet"
        )
        raise NotFoundError(f"There is no session {session_id}. The nearest: {near}. Try: etstats sessions")
    ids = [r.id for r in rounds]
    played = stored.performances(conn, ids)
    lines = stored.scoreboards(conn, dict.fromkeys(ids, 0))[0]
    records, reached = fallen(conn, ids, rounds[0].ended_at, lines)
    view = view_of_session(rounds, follow(rounds, played), lines, played)
    return replace(view, records=records, milestones=reached)


def view_of_round(
    round_: RoundRow,
    lines: Sequence[ScoreLine],
    played: Mapping[int, Sequence[Performance]],
    reached: tuple[MilestoneRow, ...],
) -> RoundView:
    """A round put together from its scoreboard and what everybody did in it."""
    return RoundView(
        round=round_,
        players=visible(lines),
        sides=totals(lines),
        hidden=hidden_in(lines),
        mvp=mvp_of(mvp.ratings([played[round_.id]]), lines),
        milestones=reached,
    )


def view_of_match(
    own: Sequence[RoundRow],
    teams: Lineups,
    lines: Sequence[ScoreLine],
    played: Mapping[int, Sequence[Performance]],
) -> MatchView:
    """A match put together from its rounds, the teams of its session and the scoreboard of both rounds."""
    camp = {
        p.player_guid: line_up(teams, r, p.team) for r in reversed(own) for p in played[r.id] if p.team in (1, 2)
    }
    lines = [line._replace(team=camp.get(line.player_guid, 0)) for line in lines]
    return MatchView(
        server=own[0].server,
        session_id=own[0].session_id,
        map=map_result(own, teams),
        players=visible(lines),
        line_ups=totals(lines),
        hidden=hidden_in(lines),
        mvp=mvp_of(ratings_of(own, played), lines),
        filenames=tuple(r.filename for r in own),
    )


def view_of_session(
    rounds: Sequence[RoundRow],
    teams: Lineups,
    lines: Sequence[ScoreLine],
    played: Mapping[int, Sequence[Performance]],
) -> SessionView:
    """A session put together from its rounds and the scoreboard of all of them, without records and milestones."""
    camp = teams.team
    lines = [line._replace(team=camp.get(line.player_guid, 0)) for line in lines]
    maps = maps_of(rounds, teams)
    ratings = ratings_of(rounds, played)
    began, started_at = start_of(rounds)
    shown = {line.player_guid for line in lines if not line.is_hidden}
    return SessionView(
        id=rounds[0].session_id,
        server=rounds[0].server,
        began=began,
        started_at=started_at,
        ended_at=rounds[-1].ended_at,
        score=score_of(maps),
        maps=maps,
        scores_after=tuple(score_of(maps[: played_maps + 1]) for played_maps in range(len(maps))),
        rounds=tuple(rounds),
        players=visible(lines),
        line_ups=totals(lines),
        hidden=hidden_in(lines),
        mvp=mvp_of(ratings, lines),
        ratings={guid: r for guid, r in sorted(ratings.items(), key=lambda x: (-x[1], x[0])) if guid in shown},
        awards=award_rows(lines),
        records=(),
        milestones=(),
        series=series(rounds, played, lines),
    )


def session_rows(conn: Connection, scope: Scope, most: int | None) -> list[SessionRow]:
    """Return the newest sessions with a round in scope, newest first, each with all its rounds."""
    ids = stored.recent_sessions(conn, scope, most)
    by_session: dict[int, list[RoundRow]] = {session_id: [] for session_id in ids}
    for r in stored.rounds_of_sessions(conn, ids):
        by_session[r.session_id].append(r)
    played = stored.performances(conn, [r.id for rounds in by_session.values() for r in rounds])
    return [session_row(rounds, played) for rounds in by_session.values()]


def session_row(rounds: Sequence[RoundRow], played: Mapping[int, Sequence[Sided]]) -> SessionRow:
    """One session as a line of a list, from its rounds and the sides of everybody in them."""
    maps = maps_of(rounds, follow(rounds, played))
    began, started_at = start_of(rounds)
    ended_at = rounds[-1].ended_at
    return SessionRow(
        id=rounds[0].session_id,
        server=rounds[0].server,
        began=began,
        started_at=started_at,
        ended_at=ended_at,
        seconds=int((ended_at - started_at).total_seconds()),
        maps=len(maps),
        rounds=len(rounds),
        players=len({p.player_guid for r in rounds for p in played[r.id]}),
        score=score_of(maps),
    )
