"""rebuild: derive all rows again from the archive, or compare the stored rows with it."""

import sys
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer

from etstats import output
from etstats.admin.audit import verify as audit_verify
from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.comparison import Difference
from etstats.admin.audit.rebuild import rebuild as rebuild_all
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.db.connection import Connection
from etstats.output import Table, text
from etstats.pipeline.database import open_for_reading, store_settings, timezone_of
from etstats.pipeline.site_update import mark_outdated, update_site
from etstats.stats.lookup import read_day

app = typer.Typer()


@app.command()
@bundled
def rebuild(
    ctx: typer.Context,
    *,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day: 2025-10-01, yesterday.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day (included): 2025-10-31, today.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Change nothing: derive, compare, print each difference.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    wait: WAIT = None,
    written: options.OutputFormat,
) -> int:
    """Derive all rounds, or those of some days, from the archive.

    The old values stay visible until all new ones are committed; an interrupted run keeps the old ones.

    With --verify every difference between the database and its archive is listed on stdout.

    Example: etstats rebuild --from 2025-10-01 --to 2025-10-31

    Exit codes: 0 done or no difference, 2 wrong usage, 3 differences, or files were quarantined,
    75 the database is down or busy, 130 interrupted.
    """
    context = context_of(ctx)
    config = context.config
    days = _day(first, "--from"), _day(last, "--to")
    if days[0] and days[1] and days[0] > days[1]:
        raise typer.BadParameter(f"{days[0]} is after --to {days[1]}.", param_hint="'--from'")

    def plan(conn: Connection) -> RebuildPlan:
        return RebuildPlan(
            gap=config.sessions.gap,
            zone_of=timezone_of(conn, config),
            first=days[0],
            last=days[1],
        )

    if verify:
        with open_for_reading(config) as conn, output.progress("verifying") as progress:
            verified = audit_verify.verify(conn, plan(conn), progress)
        output.show(_differences(verified.differences), written.style)
        if context.verbosity >= 0:
            output.say(f"verify: {verified}")
        return verified.exit_code
    if not yes and sys.stdin.isatty():
        typer.confirm(
            "Derive the rounds again from the archive and replace rows that differ?", abort=True, err=True
        )
    mark_outdated(config)
    with exclusive_database(context, wait) as conn, output.progress("rebuilding") as progress:
        store_settings(conn, config)
        rebuilt = rebuild_all(conn, plan(conn), progress)
    update_site(config)
    for filename, reason in rebuilt.quarantined.items():
        output.say(f"quarantined: {filename}: {reason}")
    if context.verbosity >= 0:
        output.say(f"rebuild: {rebuilt}")
    return rebuilt.exit_code


def _day(text: str | None, option: str) -> date | None:
    """Return the day of a text; `today` and `yesterday` are in this machine's time."""
    try:
        return None if text is None else read_day(text.strip().lower())
    except ValueError:
        hint = f"'{text}' is not a valid date; expected one such as 2025-10-01, or yesterday."
        raise typer.BadParameter(hint, param_hint=f"'{option}'") from None


def _differences(found: Sequence[Difference]) -> Table:
    return Table(
        title="Differences",
        columns=(
            text("table", "Table"),
            text("filename", "File"),
            text("player_guid", "GUID"),
            text("field", "Field"),
            text("stored", "Stored"),
            text("derived", "Archive"),
        ),
        rows=found,
        empty="No difference.",
    )
