"""Seasons: the quarters of the year, their standings and their champions."""

from dataclasses import dataclass, replace
from datetime import tzinfo

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
"""The newest quarters that a list shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """Who leads one board of a season; ties name one line each."""

    board: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """A quarter: how much was played, everybody's points, and the leader of every board that has one."""

    season: str
    facts: Facts
    players: int
    standings: tuple[SeasonStanding, ...]
    leaders: tuple[Leader, ...]

    @property
    def champions(self) -> tuple[SeasonStanding, ...]:
        """Who has the most points: one, or several who are equal."""
        return tuple(line for line in self.standings if line.rank == 1 and line.points > 0)


def season(conn: Connection, name: str, scope: Scope) -> Season:
    """One quarter, `scope` being its rounds."""
    field = rankings.population(conn, scope)
    by_board = {board.name: field.ranking(board) for board in BOARDS.values()}
    return Season(
        season=name,
        facts=maps.facts(conn, scope),
        players=len(field.now),
        standings=tuple(standings(by_board)),
        leaders=tuple(
            Leader(board=board, standing=replace(standing, change=None))
            for board, ranking in by_board.items()
            for standing in ranking.standings
            if standing.rank == 1
        ),
    )


def seasons(
    conn: Connection, scope: Scope, zone: tzinfo, which: str | None = None, *, most: int | None = LISTED
) -> list[Season]:
    """One quarter, or the newest ones, newest first: those in which something of the scope was played.

    `most`: how many of the newest quarters are searched, None for all. Quarters begin at midnight in `zone`.
    NotFoundError: nothing at all was played in `which`.
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
