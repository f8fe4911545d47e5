"""export: the whole database as files for other programs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled

if TYPE_CHECKING:
    from etstats.admin.export import Entry
    from etstats.output import Table

app = typer.Typer()


@app.command("export", rich_help_panel="Operate")
@bundled
def export(
    ctx: typer.Context,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER|FILE", help="A new folder; for sqlite a new file.")
    ] = None,
    *,
    kind: Annotated[str, typer.Option("--format", metavar="csv|jsonl|sqlite", help="What to write.")] = "csv",
    files: Annotated[bool, typer.Option("--files/--no-files", help="The archived round files' bytes too.")] = True,
    dictionary: Annotated[
        bool, typer.Option("--dictionary", help="Only show what each table and column means.")
    ] = False,
    written: options.OutputFormat,
) -> int:
    """Write all tables as CSV, JSON lines or an SQLite file, with a data dictionary; replaces nothing.

    Example: etstats export --to stats.sqlite --format sqlite

    Exit codes: 0 done, 2 the target exists or cannot be made, 75 the database is down or the disk is full.
    """
    from etstats import output
    from etstats.admin import export as exporting
    from etstats.db import catalog
    from etstats.pipeline.database import open_for_reading

    wanted = exporting.ExportKind(options.known("format", kind, list(exporting.ExportKind)))
    context = context_of(ctx)
    if (to is None) != dictionary:
        raise typer.BadParameter("say where to write with --to, or ask for --dictionary")
    with open_for_reading(context.config) as conn:
        if to is None:
            found = catalog.tables(conn)
            if written.style is output.Format.MARKDOWN:
                output.show_all(_sections(exporting.entries(found)), written.style)
            else:
                output.show(_dictionary_table(exporting.entries(found)), written.style)
            return 0
        with output.progress("Exporting") as seen:
            names = exporting.export(conn, to, wanted, with_files=files, seen=seen)
    if context.verbosity >= 0:
        output.say(f"{len(names)} tables and their dictionary are in {to}.")
    return 0


def _dictionary_table(entries: "Iterable[Entry]", title: str = "Data dictionary") -> "Table":
    from etstats import output

    return output.Table(
        title=title,
        columns=[
            output.text("table", "Table"),
            output.text("column", "Column"),
            output.text("type", "Type"),
            output.text("key", "Key"),
            output.text("meaning", "Meaning"),
        ],
        rows=list(entries),
        empty="",
    )


def _sections(entries: "Iterable[Entry]") -> "Iterator[Table]":
    """A table of columns for each table, under its name and meaning."""
    for name, group in groupby(entries, lambda entry: entry.table):
        head, *columns = group
        table = _dictionary_table(columns, name)
        yield replace(table, columns=table.columns[1:], notes=[f"{head.meaning}."])
