"""config: the settings in use, and trying them."""

from typing import Annotated

import typer

from etstats.commands.context import context_of
from etstats.commands.options import JSON

family = typer.Typer(no_args_is_help=True, help="Show the settings, or try them for real.")
app = typer.Typer()
app.add_typer(family, name="config", rich_help_panel="Operate")


@family.command("show")
def show(ctx: typer.Context, as_json: JSON = False) -> None:
    """Show the settings in use, defaults included; a secret is only said to be set.

    Example: etstats config show

    Exit codes: 0 done, 2 the settings are wrong.
    """
    from etstats import output
    from etstats.config import loader

    shown = loader.redacted(context_of(ctx).config)
    if as_json:
        output.write_json(shown)
        return
    import tomlkit

    output.out().print(tomlkit.dumps(shown).rstrip(), soft_wrap=True)


@family.command("check")
def check(
    ctx: typer.Context,
    trust: Annotated[
        bool, typer.Option("--trust", help="Trust host keys that are not known yet, after showing them.")
    ] = False,
    as_json: JSON = False,
) -> int:
    """Try everything the settings name: servers, clocks, base, webhooks; posts nothing.

    Example: etstats config check

    Exit codes: 0 all is well, 2 a setting is wrong, 3 a webhook is gone, 4 key or host key refused, 75 no answer.
    """
    from etstats import output
    from etstats.admin.setup import live_checks

    context = context_of(ctx)
    checks = []
    for found in live_checks.check_all(context.config, trust_keys=trust):
        checks.append(found)
        if not as_json and (found.exit_code or context.verbosity >= 0):
            output.out().print(
                f"{'ok  ' if not found.exit_code else 'BAD '}{found.subject}: {found.text}", soft_wrap=True
            )
    if as_json:
        output.write_json(checks)
    return live_checks.worst(checks)
