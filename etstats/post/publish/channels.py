"""The channels of one run: which of them take posts, and the webhooks that lead there."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from etstats.db import journal, post_channels
from etstats.db.connection import Connection
from etstats.db.post_channels import ClosedChannel
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import Destination
from etstats.post.render.message import Message
from etstats.post.webhook.responses import Banned, Outcome, RetryAfter

if TYPE_CHECKING:
    from etstats.post.webhook.client import Webhook


class Channels:
    """The state of the channels, kept in the database for the next run."""

    def __init__(self, conn: Connection, routes: Mapping[tuple[int, str], Destination], watch: Deadline) -> None:
        self._conn = conn
        self._watch = watch
        self._routes = routes
        self._by_name = {way.channel: way for way in routes.values()}
        self._webhooks: dict[str, Webhook] = {}
        self._stopped: set[str] = set()
        self._without_edits: set[str] = set()
        self._in_hand: int | None = None
        self._shut = post_channels.shut_channels(conn, list(self._by_name))

    def way(self, server_id: int, kind: str) -> Destination | None:
        """Where a kind of a server goes; None when it goes nowhere."""
        return self._routes.get((server_id, kind))

    def named(self, channel: str) -> Destination | None:
        """The way to a channel; None when no setting leads there any more."""
        return self._by_name.get(channel)

    def is_gone(self, way: Destination) -> bool:
        """Whether Discord said that it will never take anything there."""
        shut = self._shut.get(way.channel)
        return shut is not None and shut.gone_at is not None

    def is_open(self, way: Destination) -> bool:
        """Whether anything may be sent there now."""
        shut = self._shut.get(way.channel)
        is_held = shut is not None and shut.held_until is not None and shut.held_until > self._watch.now()
        return way.channel not in self._stopped and not is_held and not self.is_gone(way)

    def takes_edits(self, way: Destination) -> bool:
        """Whether messages there may be edited now."""
        return self.is_open(way) and way.channel not in self._without_edits

    def webhook(self, way: Destination) -> "Webhook":
        """The webhook of a way; the threads of one webhook share its limits."""
        from etstats.post.webhook.client import Webhook  # the HTTP library is for those who have something to send

        if way.url not in self._webhooks:
            sleep = partial(self._wait, way)
            self._webhooks[way.url] = Webhook(way.url, clock=self._watch.clock, sleep=sleep)
        return self._webhooks[way.url]

    def send(
        self,
        way: Destination,
        post_id: int,
        message: Message,
        pictures: Mapping[str, bytes],
        thread_id: str | None,
    ) -> Outcome:
        """Send a claimed post; while it only waits for its turn it is not claimed."""
        self._in_hand = post_id
        try:
            return self.webhook(way).send(message, pictures, budget=self._watch.left(), thread_id=thread_id)
        finally:
            self._in_hand = None

    def stop(self, way: Destination) -> None:
        """Send nothing more there in this run."""
        self._stopped.add(way.channel)

    def stop_edits(self, way: Destination) -> None:
        """Edit nothing more there in this run; new posts go on."""
        self._without_edits.add(way.channel)

    def hold(self, way: Destination, outcome: Outcome) -> None:
        """Send nothing more there in this run, nor in a later one before its time; a ban is for all channels."""
        self.stop(way)
        if isinstance(outcome, RetryAfter):
            self._keep_away(way.channel, outcome.seconds)
        if isinstance(outcome, Banned):
            for channel in self._by_name:
                self._stopped.add(channel)
                self._keep_away(channel, outcome.seconds)

    def close(self, way: Destination, reason: str) -> None:
        """Send nothing there ever again."""
        gone = ClosedChannel(channel=way.channel, gone_at=self._watch.now(), gone_reason=reason, held_until=None)
        post_channels.shut(self._conn, gone)
        self._shut[way.channel] = gone

    def obstacles(self) -> list[str]:
        """The channels that are gone, a line each with what to do."""
        return [
            f"a webhook takes no posts since {shut.gone_at:%Y-%m-%d %H:%M} UTC: {shut.gone_reason}; "
            "name another in [discord], what is due waits for it"
            for shut in self._shut.values()
            if shut.gone_at is not None
        ]

    def _wait(self, way: Destination, seconds: float) -> None:
        """Wait as Discord, or our own pace, wants it; written down, so that a run after a killed one waits too."""
        self._keep_away(way.channel, seconds)
        if self._in_hand is not None:
            journal.release(self._conn, self._in_hand)
        self._watch.sleep(seconds)
        if self._in_hand is not None:
            journal.reclaim(self._conn, self._in_hand)

    def _keep_away(self, channel: str, seconds: float) -> None:
        until = self._watch.now() + timedelta(seconds=seconds)
        post_channels.shut(
            self._conn, ClosedChannel(channel=channel, gone_at=None, gone_reason=None, held_until=until)
        )
