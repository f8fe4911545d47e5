"""What there is to do: a few small queries, and nothing loaded that draws or sends."""

from datetime import timedelta

from etstats.db import pending_posts
from etstats.db.connection import Connection
from etstats.db.pending_posts import PendingPost
from etstats.post.publish.deadline import Deadline
from etstats.post.publish.destinations import destinations
from etstats.post.settings import DiscordConfig

PATIENCE = timedelta(minutes=2)  # for the round 1 of a round 2 that came alone


class PendingPosts:
    """What is due at this moment; what was not posted before is posted from now on."""

    def __init__(self, conn: Connection, settings: DiscordConfig, watch: Deadline) -> None:
        self._conn = conn
        self._watch = watch
        self.session_end = timedelta(minutes=settings.session_end_minutes)
        self.routes = destinations(settings, pending_posts.servers(conn))
        watched = [(server_id, kind) for server_id, kind in self.routes if kind != "digest"]
        self.is_first = pending_posts.watch_from(conn, watched, watch.now())

    def due(self) -> list[PendingPost]:
        """What is to be posted now, oldest first."""
        return pending_posts.due(self._conn, self._watch.now(), session_end=self.session_end, patience=PATIENCE)

    def has_work(self) -> bool:
        """Whether there is anything to post or to correct."""
        return pending_posts.is_anything_changed(self._conn) or bool(self.due())
