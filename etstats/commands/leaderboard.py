"""leaderboard: who leads, by any of the boards."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.option_groups import bundled

if TYPE_CHECKING:
    from etstats.domain.rules.boards import Board
    from etstats.domain.rules.ranking import Ranking
    from etstats.output import Column, Table

app = typer.Typer()
PANEL = "Read"
_NAMES_SHOWN = 6


@app.command(rich_help_panel=PANEL)
@bundled
def leaderboard(
    ctx: typer.Context,
    *,
    top: Annotated[
        str | None,
        typer.Option(
            metavar="BOARD", help="What to rank by; none: list the boards.", autocompletion=completion.boards
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The first N places.")] = 10,
    weapon: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With this weapon alone: MP40.", autocompletion=completion.weapons),
    ] = None,
    min_rounds: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Only players with at least N rounds.")
    ] = None,
    min_shots: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Only players with at least N bullets fired.")
    ] = None,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Rank the players: K/D, damage, accuracy, revives and twenty boards more.

    Example: etstats leaderboard --top kd --map supply --season 2025-Q4

    Exit codes: 0 done, 2 no such board, weapon, map, season or server, 75 the database is down.
    """
    from etstats import output
    from etstats.parser.fields import BULLET_WEAPONS
    from etstats.stats import rankings

    if top is None and weapon is None:
        output.show(_list_of_boards(), written.style)
        return 0
    board = _board(top, weapon)
    weapon = _weapon(board, weapon)
    with about.question(ctx) as asked:
        field = rankings.population(asked.conn, asked.scope, weapon=weapon)
    ranking = field.ranking(board, min_rounds, min_shots)
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
    if written.style is output.Format.CSV:  # names may be alike
        table = replace(table, columns=[*table.columns, output.text("player_guid", "GUID")])
    output.show(table, written.style)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardLine:
    """A board as it is listed; the minimums are those of a database that is large enough."""

    name: str
    meaning: str
    unit: str
    min_rounds: int
    min_shots: int


def _list_of_boards() -> "Table":
    from etstats import output
    from etstats.domain.rules.boards import BOARDS

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
    columns = [
        output.text("name", "Board"),
        output.text("meaning", "Ranks by"),
        output.text("unit", "Unit"),
        output.whole("min_rounds", "Rounds"),
    ]
    notes = [
        "Rounds: minimum to be ranked (accuracy also needs 1,000 shots). Small data sets use lower minimums.",
        "Show one: etstats leaderboard --top kd",
    ]
    return output.Table(title="Leaderboards", columns=columns, rows=rows, empty="", notes=notes)


def _board(name: str | None, weapon: str | None) -> "Board":
    from etstats.domain.rules.boards import BOARDS
    from etstats.errors import NotFoundError

    if name is None:
        return BOARDS["kills"]
    board = BOARDS[options.known("board", name, list(BOARDS))]
    if weapon is not None and not board.by_weapon:
        there = ", ".join(b.name for b in BOARDS.values() if b.by_weapon)
        raise NotFoundError(f"the board {board.name} is not counted by weapon; with --weapon there are: {there}")
    return board


def _weapon(board: "Board", name: str | None) -> str | None:
    from etstats.errors import NotFoundError
    from etstats.parser.fields import BULLET_WEAPONS, WEAPONS

    if name is None:
        return None
    weapon = options.known("weapon", name.upper().removeprefix("WS_"), WEAPONS)
    if board.unit == "%" and "hits" in board.of + board.per and weapon not in BULLET_WEAPONS:
        there = ", ".join(w for w in WEAPONS if w in BULLET_WEAPONS)
        raise NotFoundError(f"{board.name} says nothing of the {weapon}; it is for bullets: {there}")
    return weapon


def _columns(board: "Board", ranking: "Ranking") -> list["Column"]:
    from etstats import output
    from etstats.commands.tables.formatting import sum_column, value_column

    moved = [output.Column(key="change", heading="±", text=_change, justify="right")]
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
        *([] if board.name == "games" else [output.whole("rounds", "Rounds")]),
    ]


def _weapon_columns(board: "Board", ranking: "Ranking", *, fires_bullets: bool) -> list["Column"]:
    """The board's own value first, then whatever else is counted by weapon."""
    from etstats import output

    columns = [c for c in _columns(board, ranking) if c.key not in ("numerator", "denominator", "rounds")]
    others = {
        "kills": output.whole("kills", "Kills"),
        "deaths": output.whole("deaths", "Deaths by it"),
        "accuracy": output.decimal("accuracy", "Accuracy %"),
        "headshots": output.decimal("headshot_share", "HS %"),
        "games": output.whole("rounds", "Rounds"),
    }
    shown = [name for name in others if fires_bullets or name not in ("accuracy", "headshots")]
    return columns + [others[name] for name in shown if name != board.name]


def _change(places: int) -> str:
    return "=" if places == 0 else f"▲{places}" if places > 0 else f"▼{-places}"


def _why_empty(ranking: "Ranking", words: str) -> str:
    if ranking.minimum.base == 0:
        return options.no_rounds(words)
    if ranking.short_of_rounds or ranking.short_of_shots:
        return "Nobody played enough for this board; ask for less with --min-rounds or --min-shots."
    return "No file in question says anything of this; it is in files of newer game-server scripts only."


def _notes(ranking: "Ranking") -> list[str]:
    """Who is not on the board, by which minimum; and that it is a smaller one than usual, where it is."""
    least = ranking.minimum
    notes = (
        ["±: places won or lost in the week before the newest round; –: not ranked then."]
        if ranking.has_week_before
        else []
    )
    if ranking.short_of_rounds:
        small = f", {least.full_rounds} where more was played" if least.rounds < least.full_rounds else ""
        why = f"fewer than {least.rounds} of {least.base:,} rounds{small}"
        notes.append(f"Not shown ({why}): {_some(ranking.short_of_rounds)}")
    if ranking.short_of_shots:
        small = f", {least.full_shots:,} where more was played" if least.shots < least.full_shots else ""
        notes.append(f"Not shown (fewer than {least.shots:,} shots{small}): {_some(ranking.short_of_shots)}")
    return notes


def _some(names: "tuple[str, ...]") -> str:
    shown = ", ".join(name or "(no name)" for name in names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"
