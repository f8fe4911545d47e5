"""Audit: what is wrong with the numbers, and where each of them comes from."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.errors import NotFoundError
from etstats.output import Format

app = typer.Typer()
PANEL = "Audit"


@app.command(rich_help_panel=PANEL)
@bundled
def validate(
    ctx: typer.Context,
    *,
    since: options.SINCE = None,
    errors: Annotated[bool, typer.Option("--errors", help="Leave out the warnings.")] = False,
    written: options.OutputFormat,
) -> int:
    """Check everything that is stored against itself and against the archive.

    An error is ours: the database is not what the archive says. A warning is a number of the game server's that
    cannot be true; it is kept as recorded. What each check means: docs/validation.md.

    Example: etstats validate --since 7d

    Exit codes: 0 no error (warnings are none), 2 wrong usage, 3 an error was found, 75 the database is down.
    """
    from etstats import output
    from etstats.admin.audit import validate as audit_validate
    from etstats.pipeline.database import open_for_reading
    from etstats.sync.time_range import parse_when

    context = context_of(ctx)
    config = context.config
    first = None if since is None else parse_when(since, datetime.now(UTC), options.zone_of(config))
    with open_for_reading(config) as conn, output.progress("validating") as seen:
        result = audit_validate.validate(conn, config.sessions.gap, first, seen=seen)
    shown = result.errors if errors else result.findings
    table = output.Table(
        title="Findings",
        columns=(
            output.text("severity", "Severity"),
            output.text("check", "Check"),
            output.text("filename", "File"),
            output.whole("round_id", "Round"),
            output.name(),
            output.text("player_guid", "GUID"),
            output.text("field", "Field"),
            output.text("value", "Value"),
            output.text("expected", "Expected"),
        ),
        rows=shown,
        empty="No findings.",
    )
    output.show(table, written.style)
    if written.style is Format.TABLE and context.verbosity >= 0:
        output.say(f"validate: {result}")
    return result.exit_code


@app.command(rich_help_panel=PANEL)
@bundled
def explain(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="ROUND", help="last, a round's id, or its file name.")],
    player: Annotated[
        str,
        typer.Argument(
            metavar="PLAYER", help="A name, present or former, or a GUID.", autocompletion=completion.players
        ),
    ],
    field: Annotated[
        str | None, typer.Argument(metavar="[FIELD]", help="A column, a weapon, or WEAPON.column; none: all.")
    ] = None,
    *,
    written: options.OutputFormat,
) -> int:
    """Show where a number comes from: both file lines, the values read, the rule applied.

    Example: etstats explain last bob damage_given

    Exit codes: 0 done, 2 no such round, player or field, 75 the database is down.
    """
    from etstats import output
    from etstats.admin.audit.explain import explain as explanation
    from etstats.pipeline.database import open_for_reading
    from etstats.stats import lookup

    with open_for_reading(context_of(ctx).config) as conn:
        round_id = lookup.find_round(conn, which)
        if round_id is None:
            raise NotFoundError("No round was played yet; import some files first: etstats import, etstats sync")
        found = explanation(conn, round_id, player, field, lambda name: options.player(conn, name))
    if written.style is Format.JSON:
        output.write_json(found)
        return 0
    table = output.Table(
        title=f"{output.printable(found.player_guid)} in round {found.round_id}: {found.rule}",
        columns=(
            output.text("field", "Field"),
            output.text("stored", "Stored"),
            output.text("unit", "Unit"),
            output.text("read", "In the line"),
            output.text("round1", "In round 1"),
            output.text("how", "How"),
        ),
        rows=found.numbers,
        empty="Nothing.",
    )
    output.show(table, written.style)
    if written.style is Format.TABLE:
        for source in found.sources:
            output.out().print(
                f"round {source.round_number}: {source.filename}, line {source.line}, SHA-256 {source.file_hash}",
                soft_wrap=True,
            )
            output.out().print(
                f"  {output.printable(source.text.replace(chr(9), ' '))}", style="dim", soft_wrap=True
            )
    return 0
