"""Recompute the series of stored sessions after a change that is not a file."""

from collections.abc import Sequence

from etstats.db import rounds, series
from etstats.db.connection import Connection
from etstats.importer.changed_rounds import FileChanges, NewIds
from etstats.importer.reconcile import reconcile
from etstats.importer.round_window import RoundWindow
from etstats.importer.window_loader import load


def refresh_series(conn: Connection, session_ids: Sequence[int]) -> None:
    """Recompute the series of stored sessions, in the caller's transaction.

    Needed after a change of names, identities, hidden players, team names or counted rounds.
    """
    for server_id, times in rounds.times_of_sessions(conn, session_ids).items():
        window = RoundWindow(rules=series.naming_rules(conn, server_id))
        load(conn, window, server_id, times.values(), rounds.NO_TIME)
        changes = FileChanges(
            server_id=server_id,
            gap=rounds.NO_TIME,
            ids=NewIds(*(rounds.fresh_ids(conn, table, len(times)) for table in ("rounds", "sessions", "series"))),
            refreshed=list(window.sessions),
        )
        decided = reconcile(window, changes)
        rounds.apply(conn, decided)
        series.mark_changed(conn, [one.session_id for one in decided.series])
