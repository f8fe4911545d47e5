"""quarantine: the files that were not imported, and why."""

from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.lock_wait import USUAL, WAIT, exclusive_database
from etstats.commands.option_groups import bundled
from etstats.output import Column, Format, Table, text, when, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etstats.db.quarantine import Quarantined

app = typer.Typer()
quarantine = typer.Typer(invoke_without_command=True)
app.add_typer(quarantine, name="quarantine", rich_help_panel="Audit")

NAMES = Annotated[list[str], typer.Argument(metavar="ID|FILE...", help="Ids or file names.")]
ALL = Annotated[bool, typer.Option("--all", help="The discarded ones too.")]


@quarantine.callback()
@bundled
def bare(
    ctx: typer.Context,
    *,
    with_discarded: ALL = False,
    written: options.OutputFormat,
) -> int | None:
    """The files that were not imported, and why; alone it lists them.

    Nothing is lost in quarantine: the bytes are kept, and a file is tried again by itself when it changes.

    Example: etstats quarantine show 2025-10-02-232818-erdenberg_t2-round-2.txt

    Exit codes: 0 done, 2 no such file in quarantine, 3 retried and still bad, 75 the database is down or busy.
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
    """List what is in quarantine, oldest first.

    Example: etstats quarantine list --json

    Exit codes: 0 done, 75 the database is down.
    """
    return _list(ctx, written.style, with_discarded=with_discarded)


@quarantine.command()
def show(ctx: typer.Context, names: NAMES, *, as_json: options.JSON = False) -> int:
    """Show files as they came, with the reason next to the line.

    Example: etstats quarantine show 12

    Exit codes: 0 done, 2 no such file in quarantine, 75 the database is down.
    """
    from etstats import output
    from etstats.admin.audit import quarantine as files
    from etstats.pipeline.database import open_for_reading

    with open_for_reading(context_of(ctx).config) as conn:
        shown = files.show(conn, names)
    if as_json:
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
        typer.Argument(metavar="[ID|FILE...]", help="Ids or file names; none: all that are listed."),
    ] = None,
    wait: WAIT = USUAL,
) -> int:
    """Try files again, for those who changed their mind or installed a newer etstats.

    Example: etstats quarantine retry

    Exit codes: 0 all are imported now, 2 no such file in quarantine, 3 some are still bad, 75 the database is down
    or busy.
    """
    from etstats import output
    from etstats.admin.audit import quarantine as files
    from etstats.importer.outcome import ImportStatus
    from etstats.pipeline.database import timezone_of

    context = context_of(ctx)
    config = context.config
    with exclusive_database(context, wait) as conn:
        outcomes = files.retry(conn, names or [], timezone_of(conn, config), config.sessions.gap)
    bad = [o for o in outcomes if o.status in (ImportStatus.QUARANTINED, ImportStatus.STILL_QUARANTINED)]
    for outcome in bad:
        output.say(f"still in quarantine: {outcome.filename}: {outcome.reason}")
    if context.verbosity >= 0:
        output.say(f"quarantine: {len(outcomes) - len(bad)} imported, {len(bad)} still in quarantine")
    return 3 if bad else 0


@quarantine.command()
def discard(ctx: typer.Context, names: NAMES, wait: WAIT = USUAL) -> int:
    """Hide files: they are kept, but not listed until their content changes.

    Example: etstats quarantine discard 12

    Exit codes: 0 done, 2 no such file in quarantine, 75 the database is down or busy.
    """
    from etstats import output
    from etstats.admin.audit import quarantine as files

    context = context_of(ctx)
    with exclusive_database(context, wait) as conn:
        gone = files.discard(conn, names)
    if context.verbosity >= 0:
        output.say(f"quarantine: {len(gone)} discarded")
    return 0


def _list(ctx: typer.Context, style: Format, *, with_discarded: bool) -> int:
    from etstats import output
    from etstats.admin.audit import quarantine as files
    from etstats.pipeline.database import open_for_reading

    with open_for_reading(context_of(ctx).config) as conn:
        found = files.find(conn, [], with_discarded=with_discarded)
    output.show(_table(found, with_discarded=with_discarded), style)
    return 0


def _table(found: "Sequence[Quarantined]", *, with_discarded: bool) -> Table:
    columns = [
        whole("id", "Id"),
        text("server", "Server"),
        text("filename", "File"),
        whole("size_bytes", "Bytes"),
        whole("line", "Line"),
        text("reason", "Reason"),
        Column(key="has_good", heading="Good one", text=lambda has_good: "counts" if has_good else "none"),
        when("since", "Since"),
    ]
    if with_discarded:
        columns.append(when("discarded_at", "Discarded"))
    return Table(title="Quarantine", columns=columns, rows=found, empty="Nothing is in quarantine.")
