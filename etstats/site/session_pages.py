"""Pages of a session, its matches and its rounds."""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from markupsafe import Markup

from etstats.domain.views import MapResult, MapRound, MatchView, MilestoneRow, RoundView, SessionView
from etstats.site import charts, markup, paths
from etstats.site.cards import session_card
from etstats.site.markup import Col
from etstats.site.pages import LinkCard, Pages
from etstats.site.scoreboard import board, everything

SIDES = {1: "Axis", 2: "Allies"}
OUTCOMES = {"completed": "completed", "fullhold": "held", "surrender": "gave up", "unknown": "ended"}


class SessionPages(NamedTuple):
    """Data of a session's pages; `older` and `newer` are the ids of the adjacent sessions."""

    view: SessionView
    matches: Sequence[MatchView]
    rounds: Sequence[RoundView]
    older: int | None = None
    newer: int | None = None


class Team(NamedTuple):
    """A team of a session or match, or a side of a round: name and scoreboard."""

    number: int
    name: str
    players: Markup
    totals: str


class MapCard(NamedTuple):
    """A map of a session: its number, and the results of its rounds as text."""

    result: MapResult
    after: tuple[int, int] | None
    winner: str
    rounds: tuple[tuple[MapRound, str], ...]


def session_files(pages: Pages, session: SessionPages) -> dict[str, bytes]:
    """Return the files of a session, its matches and its rounds, by path."""
    files = _session_page(pages, session)
    for match in session.matches:
        files |= _match_page(pages, match)
    followed = {one.round.id: other.round.id for one, other in pairwise(session.rounds)}
    before = {later: earlier for earlier, later in followed.items()}
    for round_ in session.rounds:
        id_ = round_.round.id
        files |= _round_page(pages, round_, before.get(id_), followed.get(id_))
    return files


def _session_page(pages: Pages, session: SessionPages) -> dict[str, bytes]:
    view = session.view
    folder = paths.session(view.id)
    up = paths.up(folder)
    team_names = visible_names(view.team_names)
    series_names = {one.number: visible_names(one.names) for one in view.series}
    maps = [
        MapCard(
            result=result,
            after=after,
            winner=_winner(result, names),
            rounds=tuple((round_, ending(round_, names)) for round_ in result.rounds),
        )
        for result, after in zip(view.maps, view.scores_after, strict=True)
        for names in [series_names.get(result.series, team_names)]
    ]
    by_guid = {series.player_guid: series.values for series in view.dpm_series}
    most = max((value for values in by_guid.values() for value in values if value is not None), default=0.0)
    extra = [
        Col(
            "Rating",
            lambda row: markup.two(view.ratings.get(row.player_guid)),
            "Value in the session: 1 is the average player of its rounds",
        ),
        Col(
            "DPM by round",
            lambda row: charts.sparkline("DPM by round", by_guid.get(row.player_guid, ()), most),
            "Damage per minute in each round of the session",
            kind="t",
        ),
    ]
    texts = [
        f"{number_}. {markup.visible(card.result.map_name)}: {card.winner}, {markup.score(card.after)}"
        for number_, card in enumerate(maps, 1)
    ]
    score = ", ".join(_score(series_names[one.number], one.score) for one in view.series)
    score = score or _score(team_names, view.score)
    words = f"{score} · {markup.count(len(view.maps), 'map')} · {markup.count(len(view.players), 'player')}"
    picture = pages.picture(folder, lambda: session_card(pages.options.title, view))
    return picture | pages.page(
        folder,
        "session.html",
        view,
        title=f"Session of {markup.weekday(view.began)}",
        card=LinkCard(words, next(iter(picture), None)),
        view=view,
        awards=[list(own) for _, own in groupby(view.awards, lambda row: row.key)],
        milestones=[list(own) for _, own in groupby(_by_player(view.milestones), lambda row: row.player_guid)],
        maps=maps,
        teams=_teams(pages, up, view, team_names, extra),
        everything=everything(pages, up, "All numbers", view.players),
        score_line=charts.steps(
            f"Score after each map: {score}", [after or (0, 0) for after in view.scores_after], texts
        )
        if view.score
        else "",
        team_names=team_names,
        series=[(one.number, series_names[one.number], one.score, one.mvp) for one in view.series],
        length=markup.span((view.ended_at - view.started_at).total_seconds()),
        older=session.older,
        newer=session.newer,
        round_ids=[round_.id for round_ in view.rounds],
    )


def _by_player(rows: Iterable[MilestoneRow]) -> list[MilestoneRow]:
    return sorted(rows, key=lambda row: (markup.plain_name(row.player_name).casefold(), row.player_guid))


def _match_page(pages: Pages, match: MatchView) -> dict[str, bytes]:
    folder = paths.match(match.server, match.map.match_id)
    up = paths.up(folder)
    score = match.map.score
    team_names = visible_names(match.team_names)
    words = _score(team_names, score) if score else "no score"
    name = markup.visible(match.map.map_name)
    return pages.page(
        folder,
        "match.html",
        match,
        title=f"{name}, {markup.minute(match.map.began)}",
        card=LinkCard(f"{words} · {markup.count(len(match.players), 'player')}"),
        match=match,
        winner=_winner(match.map, team_names),
        endings=[
            (round_.round_id, round_.round_number, ending(round_, team_names)) for round_ in match.map.rounds
        ],
        teams=_teams(pages, up, match, team_names),
        everything=everything(pages, up, "All numbers", match.players),
        team_names=team_names,
    )


def _round_page(pages: Pages, view: RoundView, before: int | None, after: int | None) -> dict[str, bytes]:
    round_ = view.round
    folder = paths.round_(round_.id)
    up = paths.up(folder)
    explain = Col(
        "Explain",
        lambda row: f"<code>etstats explain {round_.id} {row.player_guid}</code>",
        "The command that shows where these numbers come from",
        kind="t",
    )
    seconds = round_.actual_time_seconds
    outcome = f"{OUTCOMES[round_.outcome]} {markup.clock(seconds)} of {markup.clock(round_.time_limit_seconds)}"
    name = markup.visible(round_.map_name)
    teams = {
        side: SIDES[side] if team == SIDES[side] else f"{team} ({SIDES[side]})"
        for side, team in enumerate(visible_names(view.team_names), 1)
    }
    return pages.page(
        folder,
        "round.html",
        view,
        title=f"{name}, round {round_.round_number}, {markup.minute(round_.stamp)}",
        card=LinkCard(f"{teams.get(round_.winner_team, 'Nobody')} won · {outcome}"),
        view=view,
        round=round_,
        winner=teams.get(round_.winner_team, "none recorded"),
        attackers=teams[3 - round_.defender_team],
        outcome=outcome,
        teams=_teams(pages, up, view, (teams[1], teams[2])),
        everything=everything(pages, up, "All numbers", view.players, [explain]),
        before=before,
        after=after,
    )


def _teams(
    pages: Pages,
    up: str,
    view: SessionView | MatchView | RoundView,
    names: Sequence[str],
    extra: Sequence[Col] = (),
) -> list[Team]:
    """Return the scoreboards of both teams, or sides of a round; then of players in neither."""
    lines = view.players
    totals = view.sides if isinstance(view, RoundView) else view.line_ups
    teams = [
        Team(
            number=total.team,
            name=names[total.team - 1],
            players=board(
                pages, up, names[total.team - 1], [player for player in lines if player.team == total.team], extra
            ),
            totals=(
                f"{markup.count(total.players, 'player')}: {total.kills:,} kills, {total.deaths:,} deaths, "
                f"{total.damage_given:,} HP damage given, {total.damage_received:,} received"
            ),
        )
        for total in totals
    ]
    if others := [player for player in lines if player.team not in (1, 2)]:
        teams.append(Team(0, "In neither team", board(pages, up, "In neither team", others, extra), ""))
    return teams


def visible_names(names: Sequence[str]) -> tuple[str, str]:
    """Return the names of two teams as visible text."""
    return markup.visible(names[0]), markup.visible(names[1])


def _score(names: Sequence[str], points: tuple[int, int] | None) -> str:
    return f"{names[0]} {markup.score(points)} {names[1]}"


def ending(round_: MapRound, names: Sequence[str]) -> str:
    """Return the result of a round: `alpha in 5:18`, `omega held 10:00`, `alpha gave up (6:20)`."""
    seconds = round_.actual_time_seconds
    time = "unknown time" if seconds is None else markup.clock(seconds)
    attackers, defenders = "attackers", "defenders"
    if round_.attackers:
        attackers, defenders = names[round_.attackers - 1], names[2 - round_.attackers]
    return {
        "completed": f"{attackers} in {time}",
        "fullhold": f"{defenders} held {time}",
        "surrender": f"{attackers} gave up ({time})",
    }.get(round_.outcome, f"{attackers}: {time}")


def _winner(result: MapResult, names: Sequence[str]) -> str:
    if result.winner:
        return names[result.winner - 1]
    return "draw" if result.score else "no score"
