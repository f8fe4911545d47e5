"""link, unlink, links, hide, forget: who is who, who is shown, and who asked to be forgotten."""

from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import USUAL, WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.domain.text import pluralize

if TYPE_CHECKING:
    from etstats.db.connection import Connection

app = typer.Typer()
PANEL = "Identity"
PLAYER = Annotated[
    str,
    typer.Argument(
        metavar="PLAYER", help="A present or former name, or a GUID.", autocompletion=completion.players
    ),
]


@app.command("link", rich_help_panel=PANEL)
def link(
    ctx: typer.Context,
    player: PLAYER,
    discord_id: Annotated[
        str, typer.Argument(metavar="DISCORD_ID", help="The account's number, 17 to 20 digits.")
    ],
    mention: Annotated[
        bool, typer.Option("--mention/--no-mention", help="Ping the account when the player reaches a milestone.")
    ] = False,
) -> int:
    """Link a player to a Discord account; what either was linked to before gives way.

    Example: etstats link bob 123456789012345678 --mention

    Exit codes: 0 done, 2 no such player, or no account's number, 75 the database is down.
    """
    from etstats import output
    from etstats.db import identity
    from etstats.pipeline.database import open_database

    account = _account(discord_id)
    with open_database(context_of(ctx).config) as conn, conn.transaction():
        guid = options.player(conn, player)
        identity.link(conn, guid, account, wants_mention=mention)
        name = _name(conn, guid)
    output.say(f"{name} ({guid}) is linked to {account}{', and is mentioned on milestones' if mention else ''}.")
    return 0


@app.command("unlink", rich_help_panel=PANEL)
def unlink(ctx: typer.Context, player: PLAYER) -> int:
    """Take a player's link to a Discord account away.

    Example: etstats unlink bob

    Exit codes: 0 done, not-linked included, 2 no such player, 75 the database is down.
    """
    from etstats import output
    from etstats.db import identity
    from etstats.pipeline.database import open_database

    with open_database(context_of(ctx).config) as conn, conn.transaction():
        guid = options.player(conn, player)
        was_linked = identity.unlink(conn, guid)
        name = _name(conn, guid)
    output.say(f"{name} ({guid}) {'is' if was_linked else 'was'} not linked{' any more' if was_linked else ''}.")
    return 0


@app.command("links", rich_help_panel=PANEL)
@bundled
def links(
    ctx: typer.Context,
    written: options.OutputFormat,
) -> int:
    """List the players who are linked to a Discord account.

    Example: etstats links --json

    Exit codes: 0 done, 75 the database is down.
    """
    from etstats import output
    from etstats.db import identity
    from etstats.pipeline.database import open_for_reading

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
        empty="Nobody is linked yet; link a player with: etstats link PLAYER DISCORD_ID",
    )
    output.show(table, written.style)
    return 0


@app.command("hide", rich_help_panel=PANEL)
@bundled
def hide(
    ctx: typer.Context,
    player: Annotated[
        str | None,
        typer.Argument(metavar="[PLAYER]", help="Without one: who is hidden.", autocompletion=completion.players),
    ] = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Show the player again.")] = False,
    written: options.OutputFormat,
) -> int:
    """Keep a player off boards and posts, while every total stays right; without a name, list who is hidden.

    Example: etstats hide bob; etstats hide bob --undo

    Exit codes: 0 done, 2 no such player, 75 the database is down.
    """
    from etstats import output
    from etstats.db import identity
    from etstats.pipeline.database import open_database, open_for_reading
    from etstats.pipeline.site_update import update_site

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
        table = output.Table(title="Hidden players", columns=columns, rows=rows, empty="Nobody is hidden.")
        output.show(table, written.style)
        return 0
    with open_database(config) as conn, conn.transaction():
        guid = options.player(conn, player)
        changed = identity.unhide(conn, guid) if undo else identity.hide(conn, guid)
        name = _name(conn, guid)
    update_site(config)
    state = "shown" if undo else "hidden"
    output.say(f"{name} ({guid}) {'is' if changed else 'was'} {state}{'' if changed else ' already'}.")
    return 0


@app.command("forget", rich_help_panel=PANEL)
def forget(
    ctx: typer.Context,
    player: PLAYER,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: WAIT = USUAL,
) -> int:
    """Put a pseudonym in the place of a player's names and GUID, for good, archive and later files included.

    Example: etstats forget 1A2B3C4D

    Exit codes: 0 done, 2 no such player, or not confirmed, 75 the database is down or busy.
    """
    from etstats import output
    from etstats.db import players
    from etstats.errors import ConfigError
    from etstats.importer import anonymize
    from etstats.pipeline.database import open_database
    from etstats.pipeline.site_update import update_site

    context = context_of(ctx)
    with open_database(context.config) as conn, conn.transaction():
        guid = options.player(conn, player)
        names = [output.printable(alias.alias) for alias in players.aliases(conn, guid)]
    output.say(f"{guid} was seen as: {', '.join(names)}.")
    output.say("These names and the GUID are replaced in every row and file. This cannot be undone.")
    if not yes and not _confirmed("Forget this player?"):
        raise ConfigError("cancelled; pass --yes to skip the confirmation")
    with exclusive_database(context, wait) as conn:  # not before: nobody waits for a person's answer
        done = anonymize.forget(conn, guid, context.config.copies_root)
    update_site(context.config)
    output.say(
        f"Forgotten: {done.who.pseudonym} ({done.who.pseudonym_guid}) stands in "
        f"{pluralize(done.rounds, 'round')} now."
    )
    output.say("Messages in Discord follow with the next etstats post; backups made before are not changed.")
    return 0


def _confirmed(question: str) -> bool:
    """Ask; where nobody is there to answer, the answer is no."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            return False
        raise


def _account(text: str) -> int:
    """A Discord account's number, bare or as a mention."""
    from etstats.errors import ConfigError

    digits = text.strip().removeprefix("<@").removeprefix("!").removesuffix(">")
    if not (digits.isascii() and digits.isdecimal() and 15 <= len(digits) <= 20) or int(digits) >= 2**63:
        raise ConfigError(
            f"{text}: a Discord account's number has 17 to 20 digits; in Discord: Copy User ID (developer mode)."
        )
    return int(digits)


def _name(conn: "Connection", guid: str) -> str:
    from etstats import output
    from etstats.db.sessions import last_names

    return output.printable(last_names(conn, [guid]).get(guid, guid))
