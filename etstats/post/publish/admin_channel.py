"""Show the findings of `health` to the admins in one message: edited on changes, resolved at the end."""

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo

from etstats.db import journal, notices
from etstats.db.connection import Connection
from etstats.db.notices import Notice
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import NO_SERVER
from etstats.post.publish.notices import NoticePublisher
from etstats.post.publish.report import PostReport
from etstats.post.render.admin_messages import HealthFinding, findings_message, resolved_message
from etstats.post.settings import DiscordConfig

_RESOLVED = "resolved"
_EDIT_EVERY = timedelta(hours=1)  # numbers and ages change in every run


def show_findings(
    conn: Connection,
    settings: DiscordConfig,
    now: datetime,
    zone: tzinfo,
    findings: Sequence[HealthFinding],
    *,
    limit_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PostReport:
    """Update the message: at once if a finding appears or disappears, else once an hour.

    Commits on `conn`. The first finding after a resolved message starts a new message.
    """
    conn.commit()
    if settings.admin_webhook_url is None:
        return PostReport()
    with journal.poster_lock(conn) as is_ours:
        run = NoticePublisher(conn, settings, zone, Deadline(now, limit_seconds, clock, sleep))
        if not is_ours:
            return run.report
        run.recover()
        destination, last = run.destination("admin"), notices.newest(conn, "admin", NO_SERVER)
        if last is not None and (
            last.fingerprint == _RESOLVED or destination is None or last.channel != destination.channel
        ):
            last = None
        if findings:
            _show(run, last, findings, now)
        elif last is not None:
            _resolve(conn, run, last, now)
    return run.report


def _show(run: NoticePublisher, last: Notice | None, findings: Sequence[HealthFinding], now: datetime) -> None:
    message, fingerprint = findings_message(findings, now), _fingerprint(findings)
    if last is None or last.state == "pending":
        subject = last.subject if last else f"{now:%Y-%m-%dT%H:%M:%S}"
        run.send("admin", subject, message, fingerprint=fingerprint)
    elif last.state == "sent":
        run.edit(last, message, fingerprint=fingerprint, is_forced=_is_old(last, now))


def _resolve(conn: Connection, run: NoticePublisher, last: Notice, now: datetime) -> None:
    """Edit the message to "Resolved"; drop it if it was never posted."""
    if last.state == "pending":
        notices.drop(conn, last.id)
    elif last.message_id is not None:
        run.edit(last, resolved_message(last.created_at, now), fingerprint=_RESOLVED)
    else:
        notices.close(conn, last.id, _RESOLVED)


def _is_old(last: Notice, now: datetime) -> bool:
    changed_at = max(filter(None, (last.sent_at, last.edited_at)), default=now)
    return not timedelta() <= now - changed_at < _EDIT_EVERY


def _fingerprint(findings: Sequence[HealthFinding]) -> str:
    """Return a hash of the findings without their numbers."""
    return hashlib.sha256("\n".join(sorted(one.name for one in findings)).encode()).hexdigest()
