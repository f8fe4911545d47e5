"""One run of posting: what is due goes out, oldest first, and what stands in Discord is kept true.

    due -> drawn -> claimed (`sending`, committed) -> sent -> recorded (`sent` with the message's id)

A run that dies between claim and record leaves `sending` behind; the next one turns it into `unknown`, which no
program sends again. Only one run posts at a time, so whatever it finds in `sending` was left behind.
"""

from collections.abc import Sequence
from dataclasses import replace

from etstats.db import journal, pending_posts, post_channels
from etstats.db.connection import Connection
from etstats.db.journal import JournalEntry
from etstats.db.pending_posts import PendingPost
from etstats.errors import NotFoundError
from etstats.logs import event
from etstats.post.publish import rendering
from etstats.post.publish.channels import Channels
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import Destination
from etstats.post.publish.pending import PATIENCE, PendingPosts
from etstats.post.publish.rendering import PageOf, RenderedPost, render
from etstats.post.publish.report import PostReport, how_to_resolve, how_to_retry, title
from etstats.post.render.message import Message
from etstats.post.settings import DiscordConfig, TimezoneOf
from etstats.post.webhook.responses import Banned, Gone, NotAccepted, Outcome, Permanent, RetryAfter, Sent, Unknown

_LEAST_BUDGET = 5.0  # seconds for the first edit of a run, though its time is over
_UNKNOWN_CHANNEL = 10003
# A forum without a thread, a thread without a forum: the setting is wrong, not the message.
_WRONG_KIND_OF_CHANNEL = {220001: "forum = true", 220003: "forum = false"}


class Publisher:
    """What posting has to do now, and the doing of it. The connection must have no transaction open."""

    def __init__(
        self,
        conn: Connection,
        settings: DiscordConfig,
        timezone_of: TimezoneOf,
        look: PendingPosts,
        watch: Deadline,
        *,
        page_of: PageOf | None = None,
    ) -> None:
        self._conn = conn
        self._timezone_of = timezone_of
        self._settings = settings
        self._page_of = page_of
        self._watch = watch
        self._look = look
        self._reserve = 0.0
        self._has_edited = False
        self.report = PostReport()
        self.channels = Channels(conn, look.routes, watch)

    def begin(self) -> None:
        """See what an earlier run left behind; only for who holds the poster's lock."""
        for post in journal.mark_interrupted_unknown(self._conn):
            self._is_unknown(post.id, title(post), post.reason)

    def post_due(self) -> None:
        """Post what is due, as far as time and Discord allow."""
        self.gather_backlogs()
        for item in self._look.due():
            self.post(item)

    def post(self, item: PendingPost, *, again: bool = False) -> None:
        """Post one thing; `again`: though Discord refused it before."""
        way = self.channels.way(item.server_id, item.kind)
        if way is None or not self.channels.is_open(way) or not self._watch.left():
            self.report.counts["waiting"] += 1
            self.report.is_unfinished |= way is not None and not self.channels.is_gone(way)
            return
        try:
            rendered = self._render(item)
        except NotFoundError:
            return  # its rounds were deleted meanwhile
        message, thread_id = self._in_thread(rendered.message, item, way)
        pictures = rendered.pictures()
        post_id = journal.claim(self._conn, item, way.channel, self._watch.now(), again=again)
        if post_id is None:
            return
        began = self._watch.clock()
        outcome = self.channels.send(way, post_id, message, pictures, thread_id)
        self._settle(post_id, item, outcome, way=way, message=message, thread_id=thread_id)
        self._log("post", item, post_id, outcome, began)

    def correct(self, share: float = 1.0) -> None:
        """Edit posts that differ from the database, session by session, as far as time and Discord allow.

        `share` is how much of the time that is left may be spent on it; one edit is made however little that is.
        """
        self._reserve = (1 - share) * self._watch.left()
        for session_id, changes in pending_posts.changed_sessions(self._conn).items():
            if self.correct_posts(journal.posts_of_session(self._conn, session_id)):
                pending_posts.session_checked(self._conn, session_id, changes)
            else:
                self.report.later()

    def correct_posts(self, posts: Sequence[JournalEntry]) -> bool:
        """Edit those of these messages that are out of date; False when some had to wait."""
        summaries = [post.id for post in posts if post.kind == "session"]
        done = [self._correct(post, is_joined=post.id in summaries[1:]) for post in posts]
        return all(done)

    def close(self) -> None:
        """Close the sessions in which nothing more will happen."""
        waiting = {item.session_id for item in self._look.due() if item.session_id is not None}
        pending_posts.close_sessions(self._conn, waiting, self._watch.now(), max(self._look.session_end, PATIENCE))

    def gather_backlogs(self) -> None:
        """Where more rounds wait than `digest_after`, one digest takes their place."""
        due = [item for item in self._look.due() if item.kind != "digest"]
        for server_id in {item.server_id for item in due}:
            own = [item for item in due if item.server_id == server_id]
            rounds = [item for item in own if item.kind == "round"] or [item for item in own if item.kind == "map"]
            way = self.channels.way(server_id, "digest")
            if len(rounds) <= self._settings.digest_after or way is None or not self.channels.is_open(way):
                continue
            last = max((item for item in own if item.kind != "session"), key=lambda item: item.ended_at)
            begins = min(item.ended_at for item in own if item.session_id == last.session_id)
            others = [item for item in own if item.kind != "session" or item.session_id != last.session_id]
            pending_posts.begin_digest(
                self._conn, others, way.channel, last_evening_at=begins, now=self._watch.now()
            )

    def _correct(self, post: JournalEntry, *, is_joined: bool) -> bool:
        way = self.channels.named(post.channel)
        if way is None or self.channels.is_gone(way):
            return True  # the message is out of reach
        try:
            rendered = self._render(_item(post))
        except NotFoundError:
            return True
        message = rendering.joined_message(rendered.message) if is_joined else rendered.message
        fingerprint = message.fingerprint()
        if fingerprint == post.fingerprint:
            return True
        budget = self._watch.left() - self._reserve
        if not self._has_edited:  # or where looking alone takes all the time, no run would ever come further
            budget = max(budget, _LEAST_BUDGET)
        if not self.channels.takes_edits(way) or budget <= 0:
            return False
        self._has_edited = True
        pictures = {} if is_joined else rendered.pictures()
        webhook, thread_id = self.channels.webhook(way), post.thread_id or way.thread_id
        began = self._watch.clock()
        outcome = webhook.edit(post.message_id or "", message, pictures, budget=budget, thread_id=thread_id)
        self._log("edit", post, post.id, outcome, began)
        return self._settle_edit(post, outcome, way, fingerprint)

    def _settle_edit(self, post: JournalEntry, outcome: Outcome, way: Destination, fingerprint: str) -> bool:
        """Record what became of an edit; False when it has to be tried again."""
        match outcome:
            case Sent():
                self.report.counts["edited"] += 1
                journal.record_edit(self._conn, post.id, fingerprint, now=self._watch.now())
            case Permanent() as refusal if refusal.is_deleted:
                journal.record_edit(self._conn, post.id, fingerprint, reason="deleted in Discord")
            case Gone(code=code) if code == _UNKNOWN_CHANNEL and way.forum:
                journal.record_edit(self._conn, post.id, fingerprint, reason="its thread was deleted in Discord")
            case Permanent(reason=reason):
                journal.record_edit(self._conn, post.id, fingerprint, reason=reason)
                self.report.counts["failed"] += 1
                self.report.care(f"{title(post)}: its message cannot be corrected: {reason}")
            case Gone(reason=reason):
                self._close_for_good(way, reason)
            case RetryAfter(edits_only=True):
                self.channels.stop_edits(way)
                return False
            case _:
                self._hold(way, outcome, is_news=True)
                return False
        return True

    def _settle(
        self,
        post_id: int,
        item: PendingPost,
        outcome: Outcome,
        *,
        way: Destination,
        message: Message,
        thread_id: str | None,
    ) -> None:
        """Record what became of a claimed post, and what that means for the next ones."""
        now, count = self._watch.now(), self.report.counts
        match outcome:
            case Sent():
                count["posted"] += 1
                journal.record_sent(
                    self._conn,
                    post_id,
                    message_id=outcome.message_id,
                    thread_id=(thread_id or outcome.channel_id or None) if way.forum else None,
                    fingerprint=message.fingerprint(),
                    now=now,
                )
            case Unknown(reason=reason):
                journal.record_unsent(self._conn, post_id, "unknown", reason, now)
                self._is_unknown(post_id, title(item), reason)
                self.channels.stop(way)  # a Discord that loses answers would lose the next one too
            case Permanent(reason=reason, code=code) if code not in _WRONG_KIND_OF_CHANNEL:
                journal.record_unsent(self._conn, post_id, "failed", reason, now)
                count["failed"] += 1
                self.report.care(
                    f"{title(item)} was refused for good: {reason}; to try again: {how_to_retry(item)}"
                )
            case Gone(code=code) if code == _UNKNOWN_CHANNEL and way.forum and thread_id:
                journal.record_unsent(self._conn, post_id, "pending", "its thread was deleted", now)
                post_channels.forget_thread(self._conn, thread_id)
                count["waiting"] += 1
                self.report.later()
            case Gone(reason=reason, code=code) | Permanent(reason=reason, code=code):
                journal.record_unsent(self._conn, post_id, "pending", reason, now)
                count["waiting"] += 1
                wrong = _WRONG_KIND_OF_CHANNEL.get(code or 0)
                self._close_for_good(way, reason + (f" (set [discord] {wrong})" if wrong else ""))
            case _:
                journal.record_unsent(self._conn, post_id, "pending", _in_words(outcome), now)
                count["waiting"] += 1
                self._hold(way, outcome, is_news=item.attempts == 0)

    def _hold(self, way: Destination, outcome: Outcome, *, is_news: bool) -> None:
        self.channels.hold(way, outcome)
        # To be asked for patience is everyday.
        is_news &= not isinstance(outcome, RetryAfter)
        self.report.later(f"Discord takes no post now: {_in_words(outcome)}; what is due waits" if is_news else "")

    def _close_for_good(self, way: Destination, reason: str) -> None:
        self.channels.close(way, reason)
        self.report.care(
            f"the webhook takes no more posts: {reason}; nothing is sent to it until [discord] names another, and "
            "what is due waits"
        )

    def _is_unknown(self, post_id: int, what: str, reason: str) -> None:
        self.report.counts["unknown"] += 1
        self.report.care(f"{what}: whether it was posted is unknown: {reason}; {how_to_resolve(post_id)}")

    def _render(self, item: PendingPost) -> RenderedPost:
        with journal.snapshot(self._conn):
            return render(self._conn, item, self._settings, self._page_of)

    def _in_thread(self, message: Message, item: PendingPost, way: Destination) -> tuple[Message, str | None]:
        """The message and the thread it goes to; in a forum, the first one of a session opens one."""
        if not way.forum:
            return message, way.thread_id
        if item.session_id is not None:
            thread_id = post_channels.thread_of_session(self._conn, item.session_id, way.channel)
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
            kind=item.kind,
            server=item.server,
            post=post_id,
            outcome=type(outcome).__name__.lower(),
            reason=getattr(outcome, "reason", None),
            send_ms=1000 * (self._watch.clock() - began),
        )


def _item(post: JournalEntry) -> PendingPost:
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
    )


def _in_words(outcome: Outcome) -> str:
    match outcome:
        case RetryAfter(seconds):
            return f"it asks to wait for {seconds:.0f} s"
        case NotAccepted(reason) | Banned(_, reason):
            return reason
    return type(outcome).__name__.lower()
