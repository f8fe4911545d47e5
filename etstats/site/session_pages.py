"""The pages of a session: the session itself, its matches and its rounds."""

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
TEAMS = ("Team A", "Team B")
OUTCOMES = {"completed": "completed", "fullhold": "held", "surrender": "gave up", "unknown": "ended"}


class SessionPages(NamedTuple):
    """A session with all that its pages show; `older` and `newer` are its neighbours' ids."""

    view: SessionView
    matches: Sequence[MatchView]
    rounds: Sequence[RoundView]
    older: int | None = None
    newer: int | None = None


class Team(NamedTuple):
    """One team of a session or match, or one side of a round: its name and its board."""

    number: int
    name: str
    players: Markup
    totals: str


class MapCard(NamedTuple):
    """A map of a session: its place in the session, and how its rounds ended in words."""

    result: MapResult
    after: tuple[int, int]
    winner: str
    endings: tuple[str, ...]


def session_files(pages: Pages, session: SessionPages) -> dict[str, bytes]:
    """The files of a session, its matches and its rounds, by path."""
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
    maps = [
        MapCard(
            result=result,
            after=after,
            winner=_winner(result),
            endings=tuple(ending(round_) for round_ in result.rounds),
        )
        for result, after in zip(view.maps, view.scores_after, strict=True)
    ]
    by_guid = {series.player_guid: series.values for series in view.series}
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
        f"{number_}. {markup.visible(card.result.map_name)}: {card.winner}, {card.after[0]}:{card.after[1]}"
        for number_, card in enumerate(maps, 1)
    ]
    score = f"{TEAMS[0]} {view.score[0]}:{view.score[1]} {TEAMS[1]}"
    words = f"{score} · {markup.count(len(view.maps), 'map')} · {markup.count(len(view.players), 'player')}"
    picture = pages.picture(folder, lambda: session_card(pages.options.title, view, TEAMS))
    return picture | pages.page(
        folder,
        "session.html",
        view,
        title=f"Session of {markup.weekday(view.began)}",
        card=LinkCard(words, next(iter(picture), None)),
        view=view,
        milestones=[list(own) for _, own in groupby(_by_player(view.milestones), lambda row: row.player_guid)],
        maps=maps,
        teams=_teams(pages, up, view, TEAMS, extra),
        everything=everything(pages, up, "All numbers", view.players),
        score_line=charts.steps(f"Score after each map: {score}", view.scores_after, texts),
        team_names=TEAMS,
        length=markup.span((view.ended_at - view.started_at).total_seconds()),
        older=session.older,
        newer=session.newer,
        ending=ending,
        round_ids=[round_.id for round_ in view.rounds],
    )


def _by_player(rows: Iterable[MilestoneRow]) -> list[MilestoneRow]:
    return sorted(rows, key=lambda row: (markup.plain_name(row.player_name).casefold(), row.player_guid))


def _match_page(pages: Pages, match: MatchView) -> dict[str, bytes]:
    folder = paths.match(match.server, match.map.match_id)
    up = paths.up(folder)
    score = match.map.score
    words = f"{TEAMS[0]} {score[0]}:{score[1]} {TEAMS[1]}" if score else "no score"
    name = markup.visible(match.map.map_name)
    return pages.page(
        folder,
        "match.html",
        match,
        title=f"{name}, {markup.minute(match.map.began)}",
        card=LinkCard(f"{words} · {markup.count(len(match.players), 'player')}"),
        match=match,
        winner=_winner(match.map),
        endings=[(round_.round_id, round_.round_number, ending(round_)) for round_ in match.map.rounds],
        teams=_teams(pages, up, match, TEAMS),
        everything=everything(pages, up, "All numbers", match.players),
        team_names=TEAMS,
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
    return pages.page(
        folder,
        "round.html",
        view,
        title=f"{name}, round {round_.round_number}, {markup.minute(round_.stamp)}",
        card=LinkCard(f"{SIDES.get(round_.winner_team, 'Nobody')} won · {outcome}"),
        view=view,
        round=round_,
        sides=SIDES,
        attackers=SIDES[3 - round_.defender_team],
        outcome=outcome,
        teams=_teams(pages, up, view, ("Axis", "Allies")),
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
    """The boards of both teams, or of both sides of a round; then of those in neither."""
    lines = view.players
    totals = view.sides if isinstance(view, RoundView) else view.line_ups
    teams = [
        Team(
            number=total.team,
            name=names[total.team - 1],
            players=board(pages, up, names[total.team - 1], [p for p in lines if p.team == total.team], extra),
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


def ending(round_: MapRound) -> str:
    """How a round ended: `Team A in 5:18`, `Team B held 10:00`, `Team A gave up (6:20)`."""
    seconds = round_.actual_time_seconds if round_.outcome != "surrender" else round_.played_seconds
    time = "unknown time" if seconds is None else markup.clock(seconds)
    attackers, defenders = TEAMS[round_.attackers - 1], TEAMS[2 - round_.attackers]
    return {
        "completed": f"{attackers} in {time}",
        "fullhold": f"{defenders} held {time}",
        "surrender": f"{attackers} gave up ({time})",
    }.get(round_.outcome, f"{attackers}: {time}")


def _winner(result: MapResult) -> str:
    if result.score is None:
        return "no score"
    return TEAMS[result.winner - 1] if result.winner else "draw"
