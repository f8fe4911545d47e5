"""Read stored rounds, matches and sessions, and their players' numbers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from psycopg import Cursor

from etstats.db import sealed
from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.stats import Career, Performance, ScoreLine
from etstats.domain.views import RoundRow

Rows = Cursor[tuple[Any, ...]]

_PART = 50  # sessions: few enough that the next answer is buffered while the last one is processed


def rounds(conn: Connection, round_ids: Collection[int]) -> list[RoundRow]:
    """Return the rounds with these ids, in time order; unknown ids are skipped."""
    return fetch_all(conn, RoundRow, "rounds_by_id", {"round_ids": list(round_ids)})


def recent_rounds(conn: Connection, scope: Scope, most: int | None) -> list[RoundRow]:
    """Return the newest rounds in scope, newest first."""
    ids = conn.execute(query("recent_rounds"), {**scope.parameters, "most": most}).fetchall()
    return rounds(conn, [round_id for (round_id,) in ids])[::-1]


def recent_sessions(conn: Connection, scope: Scope, most: int | None) -> list[int]:
    """Return the newest sessions with a round in scope, newest first."""
    return fetch_column(conn, "recent_sessions", {**scope.parameters, "most": most})


def rounds_of_sessions(
    conn: Connection, session_ids: Collection[int], *, uncounted: bool = False
) -> list[RoundRow]:
    """Return the rounds of these sessions, in time order; see `session_of_rounds`."""
    return rounds(conn, session_of_rounds(conn, session_ids, uncounted=uncounted))


def session_of_rounds(
    conn: Connection, session_ids: Collection[int], *, uncounted: bool = False
) -> dict[int, int]:
    """Return the session of each round of these sessions, by round id.

    Rounds that are not counted are left out, unless no round of the session is counted, or with `uncounted`.
    """
    parameters = {"session_ids": list(session_ids), "uncounted": uncounted}
    return dict(conn.execute(query("sessions_of_rounds"), parameters).fetchall())


def rounds_of_match(conn: Connection, server_id: int, match_id: str) -> list[RoundRow]:
    """Return the one or two rounds of a match, in time order."""
    return rounds(conn, fetch_column(conn, "round_ids_of_match", {"server_id": server_id, "match_id": match_id}))


def rounds_of_file(conn: Connection, filename: str) -> list[int]:
    """Return the ids of the rounds with this file name on any server, newest first."""
    return fetch_column(conn, "rounds_of_filename", {"filename": filename})


def teams_of_session(conn: Connection, session_id: int) -> dict[int, list[str]]:
    """Return the GUIDs of the two teams of the longest series of a session, by team (1, 2)."""
    return dict(conn.execute(query("team_members_of_session"), {"session_id": session_id}).fetchall())


def sessions_of_day(conn: Connection, day: date, server: str | None) -> list[int]:
    """Return the sessions that began on a day (server clock); if none, those that continued into it."""
    return fetch_column(conn, "sessions_of_day", {"day": day, "server": server})


def nearest_days(conn: Connection, day: date, server: str | None) -> list[date]:
    """Return the days with sessions nearest to a day, nearest first."""
    return [found for (found,) in conn.execute(query("nearest_days"), {"day": day, "server": server})]


def nearest_sessions(conn: Connection, session_id: int) -> list[int]:
    """Return the session ids nearest to a number, nearest first."""
    return fetch_column(conn, "nearest_sessions", {"id": session_id})


def nearest_rounds(conn: Connection, round_id: int) -> list[int]:
    """Return the round ids nearest to a number, nearest first."""
    return fetch_column(conn, "nearest_rounds", {"id": round_id})


def files_near(conn: Connection, filename: str) -> list[str]:
    """Return the round files next to a name in name order."""
    return [name for (name,) in conn.execute(query("files_near"), {"filename": filename})]


def scoreboards(conn: Connection, group_of: Mapping[int, int]) -> dict[int, list[ScoreLine]]:
    """Return the scoreboard of each group of rounds, most damage first; `group_of`: round id -> group."""
    return _boards(_ask_for_boards(conn, group_of), group_of)


def scoreboards_of_sessions(conn: Connection, session_ids: Sequence[int]) -> Iterator[list[ScoreLine]]:
    """Yield the scoreboards of sessions in the given order.

    The database computes the next ones while the caller processes one.
    """
    rounds_of: dict[int, list[int]] = {session_id: [] for session_id in session_ids}
    for round_id, session_id in session_of_rounds(conn, session_ids).items():
        rounds_of[session_id].append(round_id)
    parts = [
        {round_id: session_id for session_id in session_ids[at : at + _PART] for round_id in rounds_of[session_id]}
        for at in range(0, len(session_ids), _PART)
    ]
    with conn.pipeline():
        for group_of, asked in [(part, _ask_for_boards(conn, part)) for part in parts]:
            yield from _boards(asked, group_of).values()


def _ask_for_boards(conn: Connection, group_of: Mapping[int, int]) -> Rows:
    parameters = {"round_ids": list(group_of), "groups": list(group_of.values())}
    return conn.execute(query_with_columns("scoreboards"), parameters)


def _boards(asked: Rows, group_of: Mapping[int, int]) -> dict[int, list[ScoreLine]]:
    boards: dict[int, list[ScoreLine]] = {group: [] for group in group_of.values()}
    found = asked.fetchall()
    names = [column.name for column in asked.description or ()]
    group_id, in_order = names.index("group_id"), itemgetter(*map(names.index, ScoreLine._fields))
    for row in found:
        boards[row[group_id]].append(ScoreLine._make(in_order(row)))
    return boards


def performances(conn: Connection, round_ids: Sequence[int]) -> dict[int, list[Performance]]:
    """Return the performances of all players in these rounds, by round id."""
    found: dict[int, list[Performance]] = {round_id: [] for round_id in round_ids}
    for row in fetch_all(conn, Performance, "performances", {"round_ids": list(round_ids)}):
        found[row.round_id].append(row)
    return found


def careers(
    conn: Connection,
    *,
    dpm_seconds: int,
    before: datetime | None = None,
    round_ids: Sequence[int] | None = None,
    guids: Sequence[str] | None = None,
    with_hidden: bool = False,
) -> dict[str, Career]:
    """Return careers by GUID over all rounds before a time, or over some rounds; None: no limit.

    `dpm_seconds`: the minimum time played in a round for its DPM to be a best.
    """
    scope = Scope(until=before)
    cover, parameters = sealed.covered(conn, scope) if round_ids is None else sealed.uncovered(scope)
    parameters |= {"dpm_seconds": dpm_seconds, "round_ids": round_ids, "guids": guids, "with_hidden": with_hidden}
    return {career.player_guid: career for career in fetch_all(conn, Career, "careers", parameters, sql=cover.sql)}


def last_names(conn: Connection, guids: Collection[str]) -> dict[str, str]:
    """Return the last clean name of each of these players."""
    return dict(conn.execute(query("last_names"), {"guids": list(guids)}).fetchall())
