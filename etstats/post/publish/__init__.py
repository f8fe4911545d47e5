"""Publish from the database to Discord, each post exactly once, through the journal in the database."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from etstats.db import journal, pending_posts
from etstats.db.connection import Connection
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import has_webhook
from etstats.post.publish.pending import PendingPosts
from etstats.post.publish.report import PostReport
from etstats.post.settings import DiscordConfig, TimezoneOf

if TYPE_CHECKING:
    from etstats.post.publish.rendering import PageOf

__all__ = ["EVERYTHING", "PostReport", "post_due"]

EVERYTHING = datetime(1970, 1, 1, tzinfo=UTC)
"""The `since` that leaves no round out."""

_CORRECTIONS = 0.25  # of a run's time: a history to be corrected must not keep the next round waiting
_FIRST = "posting begins now: rounds that end from this moment on; to begin earlier: etstats post --since 24h"


def post_due(
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    *,
    limit_seconds: float,
    since: datetime | None = None,
    page_of: "PageOf | None" = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PostReport:
    """Post what is due and correct what changed; returns at once when there is nothing, or no webhook.

    What does not fit into `limit_seconds` waits for the next run. `since` moves, for this and all later runs, the
    moment from which on rounds are posted; it begins as the moment of the first run. `page_of` gives the page that
    a title leads to. Commits on `conn`. `clock` and `sleep` are for tests. ConfigError: a webhook that is none.
    DatabaseError: the connection to the database was lost.
    """
    if not has_webhook(settings):
        return PostReport()
    conn.commit()
    watch = Deadline(now, limit_seconds, clock, sleep)
    look = PendingPosts(conn, settings, watch)
    if since is not None:
        pending_posts.move_watermarks(conn, since)
    notes = [_FIRST] if look.is_first and since is None else []
    if not look.has_work():
        return PostReport(notes=notes)
    from etstats.post.publish.run import Publisher  # imported only when there is something to post

    run = Publisher(conn, settings, timezone_of, look, watch, page_of=page_of)
    run.report.notes += notes
    with journal.poster_lock(conn) as is_ours:
        if not is_ours:
            run.report.later("another etstats is posting at this moment; it takes what is due")
            return run.report
        run.begin()
        run.post_due()
        run.correct(_CORRECTIONS)
        run.close()
    return run.report
