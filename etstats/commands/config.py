"""config: show and test the settings."""

from typing import Annotated

import tomlkit
import typer

from etstats import output
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.options import DocumentFormat
from etstats.config import loader

family = typer.Typer(no_args_is_help=True, help="Show or check the settings.\n\nExample: etstats config check")
app = typer.Typer()
app.add_typer(family, name="config")


@family.command("show")
@bundled
def show(ctx: typer.Context, *, written: DocumentFormat) -> None:
    """Show the settings in use, with defaults; secrets are masked.

    Example: etstats config show

    Exit codes: 0 done, 2 the settings are wrong.
    """
    shown = loader.redacted(context_of(ctx).config)
    if written.as_json:
        output.write_json(shown)
        return

    print(tomlkit.dumps(shown).rstrip())


@family.command("check")
@bundled
def check(
    ctx: typer.Context,
    *,
    trust: Annotated[bool, typer.Option("--trust", help="Show unknown host keys and trust them.")] = False,
    written: DocumentFormat,
) -> int:
    """Test the configured servers, time zones, database and webhooks.

    Example: etstats config check

    Exit codes: 0 no problem, 2 a setting is wrong, 3 a webhook is gone, 4 key or host key refused, 75 no answer.
    """
    from etstats.admin.setup import live_checks  # noqa: PLC0415  # paramiko

    context = context_of(ctx)
    checks = []
    for found in live_checks.check_all(context.config, trust_keys=trust):
        checks.append(found)
        if not written.as_json and (found.exit_code or context.verbosity >= 0):
            line = f"{'ok  ' if not found.exit_code else 'BAD '}{found.subject}: {found.text}"
            output.out().print(output.wrapped(line, output.out().width, indent=4), soft_wrap=True)
    if written.as_json:
        output.write_json(checks)
    return live_checks.worst(checks)
