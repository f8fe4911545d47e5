"""sync, import: files from game servers or folders into the database, and to Discord."""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.admin.ping import pinged
from etstats.admin.repeats import not_fetched, quarantined, refused_name
from etstats.commands.context import context_of
from etstats.commands.lock_wait import WAIT, patience, wait_notice
from etstats.commands.progress import ProgressBar, ProgressLines
from etstats.domain.durations import seconds
from etstats.pipeline import import_run, sync_jobs, sync_run
from etstats.pipeline.report import Progress, Report
from etstats.pipeline.site_update import NOT_UPDATED

app = typer.Typer()


@app.command("import")
def import_(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders of round files.")],
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Server that the files come from.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Import at most N files.")] = None,
    wait: WAIT = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Parse and check; store nothing.")] = False,
) -> int:
    """Import files and folders from this machine.

    They pass the same checks as the files that sync fetches.

    Example: etstats import ~/gamestats --server main

    Exit codes: 0 done, 2 no such path, 3 some files were quarantined, 75 the database is down or busy.
    """
    context = context_of(ctx)
    if dry_run:
        return show_report("checked", import_run.check(paths, limit=limit), quiet=context.verbosity < 0)
    if server is not None and (similar := import_run.similar_server(context.config, server)):
        notice = f'"{server}" is a new server, and there is one named "{similar}".'
        if sys.stdin.isatty():
            typer.confirm(f"{notice} Import as a new server?", abort=True, err=True)
        elif context.verbosity >= 0:
            output.say(f"import: {notice}")
    with output.progress("files") as move:
        report = import_run.import_paths(
            context.config,
            paths,
            server=server,
            limit=limit,
            patience=patience(wait, context),
            progress=ProgressBar(move, wait_notice(context)),
        )
    return show_report("import", report, quiet=context.verbosity < 0)


@app.command()
def sync(
    ctx: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="From: 24h, 7d, 2weeks, today, week, month, 2025-10-01, all."),
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Only this server.")] = None,
    post: Annotated[
        bool, typer.Option("--post", help="Publish pending posts to Discord as files arrive.")
    ] = False,
    poll: Annotated[
        str | None, typer.Option(metavar="5s", help="Keep polling at this interval over one connection.")
    ] = None,
    for_: Annotated[str | None, typer.Option("--for", metavar="55s", help="How long to keep polling.")] = None,
    idle_every: Annotated[
        str | None, typer.Option(metavar="10m", help="Minimum polling interval while the server is idle.")
    ] = None,
    wait: WAIT = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be fetched; fetch nothing.")] = False,
) -> int:
    """Fetch new files from the game servers and import them.

    Without --since: all files on the first run, later only files newer than one day before the newest known file.

    Example: etstats -q sync --post --poll 5s --for 55s

    Exit codes: 0 done, also without new files, 2 configuration, 3 some files were quarantined, 4 key or host key
    refused, 75 busy, or a server, the database or Discord is down.
    """
    context = context_of(ctx)
    now = datetime.now(UTC)
    if dry_run:
        for line in sync_jobs.preview(context.config, now=now, server=server, since=since):
            output.out().print(line, markup=False)
        return 0
    timing = sync_run.timing(context.config, poll=poll, duration=for_)
    idle = idle_every or context.config.sync.idle_every
    resting = None if idle is None or since else timedelta(seconds=seconds(idle, "--idle-every"))
    is_quiet = context.verbosity < 0
    says_lines = poll is not None and not is_quiet
    with pinged(context.config.health.ping_url) as run, ExitStack() as bar:
        if says_lines:
            progress: Progress = ProgressLines(output.say, f"polling every {poll}", quiet=False)
        else:
            progress = ProgressBar(bar.enter_context(output.progress("files")), wait_notice(context))
        report = sync_run.sync(
            context.config,
            now=now,
            server=server,
            since=since,
            timing=timing,
            idle_every=resting,
            post=post,
            thorough=context.verbosity > 0,
            patience=patience(wait, context),
            progress=progress,
        )
        bar.close()
        run.lines.append(str(report))
        run.code = show_report("sync", report, quiet=is_quiet, are_errors_shown=says_lines)
    return run.code


def show_report(what: str, report: Report, *, quiet: bool, are_errors_shown: bool = False) -> int:
    """Print the problems that were not printed before and a summary; return the exit code."""
    for name, reason in report.refused_names.items():
        output.say(f"refused: {name}: {reason}", problem=refused_name(name))
    if not are_errors_shown:
        for outcome in report.quarantined:
            output.say(quarantined(outcome.filename, outcome.reason))
        for server in sorted({server for server, _ in report.missed}):
            missed = [f"{name}: {reason}" for (of, name), reason in report.missed.items() if of == server]
            output.say("\n".join(f"{server}: not fetched: {line}" for line in missed), problem=not_fetched(server))
        for line in report.post_lines:
            output.say(f"etstats: {line}")
        for error in map(str, report.errors):
            output.say(f"etstats: {error}", problem=NOT_UPDATED if error.startswith(NOT_UPDATED) else None)
    if not quiet:
        for server, names in report.misdated.items():
            output.say(f"{server}: {names[-1]}: date in the name and file time differ; see: etstats health")
        for hint in report.hints:
            output.say(hint)
        for server, former in report.renamed.items():
            output.say(f'{server}: recognized by its files; it was named "{former}" and keeps its rounds')
        for server, reason in report.idle_servers.items():
            output.say(f"{server}: {reason}")
        output.say(f"{what}: {report}")
    return report.exit_code
