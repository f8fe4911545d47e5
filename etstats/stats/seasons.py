"""Seasons: the quarters of the year, their standings and their champions."""

from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple

from etstats.db import maps
from etstats.db.connection import Connection
from etstats.db.maps import Facts
from etstats.db.scope import Scope, played_span
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.quarters import quarter_span, quarters_between
from etstats.domain.rules.season_standings import SeasonStanding, standings
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
    field = replace(rankings.population(conn, scope), before=())
    by_board = {board.name: field.ranking(board) for board in BOARDS.values()}
    return Season(
        season=name,
        facts=maps.facts(conn, scope),
        players=len(field.now),
        standings=tuple(standings(by_board)),
        leaders=tuple(
            Leader(board=board, standing=standing)
            for board, ranking in by_board.items()
            for standing in ranking.standings
            if standing.rank == 1
        ),
    )


def seasons(
    conn: Connection, scope: Scope, zone: tzinfo, which: str | None = None, *, most: int | None = LISTED
) -> list[Season]:
    """Return one quarter, or the newest quarters with rounds in scope, newest first.

    `most`: number of newest quarters to search, None for all. Quarters start at midnight in `zone`. NotFoundError:
    no rounds in `which`.
    """
    played = played_span(conn)
    if which is not None:
        names = [which.upper()]
    else:
        names = quarters_between(*(moment.astimezone(zone) for moment in played))[:most] if played else []
    spans = {name: quarter_span(name, played, zone) for name in names}
    found = [
        season(conn, name, replace(scope, since=since, until=until)) for name, (since, until) in spans.items()
    ]
    return [season for season in found if season.facts.rounds]
