"""link, unlink, links, hide, forget: Discord accounts, hidden players, anonymization."""

from typing import Annotated

import typer

from etstats import output
from etstats.admin.privacy import forget, set_hidden
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.db import identity, players
from etstats.db.connection import Connection
from etstats.db.sessions import last_names
from etstats.domain.text import pluralize
from etstats.errors import ConfigError
from etstats.pipeline.database import open_database, open_for_reading
from etstats.pipeline.site_update import mark_outdated, update_site

app = typer.Typer()
PLAYER = Annotated[
    str,
    typer.Argument(
        metavar="PLAYER", help="A current or former name, or a GUID.", autocompletion=completion.players
    ),
]


@app.command("link")
def link(
    ctx: typer.Context,
    player: PLAYER,
    discord_id: Annotated[str, typer.Argument(metavar="DISCORD_ID", help="The account's id, 17 to 20 digits.")],
    mention: Annotated[
        bool, typer.Option("--mention/--no-mention", help="Ping the account when the player reaches a milestone.")
    ] = False,
) -> int:
    """Link a player to a Discord account, replacing earlier links.

    Example: etstats link bob 123456789012345678 --mention

    Exit codes: 0 done, 2 no such player, or an invalid account id, 75 the database is down.
    """
    account = _account(discord_id)
    with open_database(context_of(ctx).config) as conn, conn.transaction():
        guid = options.player(conn, player)
        identity.link(conn, guid, account, wants_mention=mention)
        name = _name(conn, guid)
    output.say(f"{name} ({guid}) is linked to {account}{', and is mentioned on milestones' if mention else ''}.")
    return 0


@app.command("unlink")
def unlink(ctx: typer.Context, player: PLAYER) -> int:
    """Remove the link of a player to a Discord account.

    Example: etstats unlink bob

    Exit codes: 0 done, also if not linked, 2 no such player, 75 the database is down.
    """
    with open_database(context_of(ctx).config) as conn, conn.transaction():
        guid = options.player(conn, player)
        was_linked = identity.unlink(conn, guid)
        name = _name(conn, guid)
    output.say(f"{name} ({guid}) {'is' if was_linked else 'was'} not linked{' any more' if was_linked else ''}.")
    return 0


@app.command("links")
@bundled
def links(
    ctx: typer.Context,
    written: options.OutputFormat,
) -> int:
    """List the players linked to a Discord account.

    Example: etstats links --json

    Exit codes: 0 done, 75 the database is down.
    """
    with open_for_reading(context_of(ctx).config) as conn:
        rows = identity.links(conn)
    table = output.Table(
        title="Links",
        columns=[
            output.text("clean_name", "Player"),
            output.text("player_guid", "GUID"),
            output.Column(key="discord_user_id", heading="Discord account", justify="right"),
            output.Column(key="wants_mention", heading="Mentioned", text=lambda yes: "yes" if yes else "no"),
            output.when("linked_at", "Linked (UTC)"),
        ],
        rows=rows,
        empty="No linked players; link one with: etstats link PLAYER DISCORD_ID",
    )
    output.show(table, written.style)
    return 0


@app.command("hide")
@bundled
def hide(
    ctx: typer.Context,
    player: Annotated[
        str | None,
        typer.Argument(
            metavar="[PLAYER]",
            help="Default: list the hidden players.",
            autocompletion=completion.players,
        ),
    ] = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Show the player again.")] = False,
    written: options.OutputFormat,
) -> int:
    """Hide a player from boards and posts, or list hidden players.

    Totals still include a hidden player.

    Example: etstats hide bob; etstats hide bob --undo

    Exit codes: 0 done, 2 no such player, 75 the database is down.
    """
    config = context_of(ctx).config
    if player is None:
        if undo:
            raise typer.BadParameter("--undo needs the player's name")
        with open_for_reading(config) as conn:
            rows = identity.hidden(conn)
        columns = [
            output.text("clean_name", "Player"),
            output.text("player_guid", "GUID"),
            output.when("hidden_at", "Hidden (UTC)"),
        ]
        table = output.Table(title="Hidden players", columns=columns, rows=rows, empty="No hidden players.")
        output.show(table, written.style)
        return 0
    mark_outdated(config)
    with open_database(config) as conn, conn.transaction():
        guid = options.player(conn, player)
        changed = set_hidden(conn, guid, hidden=not undo)
        name = _name(conn, guid)
    update_site(config)
    state = "shown" if undo else "hidden"
    output.say(f"{name} ({guid}) {'is' if changed else 'was'} {state}{'' if changed else ' already'}.")
    return 0


@app.command("forget")
def forget_(
    ctx: typer.Context,
    player: PLAYER,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")] = False,
    wait: WAIT = None,
) -> int:
    """Replace a player's names and GUID with a pseudonym for good.

    This includes the archive and files imported later.

    Example: etstats forget 1A2B3C4D

    Exit codes: 0 done, 2 no such player, or not confirmed, 75 the database is down or busy.
    """
    context = context_of(ctx)
    with open_database(context.config) as conn, conn.transaction():
        guid = options.player(conn, player)
        names = [output.printable(alias.alias) for alias in players.aliases(conn, guid)]
    output.say(f"Names of {guid}: {', '.join(names)}.")
    output.say("These names and the GUID are replaced in every row and file. This cannot be undone.")
    if not yes and not _confirmed():
        raise ConfigError("cancelled; pass --yes to skip the confirmation")
    mark_outdated(context.config)
    with exclusive_database(context, wait) as conn:  # other runs do not wait for the answer
        done = forget(conn, guid, context.config.copies_root)
    update_site(context.config)
    output.say(
        f"Forgotten: {done.player.pseudonym} ({done.player.pseudonym_guid}) replaces the player in "
        f"{pluralize(done.rounds, 'round')}."
    )
    output.say("The next etstats post updates the messages in Discord; existing backups are not changed.")
    return 0


def _confirmed() -> bool:
    """Ask for confirmation; return False without a terminal."""
    try:
        return typer.confirm("Forget this player?", err=True)
    except typer.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            return False
        raise


def _account(text: str) -> int:
    """Return the id of a Discord account, given as digits or as a mention."""
    digits = text.strip().removeprefix("<@").removeprefix("!").removesuffix(">")
    if not (digits.isascii() and digits.isdecimal() and 15 <= len(digits) <= 20) or int(digits) >= 2**63:
        raise ConfigError(
            f"{text}: expected a Discord account id of 17 to 20 digits; in Discord: Copy User ID (developer mode)"
        )
    return int(digits)


def _name(conn: Connection, guid: str) -> str:
    return output.printable(last_names(conn, [guid]).get(guid, guid))
