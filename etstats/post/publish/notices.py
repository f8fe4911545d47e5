"""Publish messages that are not about a file, each exactly once, with a separate journal."""

from dataclasses import replace
from datetime import datetime, tzinfo

from etstats.db import notices, pending_posts
from etstats.db.connection import Connection
from etstats.db.message_states import NOTICES
from etstats.db.notices import Notice, NoticeKind
from etstats.logs import event
from etstats.post.publish.channels import Channels
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import NO_SERVER, Destination, destinations
from etstats.post.publish.report import PostReport, refused
from etstats.post.render.message import Message
from etstats.post.render.text import plain
from etstats.post.settings import DiscordConfig
from etstats.post.webhook.responses import (
    Banned,
    ChannelRefused,
    Gone,
    NotAccepted,
    Outcome,
    Permanent,
    RetryAfter,
    Sent,
    Unknown,
    log_level,
)

_ONCE_MORE = 2
"""Attempts of a permanent message: if it is deleted, it is posted again once."""


class NoticePublisher:
    """Sends and edits notices; the connection must have no open transaction.

    The caller holds the posting lock. `zone` is the time zone of the quiet hours.
    """

    def __init__(self, conn: Connection, settings: DiscordConfig, zone: tzinfo, deadline: Deadline) -> None:
        self._conn = conn
        self._settings = settings
        self._servers = pending_posts.servers(conn)
        self._zone = zone
        self._deadline = deadline
        self._by_kind = destinations(settings, self._servers)
        self.channels = Channels(conn, self._by_kind, deadline)
        self.report = PostReport()

    def recover(self) -> None:
        """Mark notices that a killed run left in state `sending` as unknown."""
        self.channels.reload()
        self.channels.reopen()
        for notice in notices.notices(self._conn, NOTICES.mark_interrupted_unknown(self._conn)):
            what = title(notice.kind, notice.subject, notice.server)
            self.report.add_unknown(what, notice.reason, f"n{notice.id}")

    def destination(self, kind: NoticeKind, server_id: int = NO_SERVER) -> Destination | None:
        """Return the destination of a kind of message; None if it is not posted."""
        return self._by_kind.get((server_id, kind))

    def send(
        self,
        kind: NoticeKind,
        subject: str,
        message: Message,
        server_id: int = NO_SERVER,
        last_at: datetime | None = None,
        *,
        fingerprint: str | None = None,
        again: bool = False,
    ) -> None:
        """Post a message, unless it was posted or its channel accepts no posts now.

        `fingerprint`: compared by later edits; None: that of the whole message. `again`: also if Discord refused
        it before.
        """
        destination = self.destination(kind, server_id)
        if destination is None:
            return
        if not self.channels.is_open_soon(destination) or not self._deadline.left():
            self.report.counts["waiting"] += 1
            self.report.is_unfinished = True
            self.report.needs_care |= self.channels.is_gone(destination)
            return
        now = self._deadline.now()
        message = replace(
            message,
            username=self._settings.username,
            silent=self._settings.is_quiet(now, self._zone),
            thread_name=plain(message.embeds[0].title, 100) if destination.forum else None,
        )
        what = title(kind, subject, self._servers.get(server_id))
        notice_id = notices.claim(
            self._conn, kind, subject, server_id or None, destination.channel, now, last_at=last_at, again=again
        )
        if notice_id is None:
            return
        outcome = self.channels.send(destination, notice_id, message, {}, destination.thread_id, states=NOTICES)
        self._log("notice", kind, notice_id, outcome)
        self._settle(notice_id, what, outcome, destination, fingerprint or message.fingerprint())

    def edit(
        self, notice: Notice, message: Message, *, fingerprint: str | None = None, is_forced: bool = False
    ) -> None:
        """Edit a posted message if it differs, or if `is_forced`."""
        destination = self.channels.named(notice.channel)
        fingerprint = fingerprint or message.fingerprint()
        is_current = fingerprint == notice.fingerprint and not is_forced
        if is_current or destination is None or notice.message_id is None:
            if notice.is_outdated:
                notices.record_edit(self._conn, notice.id, notice.fingerprint or fingerprint)
            return
        if not self.channels.is_open_soon(destination, "edit") or not self._deadline.left():
            self.report.is_unfinished = True
            return
        thread_id = notice.thread_id or destination.thread_id
        outcome = self.channels.webhook(destination).edit(
            notice.message_id, message, budget=self._deadline.left(), thread_id=thread_id
        )
        self._log("notice edited", notice.kind, notice.id, outcome)
        self._settle_edit(notice, outcome, destination, fingerprint)

    def show(self, kind: NoticeKind, subject: str, message: Message, server_id: int = NO_SERVER) -> None:
        """Post a permanent message, or edit it; if its channel changed, post it again."""
        destination = self.destination(kind, server_id)
        notice = notices.of_subject(self._conn, kind, subject)
        if (
            destination is not None
            and notice is not None
            and notice.state == "sent"
            and notice.channel != destination.channel
        ):
            notices.reset(self._conn, notice.id, "the settings name another channel")
            notice = notices.of_subject(self._conn, kind, subject)
        if notice is None or notice.state == "pending":
            self.send(kind, subject, message, server_id)
        elif notice.state == "sent" and destination is not None:
            self.edit(notice, message)

    @staticmethod
    def _log(what: str, kind: str, notice_id: int, outcome: Outcome) -> None:
        event(what, level=log_level(outcome), kind=kind, notice=notice_id, outcome=type(outcome).__name__.lower())

    def _settle(
        self, notice_id: int, what: str, outcome: Outcome, destination: Destination, fingerprint: str
    ) -> None:
        """Record the outcome of a claimed message, and update the state of its channel."""
        now, count = self._deadline.now(), self.report.counts
        match outcome:
            case Sent():
                count["posted"] += 1
                self.report.sent.append(what)
                self.channels.record_success(destination)
                NOTICES.record(
                    self._conn,
                    notice_id,
                    "sent",
                    now,
                    message_id=outcome.message_id,
                    thread_id=outcome.channel_id if destination.forum else None,
                    fingerprint=fingerprint,
                )
            case Unknown(reason=reason):
                NOTICES.record(self._conn, notice_id, "unknown", now, reason=reason)
                self.report.add_unknown(what, reason, f"n{notice_id}")
                self.channels.record_failure(destination, reason)
            case Permanent(reason=reason):
                NOTICES.record(self._conn, notice_id, "failed", now, reason=reason)
                count["failed"] += 1
                self.report.add_problem(refused(what, reason))
            case _:
                reason = _in_words(outcome)
                NOTICES.record(self._conn, notice_id, "pending", now, reason=reason)
                count["waiting"] += 1
                self._hold(destination, outcome, reason)

    def _settle_edit(self, notice: Notice, outcome: Outcome, destination: Destination, fingerprint: str) -> None:
        match outcome:
            case Sent():
                self.report.counts["edited"] += 1
                self.channels.record_success(destination, "edit")
                notices.record_edit(self._conn, notice.id, fingerprint, now=self._deadline.now())
            case Permanent() as refusal if refusal.is_deleted:
                if notice.kind in ("status", "admin") and notice.attempts < _ONCE_MORE:
                    notices.reset(self._conn, notice.id, "deleted in Discord")
                else:
                    notices.record_edit(self._conn, notice.id, fingerprint, reason="deleted in Discord")
            case Permanent(reason=reason):
                notices.record_edit(self._conn, notice.id, fingerprint, reason=reason)
                self.report.counts["failed"] += 1
                what = title(notice.kind, notice.subject, notice.server)
                self.report.add_problem(f"{what}: its message cannot be edited: {reason}")
            case RetryAfter(edits_only=True):
                self.channels.hold(destination, outcome, "edit")
            case ChannelRefused(reason=reason):
                self.report.is_unfinished = True
                self.channels.record_failure(destination, reason, "edit")
            case _:
                self._hold(destination, outcome, _in_words(outcome))

    def _hold(self, destination: Destination, outcome: Outcome, reason: str) -> None:
        """Hold the channel according to the response; report problems once."""
        self.report.is_unfinished = True
        is_news = False
        match outcome:
            case Gone():
                self.report.needs_care = True
                is_news = self.channels.close(destination, reason)
            case ChannelRefused():
                self.report.needs_care = True
                is_news = self.channels.record_failure(destination, reason)
            case _:
                self.channels.hold(destination, outcome)
        if is_news:
            self.report.add_problem(self.channels.obstacle(destination))


def title(kind: NoticeKind, subject: str, server: str | None) -> str:
    """Return the name of a message for output."""
    names = {
        "status": f"status of {server}",
        "game_on": f"game on at {server}",
        "session_start": f"start of a session on {server}",
        "season": f"season {subject}",
        "morning": f"summary of {subject}",
        "on_this_day": f"on this day {subject}",
        "admin": "health report",
    }
    return names.get(kind, f"recap of {subject}")


def _in_words(outcome: Outcome) -> str:
    match outcome:
        case RetryAfter(seconds):
            return f"Discord asks to wait for {seconds:.0f} s"
        case NotAccepted(reason) | Banned(_, reason) | Gone(reason=reason) | ChannelRefused(reason=reason):
            return reason
    return type(outcome).__name__.lower()
