"""Find pending posts with a few small queries; imports nothing that renders or sends."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from etstats.db import pending_posts
from etstats.db.connection import Connection
from etstats.db.pending_posts import PendingPost
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import Destination, destinations
from etstats.post.settings import ROUND_KINDS, DiscordConfig

PageOf = Callable[[PendingPost], str | None]
"""Returns the URL of an item's page, or None."""

PATIENCE = timedelta(minutes=2)  # wait for the round 1 of a round 2 that arrived first


class PendingPosts:
    """The posts that are due now."""

    def __init__(self, conn: Connection, settings: DiscordConfig, deadline: Deadline) -> None:
        self._conn = conn
        self._deadline = deadline
        self.session_end = timedelta(minutes=settings.session_end_minutes)
        self._settings = settings
        self.destinations = destinations(settings, pending_posts.servers(conn))
        watched = [(server_id, kind) for server_id, kind in self.destinations if kind in ROUND_KINDS]
        pending_posts.watch_from(conn, watched, deadline.now())

    def due(self) -> list[PendingPost]:
        """Return the posts that are due now, oldest first."""
        found = pending_posts.due(
            self._conn,
            self._deadline.now(),
            session_end=self.session_end,
            patience=PATIENCE,
            small_sessions=self._settings.style == "full",
        )
        items = [styled(item, self._settings, self.destinations) for item in found]
        rounds = {
            item.subject for item in items if item.kind == "round" and item.is_combined and not _is_in_map(item)
        }
        return [
            item for item in items if not _is_in_map(item) and not (item.kind == "map" and item.subject in rounds)
        ]

    def has_work(self) -> bool:
        """Return whether there is anything to post or to edit."""
        return pending_posts.is_anything_changed(self._conn) or bool(self.due())

    def close_finished_sessions(self, due: Iterable[PendingPost]) -> None:
        """Stop checking the sessions that ended and have nothing due, also those that a killed run left."""
        waiting = {item.session_id for item in due if item.session_id is not None}
        open_for = max(self.session_end, PATIENCE)
        pending_posts.close_sessions(self._conn, waiting, self._deadline.now(), open_for)


def styled(
    item: PendingPost, settings: DiscordConfig, destination_of: Mapping[tuple[int, str], Destination]
) -> PendingPost:
    """Return a post in the configured style; in the compact style a round 2 and its map share a message."""
    pair = [destination_of.get((item.server_id, kind)) for kind in ("round", "map")]
    is_shared = None not in pair and len({destination.channel for destination in pair if destination}) == 1
    is_combined = settings.style == "compact" and item.kind in ("round", "map") and item.round_number == 2
    return item._replace(style=settings.style, is_combined=is_combined and is_shared)


def _is_in_map(item: PendingPost) -> bool:
    """Return whether a round is posted with its map; a round that was claimed alone stays a separate post."""
    return item.kind == "round" and item.is_combined and item.is_paired and not item.attempts
