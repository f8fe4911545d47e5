"""cron: the crontab entries."""

import sys
from pathlib import Path

import typer

from etstats import output
from etstats.admin import crontab, systemd
from etstats.admin.own_command import own_command
from etstats.commands.context import Context, context_of
from etstats.config import loader
from etstats.config.schema import Config

family = typer.Typer(
    no_args_is_help=True, help="Show, install or remove the crontab entries.\n\nExample: etstats cron install"
)
app = typer.Typer()
app.add_typer(family, name="cron")


@family.command("show")
def show(ctx: typer.Context) -> None:
    """Show the entries that `cron install` writes.

    Example: etstats cron show

    Exit codes: 0 done, 2 wrong settings.
    """
    sys.stdout.write(cron_block(context_of(ctx)))


@family.command("install")
def install(ctx: typer.Context) -> None:
    """Write the entries into your crontab; other entries stay unchanged.

    Example: etstats cron install

    Exit codes: 0 done, 2 wrong settings, or crontab refuses them.
    """
    add_to_crontab(context_of(ctx))


def add_to_crontab(context: Context) -> None:
    """Install the entries for these settings, and print the result."""
    new = cron_block(context)
    before = crontab.read_crontab()
    after = crontab.with_block(before, new)
    if after != before:
        crontab.write_crontab(after)
    if context.verbosity >= 0:
        said = "is already in your crontab" if after == before else "is in your crontab"
        output.say(f"cron: etstats {said}; play hours {context.config.cron.hours}. See: etstats cron show")
        if systemd.is_installed():
            output.say("systemd also runs etstats; use only one of them: etstats systemd remove")


@family.command("remove")
def remove(ctx: typer.Context) -> None:
    """Remove the entries from your crontab; others stay unchanged.

    Example: etstats cron remove

    Exit codes: 0 done, or there was nothing to remove, 2 crontab refuses.
    """
    before = crontab.read_crontab()
    after = crontab.without_block(before)
    if after != before:
        crontab.write_crontab(after)
    if context_of(ctx).verbosity >= 0:
        output.say(
            "cron: removed the entries from the crontab"
            if after != before
            else "cron: the crontab has no entries of etstats"
        )


def cron_block(context: Context) -> str:
    """Return the marked crontab block for these settings and this installation."""
    settings = context.config
    say_what_is_missing(settings)
    return crontab.block(settings.cron, own_command(settings), str(Path.home()))


def say_what_is_missing(settings: Config) -> None:
    """Warn about settings of this shell that a scheduled run does not see."""
    if settings.path is None:
        output.say("etstats: there is no configuration file yet, so nothing would be fetched. See: etstats init")
    if unseen := loader.only_in_environment(settings):
        output.say(
            f"etstats: scheduled runs do not see {', '.join(unseen)} of this shell; write them into the settings"
        )
