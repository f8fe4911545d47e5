"""Publish from the database to Discord, each post exactly once, through the journal in the database."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from etstats.db import journal, pending_posts
from etstats.db.connection import Connection
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import has_webhook
from etstats.post.publish.pending import PageOf, PendingPosts
from etstats.post.publish.report import PostReport
from etstats.post.settings import DiscordConfig, TimezoneOf

__all__ = ["EVERYTHING", "PostReport", "begin_posting", "post_due"]

EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC)
"""The `since` that leaves no round out."""

_CORRECTIONS = 0.25  # of a run's time, so that many corrections do not delay new posts


def begin_posting(conn: Connection, settings: DiscordConfig, now: datetime) -> datetime | None:
    """Record the current time as the start of posting, unless recorded; return the recorded time.

    None: no webhook is set. Commits on `conn`. ConfigError: a webhook's URL is not valid.
    """
    if not has_webhook(settings):
        return None
    conn.commit()
    PendingPosts(conn, settings, Deadline(now, 0.0))
    return pending_posts.posting_start(conn).since


def post_due(
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    *,
    limit_seconds: float,
    since: datetime | None = None,
    page_of: PageOf | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PostReport:
    """Send pending posts and edit changed ones; return at once if there are none, or no webhook.

    Posts that exceed `limit_seconds` are left to the next run. `since` sets, for this and all later runs, the time
    from which rounds are posted; the default is the time of the first run. `page_of` returns the page linked in a
    title. Commits on `conn`. `clock` and `sleep` are for tests. ConfigError: invalid webhook.
    DatabaseError: the connection to the database was lost.
    """
    if not has_webhook(settings):
        return PostReport()
    conn.commit()
    deadline = Deadline(now, limit_seconds, clock, sleep)
    pending = PendingPosts(conn, settings, deadline)
    if since is not None:
        pending_posts.move_watermarks(conn, since)
    if not pending.has_work():
        pending.close_finished_sessions(())
        return PostReport()
    from etstats.post.publish.run import Publisher  # noqa: PLC0415  # the HTTP library

    run = Publisher(conn, settings, timezone_of, pending, deadline, page_of=page_of)
    with journal.poster_lock(conn) as is_ours:
        if not is_ours:
            run.report.postpone("another etstats run is posting; it sends all pending posts")
            return run.report
        run.recover()
        run.post_due()
        run.correct(_CORRECTIONS)
        pending.close_finished_sessions(pending.due())
    return run.report
