"""Posting to Discord by hand: what is due, what is named, again, or only to poll it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands.context import context_of

if TYPE_CHECKING:
    from etstats.config.schema import Config
    from etstats.db.connection import Connection
    from etstats.db.pending_posts import Kind, PendingPost
    from etstats.post.publish import PostReport
    from etstats.post.publish.rendering import RenderedPost

app = typer.Typer()


@app.command(rich_help_panel="The line")
def post(
    ctx: typer.Context,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Draw the messages as Discord would show them; send and store nothing."),
    ] = False,
    round_: Annotated[str | None, typer.Option("--round", metavar="ID", help="This round; or last.")] = None,
    match: Annotated[str | None, typer.Option(metavar="ID", help="The map of this match id.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="This session; or last.")] = None,
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Whose match it is.")] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Edit messages that are out of date.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Post what ended since then, now and in later runs: 24h, today, all."),
    ] = None,
    resolve: Annotated[
        int | None, typer.Option(metavar="ID", help="Settle what became of a post of unknown fate, with --as.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="sent|failed", help="It stands in the channel, or it does not.")
    ] = None,
    message: Annotated[
        str | None, typer.Option(metavar="ID", help="With --as sent: its message id, so that it can be edited.")
    ] = None,
) -> int:
    """Post all that is due to Discord, or the one named; nothing is ever posted twice.

    What ended before the first run is left out, unless --since says from when on.

    Example: etstats post --dry-run --round last

    Exit codes: 0 done, 2 no webhook or nothing of that name, 3 a post failed for good or its fate is unknown,
    75 Discord or the database is down, or another run is posting.
    """
    from etstats import output
    from etstats.pipeline.database import open_database, open_for_reading
    from etstats.pipeline.site_update import page_of
    from etstats.post.publish import manual

    context = context_of(ctx)
    config, now = context.config, datetime.now(UTC)
    asked_for: tuple[tuple[Kind, str | None], ...] = (("round", round_), ("map", match), ("session", session))
    named = [(kind, name) for kind, name in asked_for if name]
    if len(named) > 1:
        raise typer.BadParameter("name one of --round, --match and --session")
    if (resolve is None) != (as_ is None):
        raise typer.BadParameter("--resolve and --as go together")
    if dry_run:
        with open_for_reading(config) if named else open_database(config) as conn:
            item = _thing(conn, named, server)
            return _draw(
                manual.preview(
                    conn, config.discord, config.timezone, now, item, _moment(config, now, since), page_of(config)
                ),
                config,
            )
    with open_database(config) as conn:
        if resolve is not None:
            settled = manual.resolve(conn, resolve, as_ or "", message)
            output.say(f"post {settled.id} counts as {settled.state} from now on")
            return 0
        report = _post(conn, config, now, _thing(conn, named, server), refresh=refresh, since=since)
        others = manual.unresolved(conn, config.discord, config.timezone, now)
    lines = report.lines if context.verbosity < 0 else dict.fromkeys([*report.lines, *others, *report.notes])
    for line in lines:
        output.say(line)
    if context.verbosity >= 0:
        output.say(f"post: {report}")
    return report.exit_code


def _post(
    conn: "Connection",
    config: "Config",
    now: datetime,
    item: "PendingPost | None",
    *,
    refresh: bool,
    since: str | None,
) -> "PostReport":
    from etstats.pipeline.site_update import page_of
    from etstats.post.publish import manual, post_due

    settings, limit, pages = config.discord, config.discord.run_limit, page_of(config)
    if item is not None:
        return manual.post_named(
            conn, settings, config.timezone, now, item, limit_seconds=limit, refresh=refresh, page_of=pages
        )
    if refresh:
        return manual.refresh_all(conn, settings, config.timezone, now, limit_seconds=limit, page_of=pages)
    manual.insist_on_webhook(settings)
    since_ = _moment(config, now, since)
    return post_due(conn, settings, config.timezone, now, limit_seconds=limit, since=since_, page_of=pages)


def _moment(config: "Config", now: datetime, since: str | None) -> datetime | None:
    from etstats.commands.options import zone_of
    from etstats.post.publish import EVERYTHING
    from etstats.sync.time_range import parse_when

    return None if since is None else parse_when(since, now, zone_of(config)) or EVERYTHING


def _thing(conn: "Connection", named: "list[tuple[Kind, str]]", server: str | None) -> "PendingPost | None":
    from etstats.post.publish import manual

    return manual.thing(conn, named[0][0], named[0][1], server) if named else None


def _draw(shown: "list[RenderedPost]", config: "Config") -> int:
    """Draw what would be posted, and write its pictures where the drawing says."""
    import tempfile
    from pathlib import Path

    from etstats import output
    from etstats.post.render.terminal import draw

    for number, told in enumerate(shown, 1):
        pictures = told.pictures()
        folder = Path(tempfile.mkdtemp(prefix=f"etstats-post-{number}-")) if pictures else Path()
        places = {name: folder / name for name in pictures}
        for name, content in pictures.items():
            places[name].write_bytes(content)
        draw(told.message, places, config.timezone(told.facts.server))
        output.out().print()
    if not shown:
        output.say("nothing is due; to see what a post looks like: etstats post --dry-run --round last")
    return 0
