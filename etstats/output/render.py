"""Write tables and documents to stdout in the format that was asked for."""

import sys
from collections.abc import Iterable

from etstats.output.sanitize import in_markdown
from etstats.output.table import Format, Table


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

    # In another encoding escapes lose nothing, where replaced characters would.
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(as_json(value, ascii_only=not is_unicode))
