"""backup and restore."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.admin import backup as backups
from etstats.admin.backup import RestorePreview
from etstats.commands import lock_wait, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.domain.text import pluralize
from etstats.errors import ConfigError
from etstats.pipeline.site_update import mark_outdated, update_site

app = typer.Typer()


@app.command("backup")
@bundled
def backup(
    ctx: typer.Context,
    *,
    list_: Annotated[bool, typer.Option("--list", help="List the backups; write none.")] = False,
    written: options.OutputFormat,
) -> None:
    """Back up the database into one file and verify the backup.

    Old backups are removed.

    Example: etstats backup

    Exit codes: 0 done, 2 the folder cannot be used, 75 no space, the database is down, or another backup is
    running.
    """
    context = context_of(ctx)
    folder = backups.folder_of(context.config)
    if list_:
        columns = [
            output.Column(key="path", heading="Backup", text=lambda path: Path(path).name),
            output.when("made_at", "Made (UTC)"),
            output.whole("size_bytes", "Bytes"),
        ]
        empty = f"No backups in {folder}. Create one with: etstats backup"
        table = output.Table(
            title=f"Backups in {folder}", columns=columns, rows=backups.backups(folder), empty=empty
        )
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


@app.command("restore")
def restore(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="BACKUP", help="A file, or `latest`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    wait: lock_wait.WAIT = None,
) -> None:
    """Restore the database from a backup.

    The current database is backed up first.

    Without --yes it shows what would change, and asks.

    Example: etstats restore latest

    Exit codes: 0 done, 2 no such backup, not a valid one, or not confirmed, 75 another run is running, or the
    database is down.
    """
    context = context_of(ctx)
    now = datetime.now(UTC)
    path = backups.find(context.config, name, now)
    if not yes:
        _show(path, backups.preview(context.config, path))
        if not sys.stdin.isatty():
            raise ConfigError("not restored; pass --yes to restore without a confirmation")
        if not typer.confirm("Restore?", err=True):
            raise ConfigError("not restored; the database is unchanged")
    patience, on_wait = lock_wait.patience(wait, context), lock_wait.wait_notice(context)
    mark_outdated(context.config)
    done = backups.restore(context.config, path, now, patience=patience, on_wait=on_wait)
    update_site(context.config)
    if context.verbosity >= 0:
        kept = f" The previous database: {done.kept}" if done.kept else ""
        there = f"{pluralize(done.rounds, 'round')}, {pluralize(done.rows, 'row')}"
        output.say(f"restored {there}, compared with the backup.{kept}")
        output.say("The next sync fetches later rounds again; posted rounds are not posted again.")


def _show(path: Path, preview: RestorePreview) -> None:
    """Print the contents of the backup and the tables that a restore would change."""
    manifest = preview.manifest
    output.say(
        f"{path}: {pluralize(manifest.rows_of('rounds'), 'round')}, {pluralize(manifest.rows, 'row')}, "
        f"made {manifest.made_at:%Y-%m-%d %H:%M} UTC by etstats {manifest.version}"
    )
    if not preview.changes:
        output.say("The database has the same rows; a restore would change nothing.")
        return
    output.say("A restore would change these tables, after a backup of the current database:")
    width = max(len(change.name) for change in preview.changes)
    for name, now, then in preview.changes:
        what = f"{now:,} -> {then:,} rows" if now != then else f"{pluralize(now, 'row')}, different values"
        output.say(f"  {name:<{width}}  {what}")
