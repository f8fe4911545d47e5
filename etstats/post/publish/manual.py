"""Posts requested by name: one round, map or session; again; or only as a preview."""

from datetime import datetime

from etstats.db import journal, pending_posts
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.journal import JournalEntry
from etstats.db.pending_posts import Kind, PendingPost
from etstats.db.scope import Scope
from etstats.errors import ConfigError, LockedError, NotFoundError
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import has_webhook
from etstats.post.publish.pending import PendingPosts
from etstats.post.publish.rendering import PageOf, RenderedPost, render
from etstats.post.publish.report import PostReport, how_to_resolve, title
from etstats.post.publish.run import Publisher
from etstats.post.settings import DiscordConfig, TimezoneOf
from etstats.stats import sessions


def thing(conn: Connection, kind: Kind, name: str, server: str | None = None) -> PendingPost:
    """Return the round or session of an id (or `last`), or a match id's map; NotFoundError names nearby ones."""
    match kind:
        case "round":
            ids = [sessions.round_view(conn, _number(conn, kind, name)).round.id]
        case "session":
            ids = [r.id for r in sessions.session_view(conn, _number(conn, kind, name)).rounds]
        case _:
            ids = _rounds_of_match(conn, name, server)
    conn.commit()
    item = pending_posts.named(conn, kind, ids)
    if kind == "map" and sessions.round_view(conn, item.round_id or 0).round.round_number != 2:
        raise NotFoundError(f"match {name} has no round 2 yet; its map is posted when that has come")
    conn.commit()
    return item


def post_named(
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    item: PendingPost,
    *,
    limit_seconds: float,
    refresh: bool,
    page_of: PageOf | None = None,
) -> PostReport:
    """Post one thing whatever the watermark says, or edit its message when it was posted already.

    What Discord refused before is tried again. LockedError: another run is posting.
    """
    run = _run(conn, settings, timezone_of, now, limit_seconds, page_of)
    with journal.poster_lock(conn) as is_ours:
        _insist(is_ours)
        if run.channels.way(item.server_id, item.kind) is None:
            raise ConfigError(f"{title(item)}: [discord] kinds leaves this kind out, or names no webhook for it")
        run.begin()
        there = journal.post_of(conn, item)
        if there is None or there.state in ("pending", "failed"):
            run.post(item, again=True)
        elif there.state != "sent":
            raise NotFoundError(f"{title(there)}: whether it was posted is unknown; {how_to_resolve(there.id)}")
        elif not refresh:
            run.report.lines.append(f"{title(there)} was posted already; to bring it up to date, add --refresh")
        elif there.message_id is None:
            run.report.lines.append(f"{title(there)}: its message id is not known, so it cannot be edited")
        else:
            run.correct_posts([there])
    return run.report


def refresh_all(
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    *,
    limit_seconds: float,
    page_of: PageOf | None = None,
) -> PostReport:
    """Compare every message in Discord with the database, and edit those that are out of date."""
    run = _run(conn, settings, timezone_of, now, limit_seconds, page_of)
    with journal.poster_lock(conn) as is_ours:
        _insist(is_ours)
        run.begin()
        pending_posts.change_all_posted(conn)
        run.correct()
        run.close()
    return run.report


def preview(  # noqa: PLR0917
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    item: PendingPost | None,
    since: datetime | None,
    page_of: PageOf | None = None,
) -> list[RenderedPost]:
    """What would be posted: one thing, or all that is due, as if posting began at `since`. Keeps nothing."""
    with conn.transaction(force_rollback=True):
        if item is not None:
            return [render(conn, item, settings, page_of)]
        watch = Deadline(now, 0.0)
        look = PendingPosts(conn, settings, watch)
        if since is not None:
            pending_posts.move_watermarks(conn, since)
        Publisher(conn, settings, timezone_of, look, watch).gather_backlogs()
        return [render(conn, one, settings, page_of) for one in look.due()]


def unresolved(conn: Connection, settings: DiscordConfig, timezone_of: TimezoneOf, now: datetime) -> list[str]:
    """Return the posts whose delivery is unknown and the deleted webhooks, a line each with what to do."""
    return _run(conn, settings, timezone_of, now, 0.0).channels.obstacles() + [
        f"{title(post)}: whether it was posted is unknown: {post.reason}; {how_to_resolve(post.id)}"
        for post in journal.unresolved(conn)
        if post.state == "unknown"
    ]


def resolve(conn: Connection, post_id: int, state: str, message_id: str | None) -> JournalEntry:
    """Settle by hand what became of an unknown or failed post: `sent` or `failed`.

    With the message's id a sent one can be corrected later. NotFoundError: no such post waits for it.
    """
    if state not in ("sent", "failed"):
        raise ConfigError(f"--as {state}: say sent (it stands in the channel) or failed (it does not)")
    if message_id is not None and not (message_id.isascii() and message_id.isdecimal() and len(message_id) <= 20):
        raise ConfigError("--message: a message's id is a number: copy it with Discord's 'Copy Message ID'")
    reason = "resolved by hand: " + ("the message was posted" if state == "sent" else "the message was not posted")
    found = message_id if state == "sent" else None
    if not journal.resolve(conn, post_id, "sent" if state == "sent" else "failed", reason, found):
        waiting = ", ".join(str(post.id) for post in journal.unresolved(conn)) or "none"
        raise NotFoundError(f"there is no post {post_id} to resolve; those that wait for it: {waiting}")
    return journal.posts(conn, [post_id])[0]


def insist_on_webhook(settings: DiscordConfig) -> None:
    """ConfigError unless there is a webhook to post to."""
    if not has_webhook(settings):
        raise ConfigError("no webhook is configured: set [discord] webhook_url_file, or run: etstats init")


def _run(  # noqa: PLR0917
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    limit_seconds: float,
    page_of: PageOf | None = None,
) -> Publisher:
    insist_on_webhook(settings)
    conn.commit()
    watch = Deadline(now, limit_seconds)
    return Publisher(conn, settings, timezone_of, PendingPosts(conn, settings, watch), watch, page_of=page_of)


def _insist(is_ours: bool) -> None:
    if not is_ours:
        raise LockedError("another etstats is posting at this moment; try again in a minute")


def _number(conn: Connection, kind: Kind, name: str) -> int:
    if name == "last":
        scope = Scope()
        found = (
            [r.id for r in stored.recent_rounds(conn, scope, 1)]
            if kind == "round"
            else stored.recent_sessions(conn, scope, 1)
        )
        if not found:
            raise NotFoundError(f"there is no last {kind}: the database has no rounds yet; run: etstats sync")
        return found[0]
    if not (name.isascii() and name.isdecimal() and len(name) < 19):
        raise ConfigError(f"--{kind} {name}: an id is expected, or last; see: etstats {kind}s")
    return int(name)


def _rounds_of_match(conn: Connection, match_id: str, server: str | None) -> list[int]:
    found = {
        name: ids
        for server_id, name in pending_posts.servers(conn).items()
        if server in (None, name) and (ids := [r.id for r in stored.rounds_of_match(conn, server_id, match_id)])
    }
    if not found:
        raise NotFoundError(f"there is no match {match_id}; see: etstats rounds")
    if len(found) > 1:
        raise NotFoundError(f"match {match_id} was played on several servers; add --server: {', '.join(found)}")
    return next(iter(found.values()))
