"""cron: the lines that run etstats by themselves."""

import sys
from pathlib import Path

import typer

from etstats.commands.context import Context, context_of

family = typer.Typer(no_args_is_help=True, help="Show, install or remove the cron lines.")
app = typer.Typer()
app.add_typer(family, name="cron", rich_help_panel="Operate")


@family.command("show")
def show(ctx: typer.Context) -> None:
    """Show the lines for cron, as `cron install` would write them.

    Example: etstats cron show

    Exit codes: 0 done, 2 wrong settings.
    """
    sys.stdout.write(cron_block(context_of(ctx)))


@family.command("install")
def install(ctx: typer.Context) -> None:
    """Write the lines into your crontab, between marks of their own; the rest of it stays as it is.

    Example: etstats cron install

    Exit codes: 0 done, 2 wrong settings, or cron refuses.
    """
    add_to_crontab(context_of(ctx))


def add_to_crontab(context: Context) -> None:
    """Install the lines for these settings, and say so."""
    from etstats import output
    from etstats.admin import crontab

    new = cron_block(context)
    before = crontab.read_crontab()
    after = crontab.with_block(before, new)
    if after != before:
        crontab.write_crontab(after)
    if context.verbosity >= 0:
        said = "is in place already" if after == before else "is in your crontab"
        output.say(f"cron: etstats {said}; play hours {context.config.cron.hours}. See: etstats cron show")


@family.command("remove")
def remove(ctx: typer.Context) -> None:
    """Take the lines out of your crontab; the rest of it stays as it is.

    Example: etstats cron remove

    Exit codes: 0 done, or there was nothing to remove, 2 cron refuses.
    """
    from etstats import output
    from etstats.admin import crontab

    before = crontab.read_crontab()
    after = crontab.without_block(before)
    if after != before:
        crontab.write_crontab(after)
    if context_of(ctx).verbosity >= 0:
        output.say(
            "cron: etstats is out of your crontab" if after != before else "cron: nothing of etstats was there"
        )


def cron_block(context: Context) -> str:
    """The marked lines for these settings and this installation."""
    from etstats import output
    from etstats.admin import crontab
    from etstats.config import loader

    settings = context.config
    if settings.path is None:
        output.say(
            "etstats: there is no configuration file yet; cron would not know what to fetch. See: etstats init"
        )
    unseen = loader.only_in_environment(settings)
    if unseen:
        output.say(f"etstats: cron will not see {', '.join(unseen)} of this shell; write them into the settings")
    return crontab.block(settings.cron, own_command(context), str(Path.home()))


def own_command(context: Context) -> list[str]:
    """How this installation is called from anywhere, with the settings that are in use now."""
    from etstats.config import loader

    script = Path(sys.executable).with_name("etstats")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "etstats"]
    path = context.config.path
    if path is not None and path.resolve() != loader.default_path({}).resolve():
        command += ["--config", str(path.resolve())]
    return command
