"""db: the database itself."""

from typing import TYPE_CHECKING

import typer

from etstats.commands.context import context_of
from etstats.commands.options import JSON

if TYPE_CHECKING:
    from etstats.admin.upkeep import DatabaseStatus
    from etstats.db.maintenance import ReplicaFacts

family = typer.Typer(no_args_is_help=True, help="Manage the database: status, migrate, start, stop.")
app = typer.Typer()
app.add_typer(family, name="db", rich_help_panel="Operate")


@family.command("status")
def status(ctx: typer.Context, as_json: JSON = False) -> int:
    """Show where the database is, whether it runs, its size and its schema; starts and changes nothing.

    "missing" lists tables, columns, indexes, constraints, triggers, views and functions that were dropped or
    changed.

    Example: etstats db status

    Exit codes: 0 done, 2 wrong settings, 3 something is missing from the schema, 75 a configured server does not
    answer.
    """
    from etstats import output
    from etstats.admin import upkeep

    found = upkeep.status(context_of(ctx).config)
    if as_json:
        output.write_json(found)
        return 3 if found.missing else 0
    size = f"{found.size_bytes / 1e6:,.1f} MB" if found.size_bytes is not None else None
    lines = {
        "kind": found.kind,
        "running": "yes" if found.running else "no; it starts by itself, or with: etstats db start",
        "base": found.name,
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
            output.out().print(f"{key:<12}{value}", soft_wrap=True)
    return 3 if found.missing else 0


def _version(found: "DatabaseStatus") -> str | None:
    from etstats.db import embedded

    if found.server_version is None:
        return found.installed_version
    newer = embedded.newer_version(found.server_version) if found.installed_version else None
    return f"{found.server_version}; {newer} is installed: etstats db stop" if newer else found.server_version


def _behind(replica: "ReplicaFacts") -> str:
    if not replica.is_replica:
        return "database.read_url is not a replica but a separate database"
    behind = (
        "has received nothing yet" if replica.bytes_behind is None else f"{replica.bytes_behind:,} bytes behind"
    )
    return f"{behind}, last commit {replica.as_of:%Y-%m-%d %H:%M:%S} UTC" if replica.as_of else behind


@family.command("migrate")
def migrate(ctx: typer.Context) -> None:
    """Bring the schema up to date; every other command does so too.

    Example: etstats db migrate

    Exit codes: 0 done, or there was nothing to do, 2 the database is newer than this etstats, 75 it is down.
    """
    from etstats import output
    from etstats.admin import upkeep

    context = context_of(ctx)
    done = upkeep.migrate(context.config)
    if context.verbosity >= 0:
        output.say(f"applied: {', '.join(done)}" if done else "the schema is up to date")


@family.command("start")
def start(ctx: typer.Context) -> None:
    """Start the embedded PostgreSQL; every command that needs it does so too.

    Example: etstats db start

    Exit codes: 0 it runs, 2 another server is configured, 75 it does not come up.
    """
    from etstats import output
    from etstats.admin import upkeep

    context = context_of(ctx)
    upkeep.start(context.config)
    if context.verbosity >= 0:
        output.say("the embedded PostgreSQL is running")


@family.command("stop")
def stop(ctx: typer.Context) -> None:
    """Stop the embedded PostgreSQL; open transactions are rolled back, the next command starts it again.

    Example: etstats db stop

    Exit codes: 0 it is down, 2 another server is configured, 75 it does not stop.
    """
    from etstats import output
    from etstats.admin import upkeep

    context = context_of(ctx)
    was_running = upkeep.stop(context.config)
    if context.verbosity >= 0:
        output.say(
            "the embedded PostgreSQL is stopped" if was_running else "the embedded PostgreSQL was not running"
        )
