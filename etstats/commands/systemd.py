"""systemd: the user units that run etstats."""

import sys
from datetime import datetime

import typer

from etstats import output
from etstats.admin import crontab, systemd
from etstats.admin.own_command import own_command
from etstats.commands.context import context_of
from etstats.commands.cron import say_what_is_missing

family = typer.Typer(
    no_args_is_help=True, help="Show, install or remove the systemd units.\n\nExample: etstats systemd install"
)
app = typer.Typer()
app.add_typer(family, name="systemd")


@family.command("show")
def show(ctx: typer.Context) -> None:
    """Show the units that `systemd install` writes.

    Example: etstats systemd show

    Exit codes: 0 done, 2 wrong settings.
    """
    config = context_of(ctx).config
    for name, text in systemd.units(config.cron, own_command(config)).items():
        sys.stdout.write(f"# {systemd.folder() / name}\n{text}\n")


@family.command("install")
def install(ctx: typer.Context) -> None:
    """Write the units of this user and start them.

    They run `watch` in the play hours, a nightly backup and a health check.

    It needs no root. Use it instead of `cron install`.

    Example: etstats systemd install

    Exit codes: 0 done, 2 wrong settings, or systemd refuses.
    """
    context = context_of(ctx)
    config = context.config
    say_what_is_missing(config)
    has_changed = systemd.install(config.cron, own_command(config), datetime.now().astimezone())
    if context.verbosity < 0:
        return
    said = "installed and started" if has_changed else "already installed; restarted"
    output.say(f"systemd: the units are {said}; play hours {config.cron.hours}. See: systemctl --user list-timers")
    output.say("To keep them running after you log out: loginctl enable-linger")
    if crontab.is_installed():
        output.say("cron also runs etstats; use only one of them: etstats cron remove")


@family.command("remove")
def remove(ctx: typer.Context) -> None:
    """Stop the units of this user and delete them.

    Example: etstats systemd remove

    Exit codes: 0 done, or there was nothing to remove, 2 systemd refuses.
    """
    had = systemd.remove()
    if context_of(ctx).verbosity >= 0:
        output.say("systemd: the units are removed" if had else "systemd: there were no units of etstats")
