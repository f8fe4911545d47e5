"""health: one screen and an exit code."""

from pathlib import Path
from typing import Annotated

import typer

from etstats.commands.context import context_of
from etstats.commands.options import JSON

app = typer.Typer()


@app.command("health", rich_help_panel="Audit")
def health(
    ctx: typer.Context,
    *,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the numbers for Prometheus as well.")
    ] = None,
    as_json: JSON = False,
) -> int:
    """Look at files, servers, clocks, posts, quarantine, base, backups and disk; with -q only what is wrong.

    Example: etstats health

    Exit codes: 0 all is well, 2 wrong settings, 3 something is wrong, 75 the database does not answer.
    """
    from datetime import UTC, datetime

    from etstats import output
    from etstats.admin import health as room
    from etstats.admin import metrics as prometheus

    context = context_of(ctx)
    found = room.examine(context.config, datetime.now(UTC))
    named = metrics or context.config.health.metrics_file
    if named is not None:
        prometheus.write(Path(named).expanduser(), found)
    if as_json:
        output.write_json({"ok": found.is_well, "at": found.at, "signs": found.signs, "facts": found.facts})
    else:
        for sign in found.signs:
            if not sign.ok or context.verbosity >= 0:
                verdict, style = ("ok ", None) if sign.ok else ("BAD", "bold red")
                output.out().print(f"{verdict} {sign.name:<14} {sign.text}", style=style, soft_wrap=True)
    return 0 if found.is_well else 3
