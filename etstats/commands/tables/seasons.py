"""Tables of a season, and of the seasons."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from etstats import output
from etstats.commands.options import no_rounds
from etstats.commands.tables.formatting import heading, value_text
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.season_standings import POINTS, SEASON_BOARDS
from etstats.output import Format, Table
from etstats.stats.seasons import Season

EQUALS_NAMED = 3


class _LeaderRow(NamedTuple):
    """The leader of a board."""

    board: str
    value: str
    player_name: str


class _SeasonRow(NamedTuple):
    """One season in a list."""

    season: str
    rounds: int
    maps: int
    sessions: int
    players: int
    champion: str | None
    points: int | None


def season_tables(season: Season, words: str, limit: int, style: Format) -> list[Table]:
    """Return a season's standings and the leader of each board; for CSV only the standings."""
    played = season.facts
    notes = [
        f"{_counted(played.maps, 'map')}, {_counted(played.rounds, 'round')}, "
        f"{_counted(played.sessions, 'session')}, {_counted(season.players, 'player')}.",
        f"Points: {', '.join(map(str, POINTS))} for the places on {', '.join(SEASON_BOARDS)}.",
    ]
    standings = Table(
        title=f"Season {season.season}{words}",
        columns=_standing_columns(),
        rows=season.standings[:limit],
        empty=f"Season {season.season}{words}: no player has the minimum to be ranked.",
        notes=notes,
    )
    if style is Format.CSV:  # names are not unique
        return [replace(standings, columns=[*standings.columns, output.text("player_guid", "GUID")])]
    return [
        standings,
        Table(
            title="Leaders",
            columns=[
                output.text("board", "Board"),
                output.name(),
                output.Column(key="value", heading="Value", justify="right"),
            ],
            rows=_leaders(season),
            empty="No board has a leader yet.",
        ),
    ]


def _leaders(season: Season) -> list[_LeaderRow]:
    """Return the leaders of the boards; if many are equal (as in a new season), only their number."""
    rows = []
    for name, equal in groupby(season.leaders, lambda leader: leader.board):
        standings = [leader.standing for leader in equal]
        many = len(standings) > EQUALS_NAMED
        names = [f"{len(standings)} players"] if many else [standing.player_name for standing in standings]
        board, value = heading(BOARDS[name]), value_text(BOARDS[name], standings[0].value)
        rows += [_LeaderRow(board=board, value=value, player_name=player) for player in names]
    return rows


def seasons_table(seasons: Sequence[Season], words: str) -> Table:
    """Return the seasons with their champions, newest first; the newest has not ended."""
    rows = [
        _SeasonRow(
            season=season.season,
            rounds=season.facts.rounds,
            maps=season.facts.maps,
            sessions=season.facts.sessions,
            players=season.players,
            champion="^7, ".join(line.player_name for line in season.champions) or None,
            points=season.champions[0].points if season.champions else None,
        )
        for season in seasons
    ]
    columns = [
        output.text("season", "Season"),
        output.whole("rounds", "Rounds"),
        output.whole("sessions", "Sessions"),
        output.whole("players", "Players"),
        output.name("champion", "Champion"),
        output.whole("points", "Points"),
    ]
    return Table(title=f"Seasons{words}", columns=columns, rows=rows, empty="")


def no_season(which: str | None, words: str) -> Table:
    """Return the empty table for when nothing was played."""
    season = f" · {which.upper()}" if which else ""
    return Table(title="Seasons", columns=_standing_columns(), rows=[], empty=no_rounds(season + words))


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _standing_columns() -> list[output.Column]:
    return [
        output.whole("rank", "#"),
        output.name(),
        output.whole("points", "Points"),
        output.whole("boards_led", "Boards led"),
        output.whole("rounds", "Rounds"),
    ]
