"""Which session or round is meant by the words of a person."""

from datetime import date

from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.errors import NotFoundError


def find_session(conn: Connection, which: str, server: str | None = None) -> int | None:
    """The session meant by `last`, an id or a day (YYYY-MM-DD); None when nothing was played yet.

    NotFoundError: nothing fits, or several sessions of one day do; the nearest are named.
    """
    newest = stored.recent_sessions(conn, Scope(server=server), 1)
    if not newest or which == "last":
        return newest[0] if newest else None
    if _is_id(which):
        return int(which)
    try:
        day = date.fromisoformat(which)
    except ValueError:
        raise NotFoundError(
            f"{which}: a session is named last, by its number, or by its day: 2025-10-02"
        ) from None
    found = stored.sessions_of_day(conn, day, server)
    if len(found) > 1:
        there = ", ".join(map(str, found))
        raise NotFoundError(f"{len(found)} sessions were played on {day}; name one by its number: {there}")
    if not found:
        near = ", ".join(map(str, stored.nearest_days(conn, day, server)))
        raise NotFoundError(f"No session on {day}. The nearest days: {near}")
    return found[0]


def find_round(conn: Connection, which: str, server: str | None = None) -> int | None:
    """The round meant by `last`, an id or a file name; None when nothing was played yet.

    NotFoundError: nothing fits; the nearest are named.
    """
    newest = stored.recent_rounds(conn, Scope(server=server), 1)
    if not newest or which == "last":
        return newest[0].id if newest else None
    if _is_id(which):
        return int(which)
    found = stored.rounds_of_file(conn, which) or stored.rounds_of_file(conn, f"{which}.txt")
    if not found:
        near = ", ".join(stored.files_near(conn, which))
        raise NotFoundError(f"No round is named {which}; a round is last, its number or its file. Nearest: {near}")
    return found[0]


def _is_id(which: str) -> bool:
    return which.isascii() and which.isdecimal() and len(which) < 19  # what a bigint holds
