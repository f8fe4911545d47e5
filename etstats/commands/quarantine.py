"""quarantine: list and handle the files that were not imported."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from etstats import output
from etstats.admin.audit import quarantine as files
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.db.quarantine import Quarantined
from etstats.domain.import_result import ImportStatus
from etstats.output import Column, Format, Table, filename, sentence, text, when, whole
from etstats.pipeline.database import open_for_reading, store_settings, timezone_of
from etstats.pipeline.site_update import mark_outdated, update_site

app = typer.Typer()
quarantine = typer.Typer(invoke_without_command=True)
app.add_typer(quarantine, name="quarantine")

NAMES = Annotated[list[str], typer.Argument(metavar="last|ID|FILE...", help="Ids or file names.")]
ALL = Annotated[bool, typer.Option("--all", help="Include discarded files.")]


@quarantine.callback()
@bundled
def bare(
    ctx: typer.Context,
    *,
    with_discarded: ALL = False,
    written: options.OutputFormat,
) -> int | None:
    """List and handle the files that were not imported.

    Without a command the files are listed with the reason.

    Quarantined files keep their bytes and are tried again when they change.

    Example: etstats quarantine show 2025-10-02-232818-erdenberg_t2-round-2.txt

    Exit codes: 0 done, 2 no such file in quarantine, 3 still invalid, 75 the database is down or busy.
    """
    if ctx.invoked_subcommand is not None:
        return None
    return _list(ctx, written.style, with_discarded=with_discarded)


@quarantine.command("list")
@bundled
def list_(
    ctx: typer.Context,
    *,
    with_discarded: ALL = False,
    written: options.OutputFormat,
) -> int:
    """List the quarantined files, oldest first.

    Example: etstats quarantine list --json

    Exit codes: 0 done, 75 the database is down.
    """
    return _list(ctx, written.style, with_discarded=with_discarded)


@quarantine.command()
@bundled
def show(ctx: typer.Context, names: NAMES, *, written: options.DocumentFormat) -> int:
    """Show files as received, with the reason next to the line.

    Example: etstats quarantine show 12

    Exit codes: 0 done, 2 no such file in quarantine, 75 the database is down.
    """
    with open_for_reading(context_of(ctx).config) as conn:
        shown = files.show(conn, names)
    if written.as_json:
        output.write_json(shown)
        return 0
    for one in shown:
        entry = one.entry
        output.out().print(f"{entry.filename} ({entry.server}, {entry.size_bytes:,} bytes, id {entry.id})")
        if not entry.line:
            output.out().print(f"  {output.printable(entry.reason)}")
        for number, line in enumerate(one.lines, 1):
            output.out().print(f"{number:>4}  {output.printable(line)}", soft_wrap=True)
            if number == entry.line:
                output.out().print(f"   ^  {output.printable(entry.reason)}", style="bold red", soft_wrap=True)
    return 0


@quarantine.command()
def retry(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[last|ID|FILE...]", help="Ids or file names; default: all listed files."),
    ] = None,
    wait: WAIT = None,
) -> int:
    """Try files again, for example with a newer etstats.

    Example: etstats quarantine retry

    Exit codes: 0 all were imported, 2 no such file in quarantine, 3 some are still invalid, 75 the database is
    down or busy.
    """
    context = context_of(ctx)
    config = context.config
    mark_outdated(config)
    with exclusive_database(context, wait) as conn:
        store_settings(conn, config)
        outcomes = files.retry(conn, names or [], timezone_of(conn, config), config.sessions.gap)
    update_site(config)
    bad = [
        outcome
        for outcome in outcomes
        if outcome.status in (ImportStatus.QUARANTINED, ImportStatus.STILL_QUARANTINED)
    ]
    for outcome in bad:
        output.say(f"still in quarantine: {outcome.filename}: {outcome.reason}")
    if context.verbosity >= 0:
        output.say(f"quarantine: {len(outcomes) - len(bad)} imported, {len(bad)} still in quarantine")
    return 3 if bad else 0


@quarantine.command()
def discard(ctx: typer.Context, names: NAMES, wait: WAIT = None) -> int:
    """Hide files until their content changes; they are kept.

    Example: etstats quarantine discard 12

    Exit codes: 0 done, 2 no such file in quarantine, 75 the database is down or busy.
    """
    context = context_of(ctx)
    with exclusive_database(context, wait) as conn:
        gone = files.discard(conn, names)
    if context.verbosity >= 0:
        output.say(f"quarantine: {len(gone)} discarded")
    return 0


def _list(ctx: typer.Context, style: Format, *, with_discarded: bool) -> int:
    with open_for_reading(context_of(ctx).config) as conn:
        found = files.find(conn, [], with_discarded=with_discarded)
    output.show(_table(found, with_discarded=with_discarded), style)
    return 0


def _table(found: Sequence[Quarantined], *, with_discarded: bool) -> Table:
    columns = [
        replace(whole("id", "Id"), importance=2),
        text("server", "Server"),
        filename(),
        whole("size_bytes", "Bytes"),
        whole("line", "Line"),
        sentence("reason", "Reason", importance=2),
        Column(key="has_good", heading="Good one", text=lambda has_good: "counts" if has_good else "none"),
        when("since", "Since"),
    ]
    if with_discarded:
        columns.append(when("discarded_at", "Discarded"))
    return Table(title="Quarantine", columns=columns, rows=found, empty="No files in quarantine.")
