"""watch: the line as one long process."""

from typing import Annotated

import typer

from etstats.commands.context import context_of

app = typer.Typer()


@app.command("watch", rich_help_panel="The line")
def watch(
    ctx: typer.Context,
    *,
    every: Annotated[str, typer.Option("--every", metavar="5s", help="How often to poll a game server.")] = "5s",
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Only this server.")] = None,
    no_post: Annotated[bool, typer.Option("--no-post", help="Fetch and import, and post nothing.")] = False,
) -> int:
    """Fetch, import and post until told to stop: the same as cron does, in one process over one connection.

    A folder of this machine is polled as soon as a file is finished there. SIGTERM and Ctrl-C end it cleanly.
    docs/systemd has a unit for it.

    Example: etstats watch

    Exit codes: 0 stopped, 2 wrong settings, 4 key or host key refused at the start.
    """
    import time
    from datetime import UTC, datetime

    from etstats import output
    from etstats.errors import EtstatsError
    from etstats.pipeline import sync_run, watch_loop
    from etstats.sync.job import Timing

    context = context_of(ctx)
    poll = sync_run.seconds(every, "--every")

    with watch_loop.stopped_by_signals() as stop:

        def run() -> EtstatsError | None:
            limit = min(context.config.sync.run_limit, watch_loop.LONGEST_RUN)
            timing = Timing(poll=poll, until=time.monotonic() + limit, stop=stop.for_run())
            report = sync_run.sync(
                context.config, now=datetime.now(UTC), server=server, timing=timing, post=not no_post
            )
            for outcome in report.quarantined:
                output.say(f"quarantined: {outcome.filename}: {outcome.reason}")
            return report.errors[0] if report.errors else None

        if context.verbosity >= 0:
            output.say(f"watching, polling every {every}; Ctrl-C ends it")
        watch_loop.watch(run, stop, tell=lambda text: output.say(f"etstats: {text}"))
    if context.verbosity >= 0:
        output.say("stopped; nothing is left half-done")
    return 0
