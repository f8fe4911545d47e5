"""backup and restore."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import lock_wait, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.domain.text import pluralize

if TYPE_CHECKING:
    from etstats.admin.backup import RestorePreview

app = typer.Typer()
PANEL = "Operate"


@app.command("backup", rich_help_panel=PANEL)
@bundled
def backup(
    ctx: typer.Context,
    *,
    list_: Annotated[bool, typer.Option("--list", help="Show the backups there are; make none.")] = False,
    written: options.OutputFormat,
) -> None:
    """Back up the database into one file, prove that it restores, and remove the old ones.

    Example: etstats backup

    Exit codes: 0 done, 2 the folder cannot be used, 75 no space, the database is down, or another backup is
    running.
    """
    from datetime import UTC, datetime

    from etstats import output
    from etstats.admin import backup as backups

    context = context_of(ctx)
    folder = backups.folder_of(context.config)
    if list_:
        columns = [
            output.text("path", "Backup"),
            output.when("made_at", "Made (UTC)"),
            output.whole("size_bytes", "Bytes"),
        ]
        empty = f"No backup in {folder}. Make one with: etstats backup"
        table = output.Table(title="Backups", columns=columns, rows=backups.backups(folder), empty=empty)
        output.show(table, written.style)
        return
    made = backups.make(context.config, datetime.now(UTC))
    if context.verbosity >= 0:
        removed = f", {len(made.removed)} old removed" if made.removed else ""
        output.say(
            f"backup: {pluralize(made.rounds, 'round')}, {pluralize(made.rows, 'row')}, "
            f"{made.backup.size_bytes:,} bytes in {made.seconds:.1f} s, restored and compared{removed}: "
            f"{made.backup.path}"
        )


@app.command("restore", rich_help_panel=PANEL)
def restore(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="BACKUP", help="A file, or `latest`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: lock_wait.WAIT = lock_wait.USUAL,
) -> None:
    """Restore the database from a backup (the current one is backed up first).

    Without --yes it shows what would change, and asks.

    Example: etstats restore latest

    Exit codes: 0 done, 2 no such backup, not a valid one, or not confirmed, 75 another run is running, or the
    database is down.
    """
    from datetime import UTC, datetime

    from etstats import output
    from etstats.admin import backup as backups
    from etstats.errors import ConfigError
    from etstats.pipeline.site_update import update_site

    context = context_of(ctx)
    path = backups.find(context.config, name)
    if not yes:
        _show(path, backups.preview(context.config, path))
        if not sys.stdin.isatty():
            raise ConfigError("not restored; pass --yes to restore without a confirmation")
        if not typer.confirm("Restore?", err=True):
            raise ConfigError("not restored; the database is unchanged")
    patience, tell = lock_wait.seconds(wait), lock_wait.teller(context)
    done = backups.restore(context.config, path, datetime.now(UTC), patience=patience, tell=tell)
    update_site(context.config)
    if context.verbosity >= 0:
        kept = f" What was there: {done.kept}" if done.kept else ""
        there = f"{pluralize(done.rounds, 'round')}, {pluralize(done.rows, 'row')}"
        output.say(f"restored {there}, compared with the backup.{kept}")
        output.say("Later rounds come back with the next sync; what was posted is not posted again.")


def _show(path: Path, preview: "RestorePreview") -> None:
    """Say what the backup holds and which tables a restore would change."""
    from etstats import output

    manifest = preview.manifest
    output.say(
        f"{path}: {pluralize(manifest.rows_of('rounds'), 'round')}, {pluralize(manifest.rows, 'row')}, "
        f"made {manifest.made_at:%Y-%m-%d %H:%M} UTC by etstats {manifest.version}"
    )
    if not preview.changes:
        output.say("The database holds the same rows; a restore would change nothing.")
        return
    output.say("A restore would change these tables, after a backup of the current database:")
    width = max(len(change.name) for change in preview.changes)
    for name, now, then in preview.changes:
        what = f"{now:,} -> {then:,} rows" if now != then else f"{pluralize(now, 'row')}, other contents"
        output.say(f"  {name:<{width}}  {what}")
