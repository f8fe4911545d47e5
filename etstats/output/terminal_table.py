"""Print a table in the terminal: to fit, sentences are wrapped, names shortened and columns dropped.

Numbers are never truncated.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.segment import Segment, Segments
from rich.text import Text

from etstats.output.colours import coloured
from etstats.output.columns import Column
from etstats.output.consoles import out
from etstats.output.sanitize import printable, printable_lines
from etstats.output.table import Table

# Minimum cells of text and names, and the space between columns.
_LEAST, _LEAST_NAME, _GAP = 8, 14, 3
_SPACE, _SPACES, _END = Segment(" "), Segment(" " * _GAP), Segment(" \n")
_Runs = list[tuple[str, str]]


def draw(table: Table) -> None:
    """Print a table with its title, notes and a blank line; an empty one as its sentence."""
    notes = table.all_notes()
    if not table.rows:
        out().print(printable_lines(table.empty))
    else:
        # As a separate line: rich would wrap a table title at the table's width.
        out().print(printable_lines(table.title), style="bold")
        if left_out := _draw_rows(table):
            notes.insert(0, f"In a wider terminal: {', '.join(left_out)}.")
    for note in notes:
        out().print(printable_lines(note), style="dim")
    if table.rows and notes:  # rich prints a blank line after the rows
        out().print()


def _draw_rows(table: Table) -> list[str]:
    """Print the rows; return the headings of dropped columns.

    Without rich's table, which takes far longer for thousands of rows.
    """
    cells = [[_runs(column, getattr(row, column.key)) for column in table.columns] for row in table.rows]
    headings = [printable(column.heading) for column in table.columns]
    widest = [
        max(map(cell_len, (heading, *(_plain(row[index]) for row in cells))))
        for index, heading in enumerate(headings)
    ]
    widths = fitted(table.columns, widest, out().width)
    while (whole := sum(widths.values()) + _GAP * len(widths) - 1) > out().width and max(widths.values()) > 1:
        widths[max(widths, key=widths.__getitem__)] -= 1
    shown = [(index, table.columns[index], width) for index, width in widths.items()]

    def lines(row: Sequence[_Runs]) -> Iterator[Segment]:
        return _lines([(row[index], column, width) for index, column, width in shown])

    blank, rule = Segment(" " * whole + "\n"), Segment(f" {'─' * (whole - 2)} \n")
    drawn = [blank, *lines([[(heading, "bold")] for heading in headings]), rule]
    for row in cells:
        drawn += lines(row)
    out().print(Segments([*drawn, blank]), crop=False)
    return [heading for index, heading in enumerate(headings) if heading and index not in widths]


def _lines(cells: Sequence[tuple[_Runs, Column, int]]) -> Iterator[Segment]:
    """Yield a row: one line, or several where a sentence is wrapped."""
    drawn = [_fitted_cell(*cell) for cell in cells]
    for number in range(max(map(len, drawn))):
        for (_, _, width), column in zip(cells, drawn, strict=True):
            yield _SPACE if column is drawn[0] else _SPACES
            yield from column[number] if number < len(column) else [Segment(" " * width)]
        yield _END


def _fitted_cell(runs: _Runs, column: Column, width: int) -> list[list[Segment]]:
    """Return the lines of a cell, each of `width` cells."""
    plain = _plain(runs)
    missing = width - cell_len(plain)
    if missing >= 0:
        text = [Segment(run, out().get_style(style) if style else None) for run, style in runs]
        pad = [Segment(" " * missing)] if missing else []
        return [[*pad, *text] if column.justify == "right" else [*text, *pad]]
    if column.loses_middle:
        return [[Segment(_without_middle(plain, width))]]
    whole = Text.assemble(*runs, overflow="ellipsis", no_wrap=not column.wraps)
    return [list(line.render(out())) for line in whole.wrap(out(), width, justify=column.justify)]


def fitted(columns: Sequence[Column], widest: Sequence[int], width: int) -> dict[int, int]:
    """Return the widths of the columns that fit into `width` cells, by index.

    First text is shortened, then the least important columns are dropped, except two. `widest`: the cells of each
    column's longest text.
    """
    least = [_least(column, most) for column, most in zip(columns, widest, strict=True)]
    shown = list(range(len(columns)))
    while len(shown) > 2 and sum(least[index] for index in shown) + _GAP * len(shown) > width + 1:
        shown.remove(min(shown, key=lambda index: (columns[index].importance, -index)))
    widths = {index: widest[index] for index in shown}
    while (excess := sum(widths.values()) + _GAP * len(shown) - width - 1) > 0:
        longest = max(shown, key=lambda index: widths[index] - least[index])
        if widths[longest] <= least[longest]:
            break
        widths[longest] -= min(excess, max(1, (widths[longest] - least[longest]) // 2))
    return widths


def _least(column: Column, most: int) -> int:
    if not column.shrinks:
        return most
    usual = _LEAST_NAME if column.is_name else _LEAST
    return min(most, usual if column.least is None else column.least)


def _without_middle(text: str, width: int) -> str:
    """Shorten a text of single-cell characters to a width, keeping its start and end."""
    if len(text) <= width or width < 3:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[-end:]}"


def _runs(column: Column, value: object) -> _Runs:
    return coloured(str(value)) if column.is_name and value else [(column.cell(value), "")]


def _plain(runs: _Runs) -> str:
    return "".join(run for run, _ in runs)
