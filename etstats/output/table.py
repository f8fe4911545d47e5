"""Tables: rows with their columns, written to stdout in the format that was asked for."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from etstats.output.columns import Column
from etstats.output.sanitize import in_markdown


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows with their columns; `empty` says why there are none and what would fill them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: str
    notes: Sequence[str] = field(default=())


def show(table: Table, style: Format = Format.TABLE) -> None:
    """Write a table to stdout in one of the formats; an empty one is `[]`, a heading line, or a sentence."""
    from etstats.output import formats

    if style is Format.JSON:
        write_json(table.rows)
    elif style is Format.CSV:
        sys.stdout.write(formats.as_csv(table.columns, table.rows))
    elif style is Format.MARKDOWN:
        sys.stdout.write(formats.as_markdown(table.columns, table.rows, table.empty))
    else:
        from etstats.output.terminal_table import draw

        draw(table)


def show_all(tables: Iterable[Table], style: Format = Format.TABLE) -> None:
    """Write tables that belong together; in Markdown each under its heading, with its notes."""
    for table in tables:
        if style is Format.MARKDOWN:
            sys.stdout.write(f"### {in_markdown(' '.join(table.title.split()))}\n\n")
        show(table, style)
        if style is Format.MARKDOWN:
            sys.stdout.write("".join(f"\n{in_markdown(note)}\n" for note in table.notes) + "\n")


def write_json(value: object) -> None:
    """Write one document: dataclasses as objects, moments in ISO 8601, decimals as numbers."""
    from etstats.output.formats import as_json

    sys.stdout.write(as_json(value))
