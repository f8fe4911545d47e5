"""Load the stored rounds around some times into a window."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from etstats.db import rounds, series
from etstats.db.connection import Connection
from etstats.importer.round_window import RoundWindow


def load(
    conn: Connection, window: RoundWindow, server_id: int, moments: Iterable[datetime], reach: timedelta
) -> None:
    """Load the sessions of a server within `reach` of these times that are not loaded yet."""
    unknown = [moment for moment in moments if not window.is_covered(moment - reach, moment + reach)]
    if not unknown:
        return
    found = rounds.around(conn, server_id, unknown, reach, window.sessions.keys())
    session_ids = sorted({round_.gaming_session_id for round_ in found})
    stored_series = series.series_of_sessions(conn, session_ids)
    window.add(
        found,
        (one for session_id in session_ids for one in stored_series[session_id]),
        rounds.session_teams(conn, session_ids),
        rounds.players_of_rounds(conn, [round_.round_id for round_ in found]),
    )
    window.cover(unknown, reach)
