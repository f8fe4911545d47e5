"""The line: from a game server, or a folder, into the base and on to Discord."""

from pathlib import Path
from typing import Annotated

import typer

from etstats.commands.context import context_of

app = typer.Typer()
PANEL = "The line"


@app.command("import", rich_help_panel=PANEL)
def import_(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders of round files.")],
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Whose files these are.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N files.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Parse and check; store nothing.")] = False,
) -> int:
    """Import files and folders from this machine, through the same door as sync.

    Example: etstats import ~/gamestats --server main

    Exit codes: 0 done, 2 no such path, 3 some files were quarantined, 75 the base is down or busy.
    """
    from etstats import output, pipeline

    context = context_of(ctx)
    if dry_run:
        report = pipeline.check_paths(paths, limit=limit)
    else:
        report = pipeline.import_paths(context.config, paths, server=server, limit=limit)
    for outcome in report.quarantined:
        output.say(f"quarantined: {outcome.filename}: {outcome.reason}")
    if context.verbosity >= 0:
        output.say(f"{'checked' if dry_run else 'import'}: {report}")
    return report.exit_code
