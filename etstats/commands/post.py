"""post: publish, preview, retry or resolve posts."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.commands.context import context_of
from etstats.commands.options import zone_of
from etstats.config.schema import Config
from etstats.db import pending_posts
from etstats.db.connection import Connection
from etstats.db.pending_posts import Kind, PendingPost
from etstats.domain.text import local_time, pluralize
from etstats.pipeline.database import open_database, open_for_reading
from etstats.pipeline.site_update import page_of
from etstats.pipeline.site_update import zone_of as site_zone
from etstats.post.publish import EVERYTHING, PostReport, calendar, manual, post_due
from etstats.post.publish.rendering import RenderedPost
from etstats.post.render.terminal import draw
from etstats.stats import ratings
from etstats.sync.time_range import parse_when

app = typer.Typer()


@app.command()
def post(
    ctx: typer.Context,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the messages as in Discord; send nothing."),
    ] = False,
    round_: Annotated[
        str | None, typer.Option("--round", metavar="ID", help="Post this round (an id, or last).")
    ] = None,
    match: Annotated[str | None, typer.Option(metavar="ID", help="Post the map with this match id.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Post this session (an id, or last).")] = None,
    server: Annotated[str | None, typer.Option(metavar="NAME", help="Server of the match.")] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Edit messages that are out of date.")] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Post rounds that ended since: 24h, today, all."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Send again the posts that Discord refused.")
    ] = False,
    resolve: Annotated[
        str | None,
        typer.Option(metavar="last|ID|all", help="Resolve a post whose delivery is unknown, or all of them."),
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="sent|failed", help="Mark the post as sent or failed.")
    ] = None,
    message: Annotated[
        str | None, typer.Option(metavar="ID", help="Message id for --as sent, so that it can be edited.")
    ] = None,
) -> int:
    """Publish pending posts to Discord, or the item named.

    Nothing is posted twice.

    Only rounds that ended after `etstats init` stored the webhook are posted, unless --since is earlier.

    Example: etstats post --dry-run --round last

    Exit codes: 0 done, 2 no webhook or no such item, 3 a post was refused, its delivery is unknown, or a
    webhook is gone, 75 Discord or the database is down, posts are pending, or another run is posting.
    """
    context = context_of(ctx)
    config, now = context.config, datetime.now(UTC)
    asked_for: tuple[tuple[Kind, str | None], ...] = (("round", round_), ("map", match), ("session", session))
    named = [(kind, name) for kind, name in asked_for if name]
    if len(named) > 1:
        raise typer.BadParameter("give only one of --round, --match and --session")
    if (resolve is None) != (as_ is None):
        raise typer.BadParameter("--resolve and --as must be used together")
    if message is not None and (resolve is None or resolve == "all"):
        raise typer.BadParameter("--message needs --resolve ID")
    if retry_failed and (named or refresh or since or resolve or dry_run):
        raise typer.BadParameter("--retry-failed cannot be used with other options")
    if dry_run:
        with open_for_reading(config, ratings.update) if named else open_database(config) as conn:
            if not named:
                ratings.update(conn)
            item = _thing(conn, named, server)
            return _draw(
                manual.preview(
                    conn, config.discord, config.timezone, now, item, _moment(config, now, since), page_of(config)
                ),
                config,
            )
    with open_database(config) as conn:
        if resolve is not None:
            return _resolve(conn, resolve, as_ or "", message)
        item = _thing(conn, named, server)
        if item is None and not refresh and not retry_failed:
            report = _post_due(conn, config, now, since)
        else:
            report = _post(conn, config, now, item, refresh=refresh)
        report.merge(
            calendar.correct(conn, config.discord, now, site_zone(config), limit_seconds=config.discord.run_limit)
        )
        others = manual.unresolved(conn, config.discord, config.timezone, now)
        start = pending_posts.posting_start(conn)
    report.needs_care |= others.has_closed
    lines = report.lines if context.verbosity < 0 else dict.fromkeys([*report.lines, *others.lines])
    for line in lines:
        output.say(line)
    if context.verbosity >= 0:
        output.say(f"post: {report}")
        if not report.counts and start.since is not None and not start.has_posts:
            output.say(
                f"Rounds that ended since {local_time(start.since)} are posted. To post from an earlier time: "
                "etstats post --since 24h"
            )
    return report.exit_code


def _resolve(conn: Connection, name: str, state: str, message_id: str | None) -> int:
    """Mark one post, or all whose delivery is unknown, as sent or failed."""
    if name == "all":
        output.say(f"{pluralize(manual.resolve_all(conn, state), 'post')} marked as {state}")
        return 0
    resolved = manual.resolve(conn, name, state, message_id)
    output.say(f"post {resolved} marked as {state}")
    return 0


def _post(
    conn: Connection, config: Config, now: datetime, item: PendingPost | None, *, refresh: bool
) -> PostReport:
    """Post or refresh one thing; without one refresh all, or post again what was refused."""
    settings, limit, pages = config.discord, config.discord.run_limit, page_of(config)
    with manual.publishing(conn, settings, config.timezone, now, limit_seconds=limit, page_of=pages) as run:
        if item is not None:
            manual.post_named(conn, settings, run, item, refresh=refresh)
        elif refresh:
            manual.refresh_all(conn, run)
        else:
            manual.retry_failed(conn, run)
    return run.report


def _post_due(conn: Connection, config: Config, now: datetime, since: str | None) -> PostReport:
    settings, limit, pages = config.discord, config.discord.run_limit, page_of(config)
    manual.insist_on_webhook(settings)
    since_ = _moment(config, now, since)
    return post_due(conn, settings, config.timezone, now, limit_seconds=limit, since=since_, page_of=pages)


def _moment(config: Config, now: datetime, since: str | None) -> datetime | None:
    return None if since is None else parse_when(since, now, zone_of(config)) or EVERYTHING


def _thing(conn: Connection, named: list[tuple[Kind, str]], server: str | None) -> PendingPost | None:
    return manual.thing(conn, named[0][0], named[0][1], server) if named else None


def _draw(shown: list[RenderedPost], config: Config) -> int:
    """Print the messages that would be posted, and write their pictures to the printed paths."""
    for number, post_ in enumerate(shown, 1):
        pictures = post_.pictures()
        folder = Path(tempfile.mkdtemp(prefix=f"etstats-post-{number}-")) if pictures else Path()
        places = {name: folder / name for name in pictures}
        for name, content in pictures.items():
            places[name].write_bytes(content)
        draw(post_.message, places, config.timezone(post_.server))
        output.out().print()
    if not shown:
        output.say("no pending posts; to preview one: etstats post --dry-run --round last")
    return 0
