"""What there is to do: a few small queries, and nothing loaded that draws or sends."""

from datetime import timedelta

from etstats.db import outbox
from etstats.db.connection import Connection
from etstats.db.outbox import Due
from etstats.posting.routes import routes
from etstats.posting.watch import Watch
from etstats.settings import DiscordConfig

PATIENCE = timedelta(minutes=2)  # for the round 1 of a round 2 that came alone


class Look:
    """What is due at this moment; what was not posted before is posted from now on."""

    def __init__(self, conn: Connection, settings: DiscordConfig, watch: Watch) -> None:
        self._conn = conn
        self._watch = watch
        self.session_end = timedelta(minutes=settings.session_end_minutes)
        self.routes = routes(settings, outbox.servers(conn))
        watched = [(server_id, kind) for server_id, kind in self.routes if kind != "digest"]
        self.is_first = outbox.watch_from(conn, watched, watch.now())

    def due(self) -> list[Due]:
        """What is to be posted now, oldest first."""
        return outbox.due(self._conn, self._watch.now(), session_end=self.session_end, patience=PATIENCE)

    def has_work(self) -> bool:
        """Whether there is anything to post or to correct."""
        return outbox.is_anything_changed(self._conn) or bool(self.due())
