"""Find sessions and rounds by id, date or file name."""

from datetime import date, datetime, timedelta

from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.errors import NotFoundError


def find_session(conn: Connection, which: str, server: str | None = None) -> int | None:
    """Return the session given by `last`, an id or a day (`yesterday`, YYYY-MM-DD); None without sessions.

    NotFoundError: no session, or several on that day; the message lists the nearest.
    """
    newest = stored.recent_sessions(conn, Scope(server=server, uncounted=which != "last"), 1)
    if not newest or which == "last":
        return newest[0] if newest else None
    if _is_id(which):
        return int(which)
    try:
        day = read_day(which)
    except ValueError:
        raise NotFoundError(
            f'"{which}" is not a session; expected last, an id, or a day: yesterday or 2025-10-02'
        ) from None
    found = stored.sessions_of_day(conn, day, server)
    if len(found) > 1:
        there = ", ".join(map(str, found))
        raise NotFoundError(f"{len(found)} sessions were played on {day}; use a number: {there}")
    if not found:
        near = ", ".join(map(str, stored.nearest_days(conn, day, server)))
        raise NotFoundError(f"No session on {day}. The nearest days: {near}")
    return found[0]


def read_day(text: str) -> date:
    """Return the day of `today`, `yesterday` (in this machine's time) or YYYY-MM-DD; ValueError if invalid."""
    today = datetime.now().astimezone().date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    return named.get(text) or date.fromisoformat(text)


def find_round(conn: Connection, which: str, server: str | None = None) -> int | None:
    """Return the round given by `last`, an id or a file name; None without rounds.

    NotFoundError: no such round; the message lists the nearest.
    """
    newest = stored.recent_rounds(conn, Scope(server=server, uncounted=which != "last"), 1)
    if not newest or which == "last":
        return newest[0].id if newest else None
    if _is_id(which):
        return int(which)
    found = stored.rounds_of_file(conn, which) or stored.rounds_of_file(conn, f"{which}.txt")
    if not found:
        near = ", ".join(stored.files_near(conn, which))
        raise NotFoundError(f"No round {which}; expected last, an id or a file name. Nearest: {near}")
    return found[0]


def _is_id(which: str) -> bool:
    return which.isascii() and which.isdecimal() and len(which) < 19  # maximum of a bigint
