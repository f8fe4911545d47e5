"""Read and write the state of Discord channels and the threads of forums.

Each function runs its own transaction; the connection must have none open.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from etstats.db import statements
from etstats.db.connection import Connection
from etstats.db.queries import query

Purpose = Literal["post", "edit"]


class ChannelState(NamedTuple):
    """Why a channel accepts no posts now: its webhook was deleted (`gone_at`), or it is paused until a time.

    `troubles`: consecutive failures. `reason`: Discord's answer, empty without failures. `checked_at`: when a
    deleted webhook was last checked.
    """

    channel: str
    purpose: Purpose = "post"
    gone_at: datetime | None = None
    checked_at: datetime | None = None
    held_until: datetime | None = None
    troubles: int = 0
    reason: str = ""


def states(conn: Connection, channels: Collection[str]) -> dict[tuple[str, Purpose], ChannelState]:
    """Return the states of the channels in use, by channel and purpose; delete those of other channels."""
    found = statements.rows(conn, ChannelState, "channel_states", {"channels": list(channels)})
    return {(state.channel, state.purpose): state for state in found}


def save(conn: Connection, state: ChannelState) -> None:
    """Store the state of a channel."""
    statements.run(conn, "save_channel_state", state._asdict())


def close(conn: Connection, channels: Collection[str], now: datetime, reason: str) -> None:
    """Mark channels whose webhook does not exist."""
    statements.run(conn, "close_channels", {"channels": list(channels), "now": now, "reason": reason})


def reopen(conn: Connection, channels: Collection[str]) -> bool:
    """Mark channels whose webhook answers as accepting posts; return False if all of them were already."""
    with conn.transaction():
        return conn.execute(query("reopen_channels"), {"channels": list(channels)}).rowcount > 0


def thread_of_session(conn: Connection, session_id: int, channel: str) -> str | None:
    """Return the forum thread of a session."""
    with conn.transaction():
        parameters = {"session_id": session_id, "channel": channel}
        row = conn.execute(query("thread_of_session"), parameters).fetchone()
    return row[0] if row else None


def forget_thread(conn: Connection, thread_id: str) -> None:
    """Delete the row of a deleted thread: the next post of its session opens a new one."""
    statements.run(conn, "clear_thread", {"thread_id": thread_id})
