"""db: manage the database."""

from typing import Annotated

import typer

from etstats import output
from etstats.admin import upkeep
from etstats.admin.upkeep import DatabaseStatus
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.options import DocumentFormat
from etstats.db import embedded
from etstats.db.maintenance import ReplicaFacts
from etstats.domain.text import bytes_in_words, pluralize
from etstats.pipeline.site_update import mark_outdated, update_site

family = typer.Typer(
    no_args_is_help=True, help="Manage the database and the names of its servers.\n\nExample: etstats db status"
)
app = typer.Typer()
app.add_typer(family, name="db")


@family.command("status")
@bundled
def status(ctx: typer.Context, *, written: DocumentFormat) -> int:
    """Show the database: location, state, size and schema.

    Starts and changes nothing.

    "missing" lists tables, columns, indexes, constraints, triggers, views and functions that were dropped or
    changed.

    Example: etstats db status

    Exit codes: 0 done, 2 wrong settings, 3 something is missing from the schema, 75 a configured server does not
    respond.
    """
    found = upkeep.status(context_of(ctx).config)
    if written.as_json:
        output.write_json(found)
        return 3 if found.missing else 0
    size = bytes_in_words(found.size_bytes) if found.size_bytes is not None else None
    lines = {
        "kind": found.kind,
        "running": "yes" if found.running else "no; the next command starts it, or: etstats db start",
        "database": found.name,
        "PostgreSQL": _version(found),
        "size": size,
        "schema": found.schema or ("none yet; etstats db migrate" if found.running else None),
        "pending": ", ".join(found.pending),
        "missing": ", ".join(found.missing),
        "folder": found.folder,
        "log": found.log_folder,
        "replica": _behind(found.replica) if found.replica else None,
    }
    for key, value in lines.items():
        if value:
            print(f"{key:<12}{value}")
    return 3 if found.missing else 0


def _version(found: DatabaseStatus) -> str | None:
    if found.server_version is None:
        return found.installed_version
    newer = embedded.newer_version(found.server_version) if found.installed_version else None
    return f"{found.server_version}; {newer} is installed: etstats db stop" if newer else found.server_version


def _behind(replica: ReplicaFacts) -> str:
    if not replica.is_replica:
        return "database.read_url is not a replica but a separate database"
    behind = (
        "has received nothing yet" if replica.bytes_behind is None else f"{replica.bytes_behind:,} bytes behind"
    )
    return f"{behind}, last commit {replica.as_of:%Y-%m-%d %H:%M:%S} UTC" if replica.as_of else behind


@family.command("migrate")
def migrate(ctx: typer.Context) -> None:
    """Migrate the schema to the current version, as every other command does.

    Example: etstats db migrate

    Exit codes: 0 done, or there was nothing to do, 2 the database is newer than this etstats, 75 no connection.
    """
    context = context_of(ctx)
    done = upkeep.migrate(context.config)
    if context.verbosity >= 0:
        output.say(f"applied: {', '.join(done)}" if done else "the schema is up to date")


@family.command("start")
def start(ctx: typer.Context) -> None:
    """Start the embedded PostgreSQL; other commands start it as needed.

    Example: etstats db start

    Exit codes: 0 it runs, 2 another server is configured, 75 it does not start.
    """
    context = context_of(ctx)
    upkeep.start(context.config)
    if context.verbosity >= 0:
        output.say("the embedded PostgreSQL is running")


@family.command("stop")
def stop(ctx: typer.Context) -> None:
    """Stop the embedded PostgreSQL; the next command starts it again.

    Open transactions are rolled back.

    Example: etstats db stop

    Exit codes: 0 stopped, 2 another server is configured, 75 it does not stop.
    """
    context = context_of(ctx)
    was_running = upkeep.stop(context.config)
    if context.verbosity >= 0:
        output.say(
            "the embedded PostgreSQL is stopped" if was_running else "the embedded PostgreSQL was not running"
        )


@family.command("rename-server")
def rename_server(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="The name in the database.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The name in the settings from now on.")],
) -> None:
    """Rename a game server; it keeps rounds, posts and corrections.

    Change the name in the settings as well. If only the name in the settings was changed, the next sync recognizes
    the server by its files.

    Example: etstats db rename-server main public

    Exit codes: 0 done, 2 no such server, or NEW has rounds, 75 the database is down or busy.
    """

    context = context_of(ctx)
    mark_outdated(context.config)
    files = upkeep.rename_server(context.config, old, new)
    update_site(context.config)
    if context.verbosity >= 0:
        output.say(f'server "{old}" is now named "{new}" ({pluralize(files, "file")})')
        configured = {server.name for server in context.config.servers}
        if old in configured and new not in configured:
            output.say(f'set name = "{new}" in the settings too, or the next sync imports its files again')
