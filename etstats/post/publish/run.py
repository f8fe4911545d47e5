"""Send pending posts, oldest first, and edit outdated messages.

    due -> rendered -> claimed (`sending`, committed) -> sent -> recorded (`sent` with the message id)

If a run dies between claim and record, the post stays in state `sending`; the next run sets it to `unknown`, and
it is not sent again automatically. Only one run posts at a time, so each `sending` it finds is from a dead run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from etstats.db import channel_states, journal, pending_posts
from etstats.db.connection import Connection
from etstats.db.journal import JournalEntry
from etstats.db.message_states import POSTS
from etstats.db.pending_posts import PendingPost
from etstats.errors import NotFoundError
from etstats.logs import event
from etstats.post.publish import rendering
from etstats.post.publish.channels import LONGEST_HOLD, Channels
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import Destination
from etstats.post.publish.pending import PageOf, PendingPosts
from etstats.post.publish.rendering import RenderedPost, render
from etstats.post.publish.report import PostReport, how_to_retry, refused, title
from etstats.post.render.message import Message
from etstats.post.settings import DiscordConfig, TimezoneOf
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
from etstats.stats import ratings

_LEAST_BUDGET = 5.0  # seconds for the first edit of a run, even if its time is over
_UNKNOWN_CHANNEL = 10003
_ARCHIVED_THREAD = 50083
# A forum without a thread, or a thread without a forum: the setting is wrong, not the message.
_WRONG_KIND_OF_CHANNEL = {220001: "forum = true", 220003: "forum = false"}


class Publisher:
    """Sends and edits posts. The connection must have no open transaction."""

    def __init__(
        self,
        conn: Connection,
        settings: DiscordConfig,
        timezone_of: TimezoneOf,
        pending: PendingPosts,
        deadline: Deadline,
        *,
        page_of: PageOf | None = None,
    ) -> None:
        self._conn = conn
        self._timezone_of = timezone_of
        self._settings = settings
        self._page_of = page_of
        self._deadline = deadline
        self._pending = pending
        self._reserve = 0.0
        self.renews_history = False
        """Corrections also update the history that the messages compare with."""
        self._has_edited = False
        self._last_refusal: Outcome | None = None
        self.report = PostReport()
        self.channels = Channels(conn, pending.destinations, deadline)

    def recover(self) -> None:
        """Mark posts that a dead run left in state `sending` as unknown; the caller holds the posting lock."""
        self.channels.reload()
        self.channels.reopen()
        for post in journal.posts(self._conn, POSTS.mark_interrupted_unknown(self._conn)):
            self.report.add_unknown(title(post), post.reason, post.id)

    def post_due(self) -> None:
        """Send the pending posts, as far as time and Discord allow."""
        self.gather_backlogs()
        for item in self._pending.due():
            self.post(item)

    def post(self, item: PendingPost, *, again: bool = False) -> None:
        """Post one item; `again`: also if Discord refused it before."""
        destination = self.channels.destination(item.server_id, item.kind)
        if destination is None or not self.channels.is_open_soon(destination) or not self._deadline.left():
            self.report.counts["waiting"] += 1
            if destination is not None:
                self.report.is_unfinished = True
                self.report.needs_care |= self.channels.is_gone(destination)
            return
        if item.style == "compact" and item.kind in {"round", "map"}:
            ratings.update(self._conn)
        try:
            rendered = self._render(item)
        except NotFoundError:
            return  # its rounds have been deleted
        is_silent = self._settings.is_quiet(self._deadline.now(), self._timezone_of(item.server))
        message, thread_id = self._in_thread(replace(rendered.message, silent=is_silent), item, destination)
        pictures = rendered.pictures()
        post_id = journal.claim(
            self._conn, item, destination.channel, self._deadline.now(), history=rendered.history, again=again
        )
        if post_id is None:
            return
        began = self._deadline.clock()
        outcome = self.channels.send(destination, post_id, message, pictures, thread_id)
        self._settle(post_id, item, outcome, destination=destination, rendered=rendered, thread_id=thread_id)
        self._log("post", item, post_id, outcome, began)

    def correct(self, share: float = 1.0) -> None:
        """Edit posts that differ from the database, session by session, as far as time and Discord allow.

        `share` is the share of the remaining time to use; at least one edit is made.
        """
        self._reserve = (1 - share) * self._deadline.left()
        if self.renews_history:
            ratings.update(self._conn)
        for session_id, changes in pending_posts.changed_sessions(self._conn).items():
            if self.correct_posts(journal.posts_of_session(self._conn, session_id)):
                pending_posts.session_checked(self._conn, session_id, changes)
            else:
                self.report.postpone()

    def correct_posts(self, posts: Sequence[JournalEntry]) -> bool:
        """Edit the outdated messages of these; return False if some must wait."""
        summaries = [post.id for post in posts if post.kind == "session"]
        done = [self._correct(post, is_joined=post.id in summaries[1:]) for post in posts]
        return all(done)

    def gather_backlogs(self) -> None:
        """Replace more than `digest_after` pending rounds by one digest."""
        # A round dated in the future would extend the digest until that time.
        latest = self._deadline.now() + LONGEST_HOLD
        due = [item for item in self._pending.due() if item.kind != "digest" and item.ended_at <= latest]
        for server_id in {item.server_id for item in due}:
            own = [item for item in due if item.server_id == server_id]
            maps = [item for item in own if item.kind == "map"]
            rounds = [item for item in own if item.kind == "round"]
            rounds = [*rounds, *(item for item in maps if item.is_combined)] if rounds else maps
            destination = self.channels.destination(server_id, "digest")
            if (
                len(rounds) <= self._settings.digest_after
                or destination is None
                or not self.channels.is_open(destination)
            ):
                continue
            last = max((item for item in own if item.kind != "session"), key=lambda item: item.ended_at)
            begins = min(item.ended_at for item in own if item.session_id == last.session_id)
            others = [item for item in own if item.kind != "session" or item.session_id != last.session_id]
            pending_posts.begin_digest(
                self._conn, others, destination.channel, last_session_began=begins, now=self._deadline.now()
            )

    def _correct(self, post: JournalEntry, *, is_joined: bool) -> bool:
        destination = self.channels.named(post.channel)
        if destination is None or self.channels.is_gone(destination):
            return True  # the message cannot be edited
        try:
            rendered = self._render(item_of(post), None if self.renews_history else post.history)
        except NotFoundError:
            return True
        message, fingerprint = rendered.message, rendered.fingerprint
        if is_joined:
            message = rendering.joined_message(message)
            fingerprint = message.fingerprint()
        if fingerprint == post.fingerprint and (is_joined or rendered.history == post.history):
            return True
        budget = self._deadline.left() - self._reserve
        if not self._has_edited:  # otherwise no run would make progress if the comparison takes all the time
            budget = max(budget, _LEAST_BUDGET)
        if not self.channels.is_open_soon(destination, "edit") or budget <= 0:
            return False
        self._has_edited = True
        pictures = {} if is_joined else rendered.pictures()
        webhook, thread_id = self.channels.webhook(destination), post.thread_id or destination.thread_id
        began = self._deadline.clock()
        outcome = webhook.edit(post.message_id or "", message, pictures, budget=budget, thread_id=thread_id)
        self._log("edit", post, post.id, outcome, began)
        return self._settle_edit(post, outcome, destination, fingerprint, rendered.history)

    def _settle_edit(
        self,
        post: JournalEntry,
        outcome: Outcome,
        destination: Destination,
        fingerprint: str,
        history: Mapping[str, Any] | None,
    ) -> bool:
        """Record the outcome of an edit; return False if it must be retried."""
        match outcome:
            case Sent():
                self.report.counts["edited"] += 1
                self.channels.record_success(destination, "edit")
                journal.record_edit(self._conn, post.id, fingerprint, now=self._deadline.now(), history=history)
            case Permanent() as refusal if refusal.is_deleted:
                journal.record_edit(self._conn, post.id, fingerprint, reason="deleted in Discord")
            case Gone(code=code) | ChannelRefused(code=code) if destination.forum and code in (
                _UNKNOWN_CHANNEL,
                _ARCHIVED_THREAD,
            ):
                reason = "its thread was deleted or archived in Discord"
                journal.record_edit(self._conn, post.id, fingerprint, reason=reason)
            case Permanent(reason=reason):
                journal.record_edit(self._conn, post.id, fingerprint, reason=reason)
                self.report.counts["failed"] += 1
                self.report.add_problem(f"{title(post)}: its message cannot be corrected: {reason}")
            case Gone(reason=reason):
                self._close(destination, reason)
            case RetryAfter(edits_only=True):
                self.channels.hold(destination, outcome, "edit")
                return False
            case ChannelRefused(reason=reason):
                if self.channels.record_failure(destination, reason, "edit"):
                    self.report.add_problem(self.channels.obstacle(destination, "edit"))
                return False
            case _:
                self._hold(destination, outcome, is_news=True)
                return False
        return True

    def _settle(
        self,
        post_id: int,
        item: PendingPost,
        outcome: Outcome,
        *,
        destination: Destination,
        rendered: RenderedPost,
        thread_id: str | None,
    ) -> None:
        """Record the outcome of a claimed post, and update the state of its channel."""
        now, count = self._deadline.now(), self.report.counts
        match outcome:
            case Sent():
                count["posted"] += 1
                self.report.sent.append(title(item))
                self._last_refusal = None
                self.channels.record_success(destination)
                POSTS.record(
                    self._conn,
                    post_id,
                    "sent",
                    now,
                    message_id=outcome.message_id,
                    thread_id=(thread_id or outcome.channel_id or None) if destination.forum else None,
                    fingerprint=rendered.fingerprint,
                )
            case Unknown(reason=reason):
                POSTS.record(self._conn, post_id, "unknown", now, reason=reason)
                self.report.add_unknown(title(item), reason, post_id)
                self.channels.record_failure(destination, reason)  # the next response would probably be lost too
            case Permanent(reason=reason):
                POSTS.record(self._conn, post_id, "failed", now, reason=reason)
                count["failed"] += 1
                self.report.add_problem(refused(title(item), reason, how_to_retry(item)))
                self._stop_if_repeated(destination, outcome)
            case Gone(code=code) if code == _UNKNOWN_CHANNEL and destination.forum and thread_id:
                POSTS.record(self._conn, post_id, "pending", now, reason="its thread was deleted")
                channel_states.forget_thread(self._conn, thread_id)
                count["waiting"] += 1
                self.report.postpone()
            case Gone(reason=reason):
                POSTS.record(self._conn, post_id, "pending", now, reason=reason)
                count["waiting"] += 1
                self._close(destination, reason)
            case ChannelRefused(reason=reason, code=code):
                POSTS.record(self._conn, post_id, "pending", now, reason=reason)
                count["waiting"] += 1
                wrong = _WRONG_KIND_OF_CHANNEL.get(code or 0)
                self._refuse(destination, reason + (f" (set [discord] {wrong})" if wrong else ""))
                self._stop_if_repeated(destination, outcome)
            case _:
                POSTS.record(self._conn, post_id, "pending", now, reason=_in_words(outcome))
                count["waiting"] += 1
                self._hold(destination, outcome, is_news=item.attempts == 0)

    def _hold(self, destination: Destination, outcome: Outcome, *, is_news: bool) -> None:
        self.channels.hold(destination, outcome)
        # Rate limits are normal and not reported.
        is_news &= not isinstance(outcome, RetryAfter)
        self.report.postpone(
            f"Discord is not accepting posts: {_in_words(outcome)}; pending posts will be retried"
            if is_news
            else ""
        )

    def _close(self, destination: Destination, reason: str) -> None:
        self.report.needs_care = True
        if self.channels.close(destination, reason):
            self.report.add_problem(self.channels.obstacle(destination))

    def _refuse(self, destination: Destination, reason: str) -> None:
        self.report.needs_care = self.report.is_unfinished = True
        if self.channels.record_failure(destination, reason):
            self.report.add_problem(self.channels.obstacle(destination))

    def _stop_if_repeated(self, destination: Destination, refusal: Permanent | ChannelRefused) -> None:
        """Stop the run if Discord refuses two consecutive posts equally: the posts may not be the cause."""
        last, self._last_refusal = self._last_refusal, refusal
        if last is None or (type(last), getattr(last, "code", None)) != (type(refusal), refusal.code):
            return
        self.report.postpone("Discord refused two posts in a row with the same answer; the others wait")
        self.channels.stop_all()
        if isinstance(refusal, Permanent):
            self.channels.record_failure(destination, refusal.reason)

    def _render(self, item: PendingPost, history: Mapping[str, Any] | None = None) -> RenderedPost:
        with journal.snapshot(self._conn):
            return render(self._conn, item, self._settings, self._page_of, history=history)

    def _in_thread(
        self, message: Message, item: PendingPost, destination: Destination
    ) -> tuple[Message, str | None]:
        """Return the message and its thread; in a forum, the first message of a session opens one."""
        if not destination.forum:
            return message, destination.thread_id
        if item.session_id is not None:
            thread_id = channel_states.thread_of_session(self._conn, item.session_id, destination.channel)
            if thread_id is not None:
                return message, thread_id
        with journal.snapshot(self._conn):
            name = rendering.thread_name(self._conn, item, self._timezone_of(item.server))
        return replace(message, thread_name=name), None

    def _log(
        self, what: str, item: PendingPost | JournalEntry, post_id: int, outcome: Outcome, began: float
    ) -> None:
        event(
            what,
            level=log_level(outcome),
            kind=item.kind,
            server=item.server,
            post=post_id,
            outcome=type(outcome).__name__.lower(),
            reason=getattr(outcome, "reason", None),
            send_ms=1000 * (self._deadline.clock() - began),
        )


def item_of(post: JournalEntry) -> PendingPost:
    """Return a post's subject as a pending post, to be rendered again."""
    return PendingPost(
        kind=post.kind,
        server_id=post.server_id,
        server=post.server,
        subject=post.subject,
        round_id=post.round_id,
        match_id=post.match_id,
        session_id=post.session_id,
        ended_at=post.last_at or post.created_at,
        first_at=post.first_at,
        last_at=post.last_at,
        attempts=post.attempts,
        round_number=post.round_number or 0,
        is_paired=post.is_paired,
        style=post.style,
        is_combined=post.is_combined,
    )


def _in_words(outcome: Outcome) -> str:
    match outcome:
        case RetryAfter(seconds):
            return f"it asks to wait for {seconds:.0f} s"
        case NotAccepted(reason) | Banned(_, reason):
            return reason
    return type(outcome).__name__.lower()
