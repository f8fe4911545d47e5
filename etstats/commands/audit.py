"""validate, explain: findings in the stored data, and the source of each number."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated

import typer

from etstats import output
from etstats.admin.audit import validate as audit_validate
from etstats.admin.audit.explain import explain as explanation
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.domain.rounds import Finding
from etstats.errors import NotFoundError
from etstats.output import Format, Table
from etstats.pipeline.database import open_for_reading
from etstats.stats import lookup
from etstats.sync.time_range import parse_when

app = typer.Typer()


@app.command()
@bundled
def validate(
    ctx: typer.Context,
    *,
    since: options.SINCE = None,
    errors: Annotated[bool, typer.Option("--errors", help="Leave out warnings.")] = False,
    written: options.OutputFormat,
) -> int:
    """Check the stored data against itself and against the archive.

    An error means that the database differs from the archive. A warning is an implausible value from the game
    server, which is kept as recorded. The checks: docs/validation.md.

    Example: etstats validate --since 7d

    Exit codes: 0 no error (warnings may exist), 2 wrong usage, 3 an error was found, 75 the database is down.
    """
    context = context_of(ctx)
    config = context.config
    first = None if since is None else parse_when(since, datetime.now(UTC), options.zone_of(config))
    with open_for_reading(config) as conn, output.progress("validating") as progress:
        result = audit_validate.validate(conn, config.sessions.gap, first, progress=progress)
    shown = result.errors if errors else result.findings
    output.show_all(_findings_tables(shown, written.style), written.style)
    if written.style is Format.TABLE and context.verbosity >= 0:
        output.say(f"validate: {result}")
    return result.exit_code


def _short_decimals(value: str) -> str:
    """Return a number with at most three decimals, any other text as it is."""
    return f"{float(value):.3f}" if re.fullmatch(r"-?\d+\.\d{4,}", value) else value


def _findings_tables(found: Sequence[Finding], style: Format) -> list[Table]:
    """Return one table; for people one per check, so that file names and values have space."""
    kind = (output.text("severity", "Severity"), output.text("check", "Check"))
    columns = (
        output.filename(),
        output.whole("round_id", "Round"),
        output.name(importance=1),
        output.text("player_guid", "GUID", importance=-1),
        output.text("field", "Field", importance=-1),
        output.sentence("value", "Value", least=12),
        output.sentence("expected", "Expected", least=16),
    )
    empty = "No findings."
    if style is not Format.TABLE or not found:
        return [Table(title="Findings", columns=(*kind, *columns), rows=found, empty=empty)]
    tables = []
    for (severity, check), group in groupby(found, lambda finding: (finding.severity, finding.check)):
        rows = list(group)
        filled = [column for column in columns if any(getattr(row, column.key) is not None for row in rows)]
        tables.append(Table(title=f"{check} ({severity})", columns=filled, rows=rows, empty=empty))
    return tables


@app.command()
@bundled
def explain(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="ROUND", help="last, a round's id, or its file name.")],
    player: Annotated[
        str,
        typer.Argument(
            metavar="PLAYER", help="A current or former name, or a GUID.", autocompletion=completion.players
        ),
    ],
    field: Annotated[
        str | None, typer.Argument(metavar="[FIELD]", help="A column, a weapon, or WEAPON.column; default: all.")
    ] = None,
    *,
    written: options.OutputFormat,
) -> int:
    """Show where a number comes from: lines, values, rule.

    Shows the lines of both files, the values read and the rule applied.

    Example: etstats explain last bob damage_given

    Exit codes: 0 done, 2 no such round, player or field, 75 the database is down.
    """
    with open_for_reading(context_of(ctx).config) as conn:
        round_id = lookup.find_round(conn, which)
        if round_id is None:
            raise NotFoundError("no rounds yet; import files first: etstats import, etstats sync")
        found = explanation(conn, round_id, player, field, lambda name: options.player(conn, name))
    if written.style is Format.JSON:
        output.write_json(found)
        return 0
    table = Table(
        title=f"{output.printable(found.player_guid)} in round {found.round_id}: {found.rule}",
        columns=(
            output.text("field", "Field", least=24, importance=2),
            replace(output.text("stored", "Stored", importance=2), text=_short_decimals),
            output.text("unit", "Unit"),
            output.text("read", "In the line", least=11),
            output.text("round1", "In round 1", least=10),
            output.sentence("how", "How", least=30, importance=2),
        ),
        rows=found.numbers,
        empty="Nothing.",
    )
    output.show(table, written.style)
    if written.style is Format.TABLE:
        for made in found.corrections:
            why = f" ({made.reason})" if made.reason else ""
            output.out().print(output.printable(f"correction {made.id}: {made.text}{why}"), soft_wrap=True)
        for source in found.sources:
            output.out().print(
                f"round {source.round_number}: {source.filename}, line {source.line}, SHA-256 {source.file_hash}",
                soft_wrap=True,
            )
            output.out().print(
                f"  {output.printable(source.text.replace(chr(9), ' '))}", style="dim", soft_wrap=True
            )
    return 0
