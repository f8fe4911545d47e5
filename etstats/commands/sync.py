"""The pipeline: from a game server, or a folder, into the database and on to Discord."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands.context import context_of

if TYPE_CHECKING:
    from etstats.pipeline.report import Report, Watcher

app = typer.Typer()
PANEL = "The line"


@app.command("import", rich_help_panel=PANEL)
def import_(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders of round files.")],
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Whose files these are.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N files.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Parse and check; store nothing.")] = False,
) -> int:
    """Import files and folders from this machine, with the same checks as sync.

    Example: etstats import ~/gamestats --server main

    Exit codes: 0 done, 2 no such path, 3 some files were quarantined, 75 the database is down or busy.
    """
    from etstats import output
    from etstats.pipeline import import_run

    context = context_of(ctx)
    if dry_run:
        return tell("checked", import_run.check(paths, limit=limit), quiet=context.verbosity < 0)
    with output.progress("files") as move:
        report = import_run.import_paths(context.config, paths, server=server, limit=limit, watcher=watcher(move))
    return tell("import", report, quiet=context.verbosity < 0)


@app.command(rich_help_panel=PANEL)
def sync(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="From when on: 24h, 7d, 2weeks, today, week, month, 2025-10-01, all."),
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Only this server.")] = None,
    post: Annotated[bool, typer.Option("--post", help="Post what is due to Discord, as it comes.")] = False,
    poll: Annotated[
        str | None, typer.Option(metavar="5s", help="Look again and again, this often, over one connection.")
    ] = None,
    for_: Annotated[str | None, typer.Option("--for", metavar="55s", help="How long to go on looking.")] = None,
    idle_every: Annotated[
        str | None, typer.Option(metavar="10m", help="While nobody plays, look no more often than this.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched; fetch nothing.")] = False,
) -> int:
    """Fetch what is new from the game servers and import it.

    Without --since: everything on the first run, later what is newer than the newest known file minus a day.

    Example: etstats -q sync --post --poll 5s --for 55s

    Exit codes: 0 done, nothing new included, 2 configuration, 3 some files were quarantined, 4 key or host key
    refused, 75 busy, or a server, the database or Discord is down.
    """
    from etstats import output
    from etstats.admin.ping import pinged
    from etstats.pipeline import sync_run

    context = context_of(ctx)
    now = datetime.now(UTC)
    if dry_run:
        for line in sync_run.preview(context.config, now=now, server=server, since=since):
            output.out().print(line, markup=False)
        return 0
    timing = sync_run.timing(context.config, poll=poll, duration=for_)
    idle = idle_every or context.config.sync.idle_every
    resting = None if idle is None or since else timedelta(seconds=sync_run.seconds(idle, "--idle-every"))
    with pinged(context.config.health.ping_url) as run:
        with output.progress("files") as move:
            report = sync_run.sync(
                context.config,
                now=now,
                server=server,
                since=since,
                timing=timing,
                idle_every=resting,
                post=post,
                thorough=context.verbosity > 0,
                watcher=watcher(move),
            )
        run.lines.append(str(report))
        run.code = tell("sync", report, quiet=context.verbosity < 0)
    return run.code


def watcher(move: Callable[[int, int], None]) -> "Watcher":
    """A watcher that moves a progress bar by (done, total) files."""
    from etstats.pipeline.report import Watcher

    done = total = 0

    def coming(count: int) -> None:
        nonlocal total
        total += count
        move(done, total)

    def seen(_: object) -> None:
        nonlocal done
        done += 1
        move(done, total)

    return Watcher(coming=coming, seen=seen)


def tell(what: str, report: "Report", *, quiet: bool) -> int:
    """Say what needs a person, then, unless quiet, what was done; returns the exit code."""
    from etstats import output

    for outcome in report.quarantined:
        output.say(f"quarantined: {outcome.filename}: {outcome.reason}")
    for (server, name), reason in report.missed.items():
        output.say(f"not to be had from {server}: {name}: {reason}")
    for line in report.post_lines:
        output.say(f"etstats: {line}")
    for error in report.errors:
        output.say(f"etstats: {error}")
    if not quiet:
        for server, reason in report.resting.items():
            output.say(f"{server}: {reason}")
        output.say(f"{what}: {report}")
    return report.exit_code
