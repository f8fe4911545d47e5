"""leaderboard: rank the players by a board."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, NamedTuple

import typer

from etstats import output
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.tables.formatting import sum_column, value_column
from etstats.commands.tables.ratings import places_text, ratings_table
from etstats.domain.fields import BULLET_WEAPONS, WEAPONS
from etstats.domain.rules.boards import BOARD_NAMES, BOARDS, MVP_BOARD, RATING_BOARD, Board, BoardKind
from etstats.domain.rules.ranking import Ranking
from etstats.domain.rules.rating import PROVISIONAL_ROUNDS
from etstats.errors import ConfigError, NotFoundError
from etstats.output import Column, Table
from etstats.pipeline.database import open_for_reading
from etstats.stats import mvp_counts, rankings, rating_lists, ratings

app = typer.Typer()
_MVP_MEANING = "maps and sessions as the most valuable player"
# Maxima, and the units to divide by.
_NOT_DIVIDED = ("spree", "games", "time")


class Per(StrEnum):
    """Unit to divide a sum by."""

    TEN_MINUTES = "10min"
    ROUND = "round"


@app.command()
@bundled
def leaderboard(
    ctx: typer.Context,
    board_name: Annotated[
        str | None,
        typer.Argument(
            metavar="[BOARD]",
            help="Board to rank by; default: list the boards.",
            autocompletion=completion.boards,
        ),
    ] = None,
    *,
    top: Annotated[
        str | None,
        typer.Option(metavar="BOARD", help="The same as the argument.", autocompletion=completion.boards),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Number of rows.")] = 10,
    weapon: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only this weapon, such as MP40.", autocompletion=completion.weapons),
    ] = None,
    min_rounds: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Only players with at least N rounds.")
    ] = None,
    min_shots: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Only players with at least N bullets fired.")
    ] = None,
    per: Annotated[
        Per | None, typer.Option("--per", help="Divide a sum by the rounds, or by the time played.")
    ] = None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Rank the players by K/D, damage, accuracy or another board.

    Example: etstats leaderboard kd --map supply --season 2025-Q4

    Exit codes: 0 done, 2 no such board, weapon, map, season or server, 75 the database is down.
    """
    if top is not None and board_name is not None and top != board_name:
        raise ConfigError(f"two boards given, {board_name} and {top}; give one")
    top = top or board_name
    if top is None and weapon is None and per is None:
        output.show(_list_of_boards(), written.style)
        return 0
    top = top and options.known("board", top, BOARD_NAMES)
    if top in {RATING_BOARD, MVP_BOARD}:
        if weapon is not None or per is not None:
            raise ConfigError(
                f"the board {top} has no weapons and no sums to divide; leave out --weapon and --per"
            )
        show = _rating_board if top == RATING_BOARD else _mvp_board
        return show(ctx, limit, min_rounds, about, written)
    board = _board(top, weapon)
    if per is not None:
        board = _divided(board, per, weapon)
    weapon = _weapon(board, weapon)
    with about.question(ctx) as asked:
        known = board.of[0] if per is not None else None
        field = rankings.population(
            asked.conn, asked.scope, weapon=weapon, known=known, boards=[board], with_names=False
        )
        ranking = rankings.named(asked.conn, field.ranking(board, min_rounds, min_shots), limit)
    table = output.Table(
        title=f"{board.heading}{f' with {weapon}' if weapon else ''}: {board.meaning}{asked.words}",
        columns=_columns(board, ranking),
        rows=ranking.standings[:limit],
        empty=_why_empty(ranking, asked.words),
        notes=_notes(ranking),
    )
    if weapon is not None:
        rows = rankings.weapon_standings(field, ranking, fires_bullets=weapon in BULLET_WEAPONS)
        columns = _weapon_columns(board, ranking, fires_bullets=weapon in BULLET_WEAPONS)
        table = replace(table, rows=rows[:limit], columns=columns)
    if written.style is output.Format.CSV:  # names are not unique
        table = replace(table, columns=[*table.columns, output.text("player_guid", "GUID")])
    output.show(table, written.style)
    return 0


def _rating_board(
    ctx: typer.Context,
    limit: int,
    min_rounds: int | None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show the board of ratings, which covers all rounds."""
    if about != options.RoundFilter():
        raise ConfigError("ratings cover all rounds; use only --limit and --min-rounds with the board rating")
    config = context_of(ctx).config
    with open_for_reading(config, ratings.update) as conn:
        least = PROVISIONAL_ROUNDS if min_rounds is None else min_rounds
        everybody = rating_lists.standings(conn, min_rounds=least)
    rows = [row for row in everybody if row.rank is not None]
    table = ratings_table(rows, limit, options.zone_of(config), written.style)
    if everybody and not rows:
        table = replace(table, empty=f"No player has {least} rated rounds; use a lower --min-rounds.")
    output.show(
        table if written.style is not output.Format.JSON else replace(table, rows=rows[:limit]), written.style
    )
    return 0


def _mvp_board(
    ctx: typer.Context,
    limit: int,
    min_rounds: int | None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show the players by number of MVP titles."""
    with about.question(ctx) as asked:
        rows = mvp_counts.standings(asked.conn, asked.scope, min_rounds or 0, limit)
    columns = [
        output.whole("rank", "#"),
        output.name(),
        output.whole("value", "Maps as MVP"),
        output.whole("maps", "Maps"),
        *([] if about.map_name else [output.whole("sessions", "Sessions as MVP")]),
        output.whole("rounds", "Rounds"),
    ]
    if written.style is output.Format.CSV:
        columns.append(output.text("player_guid", "GUID"))
    table = output.Table(
        title=f"MVP: {_MVP_MEANING}{asked.words}",
        columns=columns,
        rows=rows,
        empty=options.no_rounds(asked.words),
    )
    output.show(table, written.style)
    return 0


def _divided(board: Board, per: Per, weapon: str | None) -> Board:
    """Return the board of a sum as a board of the sum per round or per 10 minutes played."""
    if board.per or board.name in _NOT_DIVIDED:
        there = ", ".join(
            board.name for board in BOARDS.values() if not board.per and board.name not in _NOT_DIVIDED
        )
        raise NotFoundError(f"the board {board.name} cannot be divided; boards for --per: {there}")
    if per is Per.ROUND:
        return board._replace(per=("rounds",), per_heading="Rounds", of_heading="Sum", kind=BoardKind.RATIO,
                       heading=f"{board.heading} per round", meaning="the sum divided by the rounds")  # fmt: skip
    if weapon is not None:
        raise NotFoundError("the time with a weapon is not known; use --per round with --weapon")
    return board._replace(per=("time_played_seconds",), per_heading="Played", of_heading="Sum", factor=600,
                   kind=BoardKind.RATIO, heading=f"{board.heading} per 10 min",
                   meaning="the sum divided by the time played")  # fmt: skip


class BoardLine(NamedTuple):
    """A board in the list; the minimums are those of a large database."""

    name: str
    meaning: str
    unit: str
    min_rounds: int
    min_shots: int


def _list_of_boards() -> Table:
    rows = [
        BoardLine(
            name=board.name,
            meaning=board.meaning,
            unit=board.unit,
            min_rounds=board.kind.value[0],
            min_shots=board.kind.value[1],
        )
        for board in BOARDS.values()
    ]
    others = (
        (RATING_BOARD, "the rating: performance against opponents, and results", PROVISIONAL_ROUNDS),
        (MVP_BOARD, _MVP_MEANING, 0),
    )
    rows += [
        BoardLine(name=name, meaning=meaning, unit="", min_rounds=least, min_shots=0)
        for name, meaning, least in others
    ]
    columns = [
        output.text("name", "Board"),
        output.sentence("meaning", "Ranks by", least=30, importance=1),
        output.text("unit", "Unit"),
        output.whole("min_rounds", "Rounds"),
    ]
    notes = [
        "Rounds: minimum to be ranked (accuracy also needs 1,000 shots). Small data sets use lower minimums.",
        "Show one: etstats leaderboard kd",
    ]
    return output.Table(title="Leaderboards", columns=columns, rows=rows, empty="", notes=notes)


def _board(name: str | None, weapon: str | None) -> Board:
    if name is None:
        return BOARDS["kills"]
    board = BOARDS[options.known("board", name, list(BOARDS))]
    if weapon is not None and not board.by_weapon:
        there = ", ".join(board.name for board in BOARDS.values() if board.by_weapon)
        raise NotFoundError(f"the board {board.name} is not counted by weapon; boards for --weapon: {there}")
    return board


def _weapon(board: Board, name: str | None) -> str | None:
    if name is None:
        return None
    weapon = options.known("weapon", name.upper().removeprefix("WS_"), WEAPONS)
    if board.unit == "%" and "hits" in board.of + board.per and weapon not in BULLET_WEAPONS:
        there = ", ".join(weapon for weapon in WEAPONS if weapon in BULLET_WEAPONS)
        raise NotFoundError(f"{board.name} says nothing of the {weapon}; it is for bullets: {there}")
    return weapon


def _columns(board: Board, ranking: Ranking) -> list[Column]:
    moved = [output.Column(key="change", heading="±", text=places_text, justify="right")]
    made_of = [
        sum_column("numerator", board.of_heading, board.of),
        sum_column("denominator", board.per_heading, board.per or ("",)),
    ]
    return [
        output.whole("rank", "#"),
        *(moved if ranking.has_week_before else []),
        output.name(),
        value_column(board),
        *(made_of if board.per else []),
        *([] if board.name == "games" or board.per == ("rounds",) else [output.whole("rounds", "Rounds")]),
    ]


def _weapon_columns(board: Board, ranking: Ranking, *, fires_bullets: bool) -> list[Column]:
    """Return the column of the board's value, then the other columns counted by weapon."""
    columns = [
        column for column in _columns(board, ranking) if column.key not in ("numerator", "denominator", "rounds")
    ]
    others = {
        "kills": output.whole("kills", "Kills"),
        "deaths": output.whole("deaths", "Deaths by it"),
        "accuracy": output.decimal("accuracy", "Accuracy %"),
        "headshots": output.decimal("headshot_share", "HS %"),
        "games": output.whole("rounds", "Rounds"),
    }
    shown = [name for name in others if fires_bullets or name not in ("accuracy", "headshots")]
    return columns + [others[name] for name in shown if name != board.name]


def _why_empty(ranking: Ranking, words: str) -> str:
    if ranking.minimum.base == 0:
        return options.no_rounds(words)
    if ranking.short_of_rounds or ranking.short_of_shots:
        return "No player has the minimum for this board; use a lower --min-rounds or --min-shots."
    return "None of these files has this value; only newer game server scripts write it."


def _notes(ranking: Ranking) -> list[str]:
    """Return the notes below the board: the players below a minimum, and whether the minimum is reduced."""
    least = ranking.minimum
    notes = (
        ["±: change of rank in the week before the newest round; –: not ranked then."]
        if ranking.has_week_before
        else []
    )
    if ranking.short_of_rounds:
        small = f"; {least.full_rounds} in larger data sets" if least.rounds < least.full_rounds else ""
        why = f"fewer than {least.rounds} of {least.base:,} rounds{small}"
        notes.append(f"Not shown ({why}): {_some(ranking.short_of_rounds)}")
    if ranking.short_of_shots:
        small = f"; {least.full_shots:,} in larger data sets" if least.shots < least.full_shots else ""
        notes.append(f"Not shown (fewer than {least.shots:,} shots{small}): {_some(ranking.short_of_shots)}")
    return notes


def _some(names: tuple[str, ...]) -> str:
    most = rankings.NAMED_OTHERS
    shown = ", ".join(name or "(no name)" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
