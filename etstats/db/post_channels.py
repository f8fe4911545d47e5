"""What is known of the channels that posts go to, and of the threads of a forum.

Every function is a transaction of its own, committed when it returns: the connection must have none open.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from etstats.db import statements
from etstats.db.connection import Connection, database_errors
from etstats.db.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedChannel:
    """A channel that takes nothing: for good (`gone_at`), or until a moment."""

    channel: str
    gone_at: datetime | None
    gone_reason: str | None
    held_until: datetime | None


def shut_channels(conn: Connection, channels: Collection[str]) -> dict[str, ClosedChannel]:
    """Which of the channels in use are shut; what was known of others is forgotten."""
    return {
        shut.channel: shut
        for shut in statements.rows(conn, ClosedChannel, "closed_channels", {"channels": list(channels)})
    }


def shut(conn: Connection, found: ClosedChannel) -> None:
    """Remember that a channel takes nothing."""
    parameters = {
        "channel": found.channel,
        "gone_at": found.gone_at,
        "gone_reason": found.gone_reason,
        "held_until": found.held_until,
    }
    statements.run(conn, "close_channel", parameters)


def thread_of_session(conn: Connection, session_id: int, channel: str) -> str | None:
    """Return the forum thread of a session."""
    with database_errors(), conn.transaction():
        parameters = {"session_id": session_id, "channel": channel}
        row = conn.execute(query("thread_of_session"), parameters).fetchone()
    return row[0] if row else None


def forget_thread(conn: Connection, thread_id: str) -> None:
    """Record that a thread was deleted: the next post of its session opens another one."""
    statements.run(conn, "clear_thread", {"thread_id": thread_id})
