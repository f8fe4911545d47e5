"""watch: fetch, import and post in one long-running process."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from etstats import output
from etstats.commands.context import context_of
from etstats.commands.progress import ProgressLines
from etstats.domain.durations import seconds
from etstats.errors import EtstatsError
from etstats.pipeline import sync_run, watch_loop
from etstats.sync.job import Timing

app = typer.Typer()


@app.command("watch")
def watch(
    ctx: typer.Context,
    *,
    every: Annotated[str, typer.Option("--every", metavar="5s", help="Polling interval of game servers.")] = "5s",
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Only this server.")] = None,
    no_post: Annotated[bool, typer.Option("--no-post", help="Fetch and import; post nothing.")] = False,
) -> int:
    """Fetch, import and post until interrupted, in one process.

    A folder on this machine is polled as soon as a file is finished. SIGTERM and Ctrl-C stop it cleanly. Each
    change of state, import and post is a line on stderr; with -q only problems.

    Example: etstats watch

    Exit codes: 0 stopped, 2 wrong settings, 4 key or host key refused at the start.
    """
    context = context_of(ctx)
    poll = seconds(every, "--every")

    progress = ProgressLines(
        output.say, f"watching, polling every {every}; stop with Ctrl-C", quiet=context.verbosity < 0
    )

    with watch_loop.stopped_by_signals() as stop:

        def run() -> EtstatsError | None:
            limit = min(context.config.sync.run_limit, watch_loop.LONGEST_RUN)
            timing = Timing(poll=poll, until=time.monotonic() + limit, stop=stop.for_run())
            report = sync_run.sync(
                context.config,
                now=datetime.now(UTC),
                server=server,
                timing=timing,
                post=not no_post,
                progress=progress,
            )
            return report.errors[0] if report.errors else None

        refused = watch_loop.watch(run, stop, notice=progress.interrupted)
    if refused is not None:
        return refused.exit_code
    if context.verbosity >= 0:
        output.say("stopped")
    return 0
