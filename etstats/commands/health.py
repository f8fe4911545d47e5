"""health: print the state of all parts and return an exit code."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.admin import health as checks
from etstats.admin import metrics as prometheus
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.options import DocumentFormat

app = typer.Typer()


@app.command("health")
@bundled
def health(
    ctx: typer.Context,
    *,
    metrics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write metrics for Prometheus to this file.")
    ] = None,
    written: DocumentFormat,
) -> int:
    """Check files, servers, posts, quarantine, backups and disk.

    With -q only problems are printed. With `[discord] admin_webhook_url` they are also posted, in one message.

    Example: etstats health

    Exit codes: 0 no problem, 2 wrong settings, 3 a problem was found, 75 the database does not answer.
    """
    context = context_of(ctx)
    found = checks.examine(context.config, datetime.now(UTC))
    report = checks.publish(context.config, found)
    named = metrics or context.config.health.metrics_file
    if named is not None:
        prometheus.write(Path(named).expanduser(), found)
    if written.as_json:
        output.write_json({"ok": found.is_well, "at": found.at, "signs": found.signs, "facts": found.facts})
    else:
        for sign in found.signs:
            if context.verbosity >= 0 or (not sign.ok and _is_due(sign)):
                verdict, style = ("ok ", None) if sign.ok else ("BAD", "bold red")
                head = f"{verdict} {sign.name:<14} "
                wrapped = output.wrapped(head + sign.text, output.out().width, indent=len(head))
                output.out().print(wrapped, style=style, soft_wrap=True)
    for line in report.lines:
        output.say(line)
    return 0 if found.is_well else 3


def _is_due(sign: checks.Sign) -> bool:
    """Return whether to write a problem now; all problems of the line are recorded as written."""
    due = [output.is_due(problem) for problem in sign.problems or (f"health: {sign.name}",)]
    return any(due)
