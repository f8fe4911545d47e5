"""Print a table in the terminal: to fit, sentences are wrapped, names shortened and columns dropped.

Numbers are never truncated.
"""

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

# Minimum cells of text and names, and the space between columns.
_LEAST, _LEAST_NAME, _GAP = 8, 14, 3


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
    """Print the rows; return the headings of dropped columns."""
    cells = [[_drawn(column, getattr(row, column.key)) for column in table.columns] for row in table.rows]
    headings = [printable(column.heading) for column in table.columns]
    widest = [
        max(map(cell_len, (heading, *(row[index].plain for row in cells))))
        for index, heading in enumerate(headings)
    ]
    widths = fitted(table.columns, widest, out().width)
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, width in widths.items():
        column = table.columns[index]
        drawn.add_column(
            headings[index], justify=column.justify, no_wrap=not column.wraps, overflow="ellipsis", width=width
        )
        if column.loses_middle:
            for row in cells:
                row[index] = Text(_without_middle(row[index].plain, width))
    for row in cells:
        drawn.add_row(*(row[index] for index in widths))
    out().print(drawn)
    return [heading for index, heading in enumerate(headings) if heading and index not in widths]


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


def _drawn(column: Column, value: object) -> Text:
    return coloured(str(value)) if column.is_name and value else Text(column.cell(value))
