"""Seasons: the quarters of the year, their standings and their champions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple

from etstats.db import maps, players
from etstats.db.connection import Connection
from etstats.db.maps import Facts
from etstats.db.scope import Scope, played_span
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.quarters import quarter_span, quarters_between
from etstats.domain.rules.season_standings import POINTS, SEASON_BOARDS, SeasonStanding, standings
from etstats.domain.stats import Standing
from etstats.stats import rankings

LISTED = 8
"""Number of newest quarters in a list."""


class Leader(NamedTuple):
    """The leader of a board of a season; equal leaders have one row each."""

    board: str
    standing: Standing


class Season(NamedTuple):
    """A quarter: numbers of rounds and maps, points of all players, and the leaders of the boards."""

    season: str
    facts: Facts
    players: int
    standings: tuple[SeasonStanding, ...]
    leaders: tuple[Leader, ...]

    @property
    def champions(self) -> tuple[SeasonStanding, ...]:
        """Return the players with the most points: one, or several if equal."""
        return tuple(line for line in self.standings if line.rank == 1 and line.points > 0)


def season(conn: Connection, name: str, scope: Scope) -> Season:
    """Return a quarter; `scope` selects its rounds."""
    return _with_names(conn, [_season(conn, name, scope)])[0]


def _season(conn: Connection, name: str, scope: Scope, *, is_whole: bool = True) -> Season:
    """Return a quarter with GUIDs as names; if not `is_whole`, with the champions only."""
    boards = [board for board in BOARDS.values() if is_whole or board.name in SEASON_BOARDS]
    field = rankings.population(conn, scope, boards=boards, with_before=False, with_names=False)
    places = {}
    for board in boards:
        last = 1 if board.name not in SEASON_BOARDS else None if is_whole else len(POINTS)
        places[board.name] = field.first_places(board, last)
    lines = standings(places)
    found = Season(
        season=name,
        facts=maps.facts(conn, scope),
        players=len(field.now),
        standings=tuple(lines),
        leaders=tuple(
            Leader(board=board, standing=standing)
            for board, placed in places.items()
            for standing in placed
            if standing.rank == 1
        ),
    )
    return found if is_whole else found._replace(standings=found.champions, leaders=())


def _with_names(conn: Connection, found: Sequence[Season]) -> list[Season]:
    """Put the names into seasons whose names are GUIDs."""
    guids = {line.player_guid for season in found for line in season.standings}
    guids |= {leader.standing.player_guid for season in found for leader in season.leaders}
    names = players.present_names(conn, guids)
    return [
        season._replace(
            standings=tuple(line._replace(**names[line.player_guid]._asdict()) for line in season.standings),
            leaders=tuple(
                leader._replace(standing=leader.standing._replace(**names[leader.standing.player_guid]._asdict()))
                for leader in season.leaders
            ),
        )
        for season in found
    ]


def seasons(
    conn: Connection,
    scope: Scope,
    zone: tzinfo,
    which: str | None = None,
    *,
    most: int | None = LISTED,
    are_whole: bool = True,
) -> list[Season]:
    """Return one quarter, or the newest quarters with rounds in scope, newest first.

    `most`: number of newest quarters to search, None for all. `are_whole`: if false, only the newest has leaders
    and the standings of all players; the others have the champions. Quarters start at midnight in `zone`.
    NotFoundError: no rounds in `which`.
    """
    played = played_span(conn)
    if which is not None:
        names = [which.upper()]
    else:
        names = quarters_between(*(moment.astimezone(zone) for moment in played))[:most] if played else []
    spans = {name: quarter_span(name, played, zone) for name in names}
    found: list[Season] = []
    for name, (since, until) in spans.items():
        quarter = replace(scope, since=since, until=until)
        one = _season(conn, name, quarter, is_whole=are_whole or not found)
        if one.facts.rounds:
            found.append(one)
    return _with_names(conn, found)
