"""The states of messages, the same for posts and notices: claimed (`sending`), then sent, failed or unknown.

Each function runs its own transaction; the connection must have none open.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.errors import LockedError

State = Literal["pending", "sending", "sent", "failed", "unknown"]

_STOPPED = "the program was stopped while it was sending"


class MessageStates(NamedTuple):
    """The states of the messages in a table."""

    table: Literal["posts", "notices"]

    def release(self, conn: Connection, row_id: int) -> None:
        """Set a claimed message back to `pending` before it is sent, so that its state is known after a crash."""
        self._update(conn, "change_state", id=row_id, was="sending", state="pending")

    def reclaim(self, conn: Connection, row_id: int) -> None:
        """Claim a released message again; raises LockedError when another process has claimed it."""
        if not self._update(conn, "change_state", id=row_id, was="pending", state="sending"):
            raise LockedError("another etstats process took over posting while this one waited")

    def record(
        self,
        conn: Connection,
        row_id: int,
        state: State,
        now: datetime,
        *,
        reason: str = "",
        message_id: str | None = None,
        thread_id: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        """Record the result of a claimed message: `sent`, `pending` (later), `failed` (never) or `unknown`.

        `message_id`: the id in Discord.
        """
        self._update(
            conn,
            "record_result",
            id=row_id,
            state=state,
            reason=reason,
            now=now,
            message_id=message_id,
            thread_id=thread_id,
            fingerprint=fingerprint,
        )

    def mark_interrupted_unknown(self, conn: Connection) -> list[int]:
        """Set messages in state `sending` to `unknown`, and return them; the caller holds the publisher's lock."""
        return self._update(conn, "mark_interrupted_unknown", reason=_STOPPED)

    def resolve(
        self, conn: Connection, row_id: int | None, state: State, reason: str, message_id: str | None = None
    ) -> int:
        """Set the state of one message, or of all with unknown delivery, by hand; return their number."""
        return len(
            self._update(conn, "resolve_messages", id=row_id, state=state, reason=reason, message_id=message_id)
        )

    def _update(self, conn: Connection, name: str, **parameters: object) -> list[int]:
        with conn.transaction():
            sql = query(name).replace("{messages}", self.table)
            return [row_id for (row_id,) in conn.execute(sql, parameters)]


POSTS, NOTICES = MessageStates("posts"), MessageStates("notices")
