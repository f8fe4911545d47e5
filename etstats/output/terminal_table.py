"""A table drawn in the terminal: text is shortened to fit and columns are left out, numbers are never cut."""

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from etstats.output.colours import coloured
from etstats.output.columns import Column
from etstats.output.consoles import out
from etstats.output.sanitize import printable, printable_lines
from etstats.output.table import Table

# Cells to which text and names may be shortened, and those that part two columns.
_LEAST, _LEAST_NAME, _GAP = 8, 14, 3


def draw(table: Table) -> None:
    """Draw a table on stdout with its title and notes and a blank line behind; an empty one is its sentence."""
    notes = list(table.notes)
    if not table.rows:
        out().print(printable_lines(table.empty))
    else:
        # As a line of its own: a title of the table would be broken at the table's width.
        out().print(printable_lines(table.title), style="bold")
        if left_out := _draw_rows(table):
            notes.insert(0, f"In a wider terminal: {', '.join(left_out)}.")
    for note in notes:
        out().print(printable_lines(note), style="dim")
    if table.rows and notes:  # rich ends the rows with a blank line itself
        out().print()


def _draw_rows(table: Table) -> list[str]:
    """Draw the rows; give the headings of columns that found no space."""
    cells = [[_drawn(column, getattr(row, column.key)) for column in table.columns] for row in table.rows]
    headings = [printable(column.heading) for column in table.columns]
    widest = [
        max(map(cell_len, (heading, *(row[i].plain for row in cells)))) for i, heading in enumerate(headings)
    ]
    widths = fitted(table.columns, widest, out().width)
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, heading, width in zip(table.columns, headings, widths, strict=False):
        drawn.add_column(heading, justify=column.justify, no_wrap=True, overflow="ellipsis", width=width)
    for row in cells:
        drawn.add_row(*row[: len(widths)])
    out().print(drawn)
    return [heading for heading in headings[len(widths) :] if heading]


def fitted(columns: Sequence[Column], widest: Sequence[int], room: int) -> list[int]:
    """The widths that fit into that many cells: text is shortened, and when that is not enough the last columns
    go.

    `widest`: the cells of each column's longest text. There may be fewer widths than columns, never under two.
    """
    least = [
        min(width, _LEAST_NAME if column.is_name else _LEAST) if column.shrinks else width
        for column, width in zip(columns, widest, strict=True)
    ]
    count = len(columns)
    while count > 2 and sum(least[:count]) + _GAP * count > room + 1:
        count -= 1
    widths = list(widest[:count])
    while (excess := sum(widths) + _GAP * count - room - 1) > 0:
        longest = max(range(count), key=lambda i: widths[i] - least[i])
        if widths[longest] <= least[longest]:
            break
        widths[longest] -= min(excess, max(1, (widths[longest] - least[longest]) // 2))
    return widths


def _drawn(column: Column, value: object) -> Text:
    return coloured(str(value)) if column.is_name and value else Text(column.cell(value))
