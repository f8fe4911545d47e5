"""export: write all tables to files for other programs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.admin import export as exporting
from etstats.admin.export import Entry
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.db import catalog
from etstats.output import Table
from etstats.pipeline.database import open_for_reading

app = typer.Typer()


@app.command("export")
@bundled
def export(
    ctx: typer.Context,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER|FILE", help="A new folder; for sqlite a new file.")
    ] = None,
    *,
    kind: Annotated[
        str, typer.Option("--format", metavar="csv|jsonl|sqlite", help="Format of the export.")
    ] = "csv",
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="Include the content of the archived files.")
    ] = True,
    dictionary: Annotated[bool, typer.Option("--dictionary", help="Only show the data dictionary.")] = False,
    written: options.OutputFormat,
) -> int:
    """Export all tables as CSV, JSON lines or SQLite.

    A data dictionary is included. Existing files are not replaced.

    Example: etstats export --to stats.sqlite --format sqlite

    Exit codes: 0 done, 2 the target exists or cannot be made, 75 the database is down or the disk is full.
    """
    wanted = exporting.ExportKind(options.known("format", kind, list(exporting.ExportKind)))
    context = context_of(ctx)
    if (to is None) != dictionary:
        raise typer.BadParameter("give the target with --to, or use --dictionary")
    with open_for_reading(context.config) as conn:
        if to is None:
            found = catalog.tables(conn)
            if written.style is output.Format.MARKDOWN:
                output.show_all(_sections(exporting.entries(found)), written.style)
            else:
                output.show(_dictionary_table(exporting.entries(found)), written.style)
            return 0
        with output.progress("Exporting") as progress:
            names = exporting.export(conn, to, wanted, with_files=files, progress=progress)
    if context.verbosity >= 0:
        output.say(f"{len(names)} tables and their dictionary are in {to}.")
    return 0


def _dictionary_table(entries: Iterable[Entry], title: str = "Data dictionary") -> Table:
    return output.Table(
        title=title,
        columns=[
            output.text("table", "Table"),
            output.text("column", "Column"),
            output.text("type", "Type"),
            output.text("key", "Key"),
            output.sentence("meaning", "Meaning", least=30, importance=1),
        ],
        rows=list(entries),
        empty="",
    )


def _sections(entries: Iterable[Entry]) -> Iterator[Table]:
    """Return a table of columns for each database table, with its name and meaning."""
    for name, group in groupby(entries, lambda entry: entry.table):
        head, *columns = group
        table = _dictionary_table(columns, name)
        yield replace(table, columns=table.columns[1:], notes=[f"{head.meaning}."])
