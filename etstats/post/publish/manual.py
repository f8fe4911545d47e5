"""Posts requested by a user: post one item, refresh, retry, resolve, preview."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from typing import Literal, NamedTuple

from etstats.db import journal, notices, pending_posts
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.message_states import NOTICES, POSTS
from etstats.db.pending_posts import Kind, PendingPost
from etstats.db.scope import Scope
from etstats.domain.text import pluralize
from etstats.errors import ConfigError, LockedError, NotFoundError
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import destinations, has_webhook
from etstats.post.publish.notices import title as notice_title
from etstats.post.publish.pending import PageOf, PendingPosts, styled
from etstats.post.publish.rendering import RenderedPost, render
from etstats.post.publish.report import how_to_resolve, how_to_retry, refused, title, unknown_delivery
from etstats.post.publish.run import Publisher, item_of
from etstats.post.settings import DiscordConfig, TimezoneOf
from etstats.stats import sessions

_POST = re.compile(r"(n?)(\d{1,15})", re.ASCII)
_BY_HAND = {
    "sent": "resolved by hand: the message was posted",
    "failed": "resolved by hand: the message was not posted",
}


_RECENT = 50  # number of newest rounds to search for the last match


def thing(conn: Connection, kind: Kind, name: str, server: str | None = None) -> PendingPost:
    """Return the round, session (id or `last`) or map (match id); NotFoundError lists similar ones."""
    match kind:
        case "round":
            ids = [sessions.round_view(conn, _number(conn, kind, name)).round.id]
        case "session":
            ids = [round_.id for round_ in sessions.session_view(conn, _number(conn, kind, name)).rounds]
        case _:
            ids = _rounds_of_match(conn, name, server)
    conn.commit()
    item = pending_posts.named(conn, kind, ids)
    if kind == "map" and sessions.round_view(conn, item.round_id or 0).round.round_number != 2:
        raise NotFoundError(f"match {name} has no round 2 yet; its map is posted after round 2")
    conn.commit()
    return item


@contextmanager
def publishing(
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    *,
    limit_seconds: float,
    page_of: PageOf | None = None,
) -> Iterator[Publisher]:
    """Yield the publisher with the posting lock held; LockedError if another run holds it."""
    run = _run(conn, settings, timezone_of, now, limit_seconds, page_of)
    with journal.poster_lock(conn) as is_ours:
        if not is_ours:
            raise LockedError("another etstats run is posting; try again in a minute")
        run.recover()
        yield run


def post_named(
    conn: Connection, settings: DiscordConfig, run: Publisher, item: PendingPost, *, refresh: bool
) -> None:
    """Post one item regardless of the start time, or edit its message if it was posted.

    What Discord refused before is tried again.
    """
    item = styled(item, settings, destinations(settings, pending_posts.servers(conn)))
    if run.channels.destination(item.server_id, item.kind) is None:
        raise ConfigError(f"{title(item)}: this kind is not in [discord] kinds, or has no webhook")
    run.channels.lift_pauses()
    there = journal.post_of(conn, item)
    if there is None or there.state in ("pending", "failed"):
        run.post(item, again=True)
    elif there.state != "sent":
        raise NotFoundError(f"{title(there)}: whether it was posted is unknown; {how_to_resolve(there.id)}")
    elif not refresh:
        run.report.lines.append(f"{title(there)} was posted already; to update it, add --refresh")
    elif there.message_id is None:
        run.report.lines.append(f"{title(there)}: its message id is not known, so it cannot be edited")
    else:
        run.renews_history = True
        run.correct_posts([there])


def refresh_all(conn: Connection, run: Publisher) -> None:
    """Compare every sent message with the database, and edit outdated ones."""
    pending_posts.change_all_posted(conn)
    run.renews_history = True
    run.correct()


def preview(  # noqa: PLR0917
    conn: Connection,
    settings: DiscordConfig,
    timezone_of: TimezoneOf,
    now: datetime,
    item: PendingPost | None,
    since: datetime | None,
    page_of: PageOf | None = None,
) -> list[RenderedPost]:
    """Return the messages that would be posted: one item, or all that are due since `since`. Stores nothing."""
    with conn.transaction(force_rollback=True):
        if item is not None:
            shown = styled(item, settings, destinations(settings, pending_posts.servers(conn)))
            return [render(conn, shown, settings, page_of)]
        deadline = Deadline(now, 0.0)
        pending = PendingPosts(conn, settings, deadline)
        if since is not None:
            pending_posts.move_watermarks(conn, since)
        Publisher(conn, settings, timezone_of, pending, deadline).gather_backlogs()
        return [render(conn, one, settings, page_of) for one in pending.due()]


def retry_failed(conn: Connection, run: Publisher) -> None:
    """Send again the posts that Discord refused."""
    run.channels.lift_pauses()
    notices.retry_failed(conn)
    for entry in journal.failed(conn):
        run.post(item_of(entry), again=True)


class Unresolved(NamedTuple):
    """Problems that need a decision, one line each, and whether a webhook is gone.

    `reported`: the lines with which a run reported these problems when it met them.
    """

    lines: list[str]
    has_closed: bool
    reported: list[str]


def unresolved(conn: Connection, settings: DiscordConfig, timezone_of: TimezoneOf, now: datetime) -> Unresolved:
    """Return the posts with unknown or failed delivery, and the channels that accept no posts."""
    channels = _run(conn, settings, timezone_of, now, 0.0).channels
    obstacles = channels.obstacles()
    unknown: list[str] = []
    failed: list[str] = []
    reasons: set[str] = set()
    for post in journal.unresolved(conn):
        reasons.add(post.reason)
        if post.state == "unknown":
            unknown.append(unknown_delivery(title(post), post.reason, post.id))
        elif post.state == "failed":
            failed.append(refused(title(post), post.reason, how_to_retry(post)))
    for notice in notices.unresolved(conn):
        reasons.add(notice.reason)
        what = notice_title(notice.kind, notice.subject, notice.server)
        if notice.state == "unknown":
            unknown.append(unknown_delivery(what, notice.reason, f"n{notice.id}"))
        elif notice.state == "failed":
            failed.append(refused(what, notice.reason))
    # A channel is also held after the failure of one of these posts.
    reported = [line for line, reason in obstacles.items() if reason not in reasons]
    lines = [*obstacles, *unknown]
    if failed:
        what = pluralize(len(failed), "post")
        lines.append(f"Discord refused {what}; to try again: etstats post --retry-failed")
    return Unresolved(lines, channels.has_closed(), [*reported, *unknown, *failed])


def resolve(conn: Connection, name: str, state: str, message_id: str | None) -> str:
    """Set the delivery of an unknown or failed post to `sent` or `failed`; return its number.

    `name` is the number of a post, `n` and the number of a notice, or `last`: the newest post, else the newest
    notice. With a message id, a sent post can be edited later. ConfigError: invalid name. NotFoundError: no such
    unresolved post.
    """
    _check_state(state)
    waiting = [f"n{notice.id}" for notice in sorted(notices.unresolved(conn), key=attrgetter("id"))]
    waiting += [str(post.id) for post in sorted(journal.unresolved(conn), key=attrgetter("id"))]
    if name == "last":
        if not waiting:
            raise NotFoundError("there is no post to resolve")
        name = waiting[-1]
    match = _POST.fullmatch(name)
    if match is None:
        raise ConfigError(f"--resolve {name}: expected the number of a post, such as 12 or n12, last or all")
    if message_id is not None and not (message_id.isascii() and message_id.isdecimal() and len(message_id) <= 20):
        raise ConfigError("--message: a message's id is a number: copy it with Discord's 'Copy Message ID'")
    found = message_id if state == "sent" else None
    new: Literal["sent", "failed"] = "sent" if state == "sent" else "failed"
    messages = NOTICES if match[1] else POSTS
    if not messages.resolve(conn, int(match[2]), new, _BY_HAND[state], found):
        raise NotFoundError(f"there is no post {name} to resolve; unresolved: {', '.join(waiting) or 'none'}")
    return name


def resolve_all(conn: Connection, state: str) -> int:
    """Set all posts with unknown delivery to `sent` or `failed`; return their number."""
    _check_state(state)
    new: Literal["sent", "failed"] = "sent" if state == "sent" else "failed"
    return sum(messages.resolve(conn, None, new, _BY_HAND[state]) for messages in (POSTS, NOTICES))


def _check_state(state: str) -> None:
    if state not in _BY_HAND:
        raise ConfigError(f"--as {state}: expected sent (the message is in the channel) or failed (it is not)")


def insist_on_webhook(settings: DiscordConfig) -> None:
    """Raise ConfigError without a configured webhook."""
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
    deadline = Deadline(now, limit_seconds)
    return Publisher(
        conn, settings, timezone_of, PendingPosts(conn, settings, deadline), deadline, page_of=page_of
    )


def _number(conn: Connection, kind: Kind, name: str) -> int:
    if name == "last":
        scope = Scope()
        found = (
            [round_.id for round_ in stored.recent_rounds(conn, scope, 1)]
            if kind == "round"
            else stored.recent_sessions(conn, scope, 1)
        )
        if not found:
            raise NotFoundError(f"there is no last {kind}: the database has no rounds yet; run: etstats sync")
        return found[0]
    if not (name.isascii() and name.isdecimal() and len(name) < 19):
        raise ConfigError(f"--{kind} {name}: expected an id, or last; see: etstats {kind}s")
    return int(name)


def _rounds_of_match(conn: Connection, match_id: str, server: str | None) -> list[int]:
    if match_id == "last":
        recent = stored.recent_rounds(conn, Scope(server=server), _RECENT)
        newest = next((round_ for round_ in recent if round_.round_number == 2), None)
        if newest is None:
            raise NotFoundError("there is no last match: the database has no round 2 yet; run: etstats sync")
        match_id, server = newest.match_id, newest.server
    found = {
        name: ids
        for server_id, name in pending_posts.servers(conn).items()
        if server in (None, name)
        and (ids := [round_.id for round_ in stored.rounds_of_match(conn, server_id, match_id)])
    }
    if not found:
        raise NotFoundError(f"there is no match {match_id}; see: etstats rounds")
    if len(found) > 1:
        raise NotFoundError(f"match {match_id} was played on several servers; add --server: {', '.join(found)}")
    return next(iter(found.values()))
