"""Deriving everything again from the archive, or proving that it would come out the same."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import USUAL, WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.output import Table, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etstats.admin.audit.comparison import Difference
    from etstats.db.connection import Connection

app = typer.Typer()
PANEL = "The line"


@app.command(rich_help_panel=PANEL)
@bundled
def rebuild(
    ctx: typer.Context,
    *,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="From this day on.")
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="Up to and with this day."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Change nothing: derive, compare, print each difference.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
    wait: WAIT = USUAL,
    written: options.OutputFormat,
) -> int:
    """Derive all rounds, or those of some days with their sessions, again from the archive.

    Readers see the old numbers until the new ones are all there; an interrupted run leaves the old ones.

    With --verify every difference between the database and its archive is listed on stdout.

    Example: etstats rebuild --from 2025-10-01 --to 2025-10-31

    Exit codes: 0 done or no difference, 2 wrong usage, 3 differences, or files that had to go to quarantine,
    75 the database is down or busy, 130 interrupted.
    """
    from etstats import output
    from etstats.admin.audit import rebuild as pipeline
    from etstats.admin.audit import verify as audit_verify
    from etstats.pipeline.database import open_for_reading, timezone_of
    from etstats.pipeline.site_update import update_site

    context = context_of(ctx)
    config = context.config

    def plan(conn: "Connection") -> pipeline.RebuildPlan:
        return pipeline.RebuildPlan(
            gap=config.sessions.gap,
            zone_of=timezone_of(conn, config),
            first=first.date() if first else None,
            last=last.date() if last else None,
        )

    if verify:
        with open_for_reading(config) as conn, output.progress("verifying") as seen:
            verified = audit_verify.verify(conn, plan(conn), seen)
        output.show(_differences(verified.differences), written.style)
        if context.verbosity >= 0:
            output.say(f"verify: {verified}")
        return verified.exit_code
    if not yes and sys.stdin.isatty():
        typer.confirm("Derive the rounds again from the archive and replace what differs?", abort=True, err=True)
    with exclusive_database(context, wait) as conn, output.progress("rebuilding") as seen:
        rebuilt = pipeline.rebuild(conn, plan(conn), seen)
    update_site(config)
    for filename, reason in rebuilt.quarantined.items():
        output.say(f"quarantined: {filename}: {reason}")
    if context.verbosity >= 0:
        output.say(f"rebuild: {rebuilt}")
    return rebuilt.exit_code


def _differences(found: "Sequence[Difference]") -> Table:
    return Table(
        title="Differences",
        columns=(
            text("table", "Table"),
            text("filename", "File"),
            text("player_guid", "GUID"),
            text("field", "Field"),
            text("stored", "Stored"),
            text("derived", "The archive says"),
        ),
        rows=found,
        empty="No difference.",
    )
