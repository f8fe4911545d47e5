"""The channels of a run: which of them accept posts, and their webhooks."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from etstats.db import channel_states
from etstats.db.channel_states import ChannelState, Purpose
from etstats.db.connection import Connection
from etstats.db.message_states import POSTS, MessageStates
from etstats.domain.backoff import delay
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import Destination
from etstats.post.render.message import Message
from etstats.post.webhook.client import Webhook
from etstats.post.webhook.responses import Banned, Outcome, RetryAfter, WebhookInfo

LONGEST_HOLD = timedelta(days=1)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # minutes
_CHECK_AGAIN = timedelta(hours=1)
_SHORT_WAIT = timedelta(minutes=1)
_BRIEF_SECONDS = 5.0


class Channels:
    """The state of the channels, stored in the database for the next run."""

    def __init__(
        self, conn: Connection, destinations: Mapping[tuple[int, str], Destination], deadline: Deadline
    ) -> None:
        self._conn = conn
        self._deadline = deadline
        self._by_kind = destinations
        self._by_name = {destination.channel: destination for destination in destinations.values()}
        self._webhooks: dict[str, Webhook] = {}
        self._stopped: set[tuple[str, Purpose]] = set()
        self._claimed: tuple[MessageStates, int] | None = None
        self._states: dict[tuple[str, Purpose], ChannelState] = {}
        self.reload()

    def reload(self) -> None:
        """Read the states again: another process may have changed them before this one got the posting lock."""
        self._states = channel_states.states(self._conn, list(self._by_name))

    def destination(self, server_id: int, kind: str) -> Destination | None:
        """Return the destination of a server's posts of a kind; None if they are not posted."""
        return self._by_kind.get((server_id, kind))

    def named(self, channel: str) -> Destination | None:
        """Return the destination of a channel; None if it is no longer configured."""
        return self._by_name.get(channel)

    def is_gone(self, destination: Destination) -> bool:
        """Return whether Discord reported that the webhook or its thread does not exist."""
        return self._state(destination.channel).gone_at is not None

    def is_open(self, destination: Destination, purpose: Purpose = "post") -> bool:
        """Return whether messages can be sent to, or edited in, the channel now."""
        if self.is_gone(destination) or (destination.channel, purpose) in self._stopped:
            return False
        if purpose == "edit" and not self.is_open(destination):
            return False
        until = self._state(destination.channel, purpose).held_until
        now = self._deadline.now()
        # A longer pause than LONGEST_HOLD was stored with a wrong clock.
        return until is None or not now < until <= now + LONGEST_HOLD

    def is_open_soon(self, destination: Destination, purpose: Purpose = "post") -> bool:
        """Return the same after waiting for a rate limit of seconds that a killed run stored."""
        state = self._state(destination.channel)
        if (
            state.held_until is not None
            and not state.troubles
            and (destination.channel, "post") not in self._stopped
        ):
            seconds = (state.held_until - self._deadline.now()).total_seconds()
            if 0 < seconds <= min(_BRIEF_SECONDS, self._deadline.left()):
                self._deadline.sleep(seconds)
        return self.is_open(destination, purpose)

    def webhook(self, destination: Destination) -> Webhook:
        """Return the webhook of a destination; threads of one webhook share its rate limits."""

        if destination.url not in self._webhooks:
            sleep = partial(self._wait, destination)
            self._webhooks[destination.url] = Webhook(destination.url, clock=self._deadline.clock, sleep=sleep)
        return self._webhooks[destination.url]

    def send(
        self,
        destination: Destination,
        post_id: int,
        message: Message,
        pictures: Mapping[str, bytes],
        thread_id: str | None,
        *,
        states: MessageStates = POSTS,
    ) -> Outcome:
        """Send a claimed message; release the claim while waiting for the rate limit."""
        self._claimed = (states, post_id)
        try:
            return self.webhook(destination).send(
                message, pictures, budget=self._deadline.left(), thread_id=thread_id
            )
        finally:
            self._claimed = None

    def stop(self, destination: Destination, purpose: Purpose = "post") -> None:
        """Stop sending to, or editing in, this channel in this run."""
        self._stopped.add((destination.channel, purpose))

    def stop_all(self) -> None:
        """Stop sending in this run."""
        self._stopped |= {(channel, "post") for channel in self._by_name}

    def hold(self, destination: Destination, outcome: Outcome, purpose: Purpose = "post") -> None:
        """Stop for this run, and later runs until the time given by Discord; a ban applies to all channels."""
        self.stop(destination, purpose)
        if isinstance(outcome, RetryAfter):
            self._hold_for(destination.channel, outcome.seconds, purpose)
        if isinstance(outcome, Banned):
            self.stop_all()
            for channel in self._by_name:
                self._hold_for(channel, outcome.seconds)

    def record_failure(self, destination: Destination, reason: str, purpose: Purpose = "post") -> bool:
        """Hold a channel, longer after each consecutive failure; return whether the reason is new."""
        self.stop(destination, purpose)
        before = self._state(destination.channel, purpose)
        pause = delay(before.troubles, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
        until = self._deadline.now() + timedelta(minutes=pause)
        self._save(before._replace(troubles=before.troubles + 1, held_until=until, reason=reason))
        return reason != before.reason

    def record_success(self, destination: Destination, purpose: Purpose = "post") -> None:
        """Record an accepted message, which resets the count of failures."""
        before = self._state(destination.channel, purpose)
        if before.troubles or before.reason:
            self._save(before._replace(troubles=0, held_until=None, reason=""))

    def lift_pauses(self) -> None:
        """End the pauses after failures, but not those that Discord requested."""
        for state in list(self._states.values()):
            if state.troubles and state.held_until is not None:
                self._save(state._replace(held_until=None))

    def close(self, destination: Destination, reason: str) -> bool:
        """Stop sending to a channel until its webhook responds again; return whether the reason is new."""
        before, now = self._state(destination.channel), self._deadline.now()
        self._save(before._replace(gone_at=now, checked_at=now, reason=reason))
        return reason != before.reason

    def reopen(self) -> None:
        """Query each deleted webhook once an hour, and reopen its channels if it responds."""

        now = self._deadline.now()
        for destination in self._by_name.values():
            state = self._state(destination.channel)
            is_recent = state.checked_at is not None and timedelta() <= now - state.checked_at < _CHECK_AGAIN
            if state.gone_at is None or is_recent or not self._deadline.left():
                continue
            # The reason is kept, so that the same response is not reported again.
            is_there = isinstance(self.webhook(destination).info(), WebhookInfo)
            self._save(state._replace(gone_at=None if is_there else state.gone_at, checked_at=now))

    def obstacles(self) -> dict[str, str]:
        """Return a line for each channel that accepts no posts, with what to do, and Discord's reason."""
        lines = {
            self.obstacle(self._by_name[channel], purpose): state.reason
            for (channel, purpose), state in self._states.items()
        }
        return {line: reason for line, reason in lines.items() if line}

    def obstacle(self, destination: Destination, purpose: Purpose = "post") -> str:
        """Return the line for a channel that accepts no posts or edits; empty if it does."""
        state = self._state(destination.channel, purpose)
        if state.gone_at is not None:
            return (
                f"a webhook has accepted no posts since {state.gone_at:%Y-%m-%d %H:%M} UTC: {state.reason}; "
                "pending posts wait. Set a new one: etstats init. If it still exists: etstats config check"
            )
        if state.held_until is None or self.is_open(destination, purpose):
            return ""
        if state.troubles:
            return (
                f"a channel accepts no {purpose}s: {state.reason}; the next attempt is at "
                f"{state.held_until:%H:%M} UTC. To check now: etstats config check"
            )
        is_short = state.held_until - self._deadline.now() < _SHORT_WAIT  # a rate limit
        return "" if is_short else f"Discord accepts no {purpose}s until {state.held_until:%H:%M} UTC; they wait"

    def has_closed(self) -> bool:
        """Return whether a webhook is gone."""
        return any(state.gone_at is not None for state in self._states.values())

    def _wait(self, destination: Destination, seconds: float) -> None:
        """Wait for a rate limit; the wait is stored, so that a run after a killed one waits too."""
        self._hold_for(destination.channel, seconds)
        if self._claimed is None:
            self._deadline.sleep(seconds)
            return
        states, post_id = self._claimed
        states.release(self._conn, post_id)
        self._deadline.sleep(seconds)
        states.reclaim(self._conn, post_id)

    def _hold_for(self, channel: str, seconds: float, purpose: Purpose = "post") -> None:
        until = self._deadline.now() + timedelta(seconds=seconds)
        self._save(self._state(channel, purpose)._replace(held_until=until))

    def _state(self, channel: str, purpose: Purpose = "post") -> ChannelState:
        return self._states.get((channel, purpose), ChannelState(channel=channel, purpose=purpose))

    def _save(self, state: ChannelState) -> None:
        self._states[state.channel, state.purpose] = state
        channel_states.save(self._conn, state)
