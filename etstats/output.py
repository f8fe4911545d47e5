"""The two consoles, and typed rows drawn as a rich table, JSON, CSV or Markdown.

Data goes to stdout, talk to stderr. A table is columns over dataclass rows; the same rows give every format, so
no number can differ between them. Text from outside never styles, breaks or escapes what is drawn.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from etstats.parser.names import clean_name, colour_runs

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Justify = Literal["left", "right"]
NOTHING = "–"
# Cells to which text and names may be shortened, and those that part two columns.
_LEAST, _LEAST_NAME, _GAP = 8, 14, 3
# What acts on a terminal instead of being seen: controls, zero-width, bidi overrides; and halves of characters.
_UNSEEN = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")

_hidden: list[str] = []


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: the row's attribute, its heading with unit, and how its values are written for people.

    `is_name`: the value is a raw player name and is drawn in its in-game colours.
    """

    key: str
    heading: str
    text: Callable[[Any], str] = str
    justify: Justify = "left"
    is_name: bool = False
    shrinks: bool = False
    """Long text may be shortened in a narrow terminal; numbers never are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows with their columns; `empty` says why there are none and what would fill them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: str
    notes: Sequence[str] = field(default=())


def name(key: str = "player_name", heading: str = "Player") -> Column:
    """A column of player names in their colours."""
    return Column(key=key, heading=heading, is_name=True, shrinks=True)


def text(key: str, heading: str) -> Column:
    """A column of plain text."""
    return Column(key=key, heading=heading, text=printable, shrinks=True)


def whole(key: str, heading: str) -> Column:
    """A column of whole numbers, grouped by thousands."""
    return Column(key=key, heading=heading, text=lambda n: f"{n:,.0f}", justify="right")


def decimal(key: str, heading: str, places: int = 1) -> Column:
    """A column of numbers with a fixed number of decimals."""
    return Column(key=key, heading=heading, text=lambda n: f"{n:,.{places}f}", justify="right")


def clock(key: str, heading: str) -> Column:
    """A column of seconds, written M:SS."""
    return Column(key=key, heading=heading, text=minutes_seconds, justify="right")


def when(key: str, heading: str) -> Column:
    """A column of days or moments."""
    return Column(key=key, heading=heading, text=moment)


def day(key: str, heading: str) -> Column:
    """A column of moments of which only the day matters."""
    return Column(key=key, heading=heading, text=lambda value: f"{value:%Y-%m-%d}")


def share(key: str, heading: str) -> Column:
    """A column of shares from 0 to 1, written in per cent."""
    return Column(key=key, heading=heading, text=lambda n: f"{100 * n:.0f} %", justify="right")


def sparkline(values: Iterable[float], average: float) -> str:
    """A bar for each value, half as high as it can be where the value is the average, full at twice that."""
    bars = "▁▂▃▄▅▆▇█"
    return "".join(bars[min(7, int(4 * value / average))] if average else bars[0] for value in values)


def minutes_seconds(seconds: float) -> str:
    """`M:SS`, or `H:MM:SS` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def moment(value: date | datetime) -> str:
    """A day, or a moment to the minute in the zone that it carries."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"


def printable(value: object) -> str:
    """Text from outside, made harmless: what would act on a terminal is dropped."""
    return "".join(run for _, run in colour_runs(str(value).replace("^", "^^")))


def _printable_lines(message: str) -> str:
    return "\n".join(printable(line) for line in message.split("\n"))


def show(table: Table, style: Format = Format.TABLE) -> None:
    """Write a table to stdout in one of the formats; an empty one is `[]`, a heading line, or a sentence."""
    if style is Format.JSON:
        write_json(table.rows)
    elif style is Format.CSV:
        sys.stdout.write(_csv(table))
    elif style is Format.MARKDOWN:
        sys.stdout.write(_markdown(table))
    else:
        _draw(table)


def show_all(tables: Iterable[Table], style: Format = Format.TABLE) -> None:
    """Write tables that belong together; in Markdown each under its heading, with its notes."""
    for table in tables:
        if style is Format.MARKDOWN:
            sys.stdout.write(f"### {_in_markdown(' '.join(table.title.split()))}\n\n")
        show(table, style)
        if style is Format.MARKDOWN:
            sys.stdout.write("".join(f"\n{_in_markdown(note)}\n" for note in table.notes) + "\n")


def write_json(value: object) -> None:
    """Write one document: dataclasses as objects, moments in ISO 8601, decimals as numbers."""
    document = json.dumps(_plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    # The value stays as it is, and the terminal that it is read on too.
    sys.stdout.write(_UNSEEN.sub(lambda unseen: f"\\u{ord(unseen[0]):04x}", document) + "\n")


def hide(secrets: Iterable[str]) -> None:
    """From now on let none of these texts be said, whatever message or exception they stand in."""
    _hidden[:] = secrets


def say(message: str) -> None:
    """Talk to the person at the terminal: stderr."""
    if _hidden:
        from etstats.logs import redact

        message = redact(message, _hidden)
    err().print(_printable_lines(message), markup=False, highlight=False, soft_wrap=True)


def say_exception() -> None:
    """Say the traceback of the exception that is being handled."""
    import traceback

    say(traceback.format_exc().rstrip())


def write(message: str, *, indent: int = 0, bold: bool = False) -> None:
    """Write a paragraph to stdout, wrapped between words at the terminal's width, all its lines indented."""
    from rich.padding import Padding
    from rich.text import Text

    out().print(Padding(Text(printable(message), style="bold" if bold else ""), (0, 0, 0, indent), expand=False))


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for long work that reports (done, total), on stderr; nothing at all where that is no terminal."""
    if not sys.stderr.isatty() or not err().is_terminal:  # rich is not loaded for cron
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@cache
def out() -> "Console":
    """The console of the data."""
    return _console(stderr=False)


@cache
def err() -> "Console":
    """The console of the talk."""
    return _console(stderr=True)


def coloured(raw: str) -> "Text":
    """A player's name in its in-game colours, readable on dark and on light grounds."""
    from rich.text import Text

    drawn = Text(no_wrap=True, overflow="ellipsis")
    for colour, run in colour_runs(raw):
        drawn.append(run, style=readable(colour))
    return drawn if drawn.plain.strip() else Text("(no name)", style="dim")


@cache
def readable(colour: str) -> str:
    """The in-game colour moved as little as needed to stand out on black and on white; greys: the default."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    if max(red, green, blue) - min(red, green, blue) < 0.1:
        return "default"
    # Between these relative luminances the contrast is 3:1 or better on both grounds (WCAG 2).
    low, high = 0.10, 0.30
    for _ in range(24):
        luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
        if luminance < low:
            red, green, blue = (c + (1 - c) * 0.08 for c in (red, green, blue))
        elif luminance > high:
            red, green, blue = (c * 0.95 for c in (red, green, blue))
        else:
            break
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in console._environ:  # rich's own view of it
        console.width = 10_000  # nothing is cut for a pipe or a file
    return console


def _draw(table: Table) -> None:
    if not table.rows:
        out().print(table.empty)
    else:
        from rich import box
        from rich.cells import cell_len
        from rich.table import Table as RichTable

        # As a line of its own: a title of the table would be broken at the table's width.
        out().print(table.title, style="bold")
        cells = [[_drawn_cell(c, getattr(row, c.key)) for c in table.columns] for row in table.rows]
        widest = [
            max(map(cell_len, (c.heading, *(row[i].plain for row in cells)))) for i, c in enumerate(table.columns)
        ]
        widths = _fitted(table.columns, widest, out().width)
        drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for column, width in zip(table.columns, widths, strict=False):
            drawn.add_column(
                column.heading, justify=column.justify, no_wrap=True, overflow="ellipsis", width=width
            )
        for row in cells:
            drawn.add_row(*row[: len(widths)])
        out().print(drawn)
        if left_out := [column.heading for column in table.columns[len(widths) :] if column.heading]:
            out().print(f"In a wider terminal: {', '.join(left_out)}.", style="dim")
    for note in table.notes:
        out().print(note, style="dim")


def _fitted(columns: Sequence[Column], widest: Sequence[int], room: int) -> list[int]:
    """The widths that fit: text is shortened, and when that is not enough the last columns are left out."""
    least = [
        min(width, _LEAST_NAME if c.is_name else _LEAST) if c.shrinks else width
        for c, width in zip(columns, widest, strict=True)
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


def _drawn_cell(column: Column, value: object) -> "Text":
    from rich.text import Text

    return coloured(str(value)) if column.is_name and value else Text(_cell(column, value))


def _cell(column: Column, value: object) -> str:
    if value is None:
        return NOTHING
    return clean_name(str(value)) if column.is_name else column.text(value)


def _csv(table: Table) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    names = [column.key for column in table.columns]
    writer.writerow(names)
    for row in table.rows:
        writer.writerow([_csv_cell(column, getattr(row, column.key)) for column in table.columns])
    return written.getvalue()


def _csv_cell(column: Column, value: object) -> object:
    plain = _plain(value)
    if isinstance(plain, list):
        return column.text(value)
    if isinstance(plain, str):
        return _harmless(clean_name(plain) if column.is_name else _printable_lines(plain))
    return plain


def _harmless(value: str) -> str:
    """A cell that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _markdown(table: Table) -> str:
    if not table.rows:
        return table.empty + "\n"
    headings = [column.heading or " " for column in table.columns]
    rules = ["---:" if column.justify == "right" else "---" for column in table.columns]
    rows = [[_in_markdown(_cell(c, getattr(row, c.key))) for c in table.columns] for row in table.rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [headings, rules, *rows])


def _in_markdown(cell: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~@" else c for c in cell)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    return value
