"""Read stored rounds, matches and sessions, and the numbers of their players."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from psycopg import Cursor

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.stats import Career, Performance, Reached, ScoreLine
from etstats.domain.views import RoundRow

Rows = Cursor[tuple[Any, ...]]

_PART = 50  # sessions: few enough that the next answer is buffered while the last one is processed


def rounds(conn: Connection, round_ids: Collection[int]) -> list[RoundRow]:
    """The rounds with these ids, in time order; ids that do not exist are left out."""
    return fetch_all(conn, RoundRow, "rounds_by_id", {"round_ids": list(round_ids)})


def recent_rounds(conn: Connection, scope: Scope, most: int | None) -> list[RoundRow]:
    """The newest rounds in scope, newest first."""
    ids = conn.execute(query("recent_rounds"), {**scope.parameters, "most": most}).fetchall()
    return rounds(conn, [round_id for (round_id,) in ids])[::-1]


def recent_sessions(conn: Connection, scope: Scope, most: int | None) -> list[int]:
    """The newest sessions with a round in scope, newest first."""
    return fetch_column(conn, "recent_sessions", {**scope.parameters, "most": most})


def rounds_of_sessions(conn: Connection, session_ids: Collection[int]) -> list[RoundRow]:
    """All rounds of these sessions, in time order."""
    return rounds(conn, session_of_rounds(conn, session_ids))


def session_of_rounds(conn: Connection, session_ids: Collection[int]) -> dict[int, int]:
    """The session of each round of these sessions, by round id."""
    return dict(conn.execute(query("sessions_of_rounds"), {"session_ids": list(session_ids)}).fetchall())


def rounds_of_match(conn: Connection, server_id: int, match_id: str) -> list[RoundRow]:
    """The one or two rounds of a match, in time order."""
    return rounds(conn, fetch_column(conn, "round_ids_of_match", {"server_id": server_id, "match_id": match_id}))


def rounds_of_file(conn: Connection, filename: str) -> list[int]:
    """The ids of the rounds of this file name, on whatever servers, newest first."""
    return fetch_column(conn, "rounds_of_filename", {"filename": filename})


def sessions_of_day(conn: Connection, day: date, server: str | None) -> list[int]:
    """The sessions that began on a day of the servers' clocks, in order; else those that went on into it."""
    return fetch_column(conn, "sessions_of_day", {"day": day, "server": server})


def nearest_days(conn: Connection, day: date, server: str | None) -> list[date]:
    """The played days nearest to one, nearest first."""
    return [found for (found,) in conn.execute(query("nearest_days"), {"day": day, "server": server})]


def nearest_sessions(conn: Connection, session_id: int) -> list[int]:
    """The session ids nearest to a number, nearest first."""
    return fetch_column(conn, "nearest_sessions", {"id": session_id})


def nearest_rounds(conn: Connection, round_id: int) -> list[int]:
    """The round ids nearest to a number, nearest first."""
    return fetch_column(conn, "nearest_rounds", {"id": round_id})


def files_near(conn: Connection, filename: str) -> list[str]:
    """Return the round files whose names are next to a name."""
    return [name for (name,) in conn.execute(query("files_near"), {"filename": filename})]


def scoreboards(conn: Connection, group_of: Mapping[int, int]) -> dict[int, list[ScoreLine]]:
    """The scoreboard of each group of rounds, most damage first; `group_of` maps round id -> group."""
    return _boards(_ask_for_boards(conn, group_of), group_of)


def scoreboards_of_sessions(conn: Connection, session_ids: Sequence[int]) -> Iterator[list[ScoreLine]]:
    """The scoreboards of sessions, one by one in the order asked for.

    They come in parts: while one is processed, the database computes the next.
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
    """What each player did in each of these rounds, by round id."""
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
    """Careers by GUID over all rounds before a moment, or over some rounds; None: no limit.

    `dpm_seconds`: how long a round must have been played for its DPM to be a best.
    """
    parameters = {
        "dpm_seconds": dpm_seconds,
        "before": before,
        "round_ids": round_ids,
        "guids": guids,
        "with_hidden": with_hidden,
    }
    return {
        career.player_guid: career
        for career in fetch_all(conn, Career, "careers", parameters, sql=query_with_columns)
    }


def achievements_reached(
    conn: Connection, ladders: Mapping[str, Sequence[int]], guid: str | None = None
) -> list[Reached]:
    """When everybody, or one player, passed which threshold: by ladder, threshold and time.

    `ladders`: the thresholds of each sum by its name in `Career`, in the order of `ACHIEVEMENTS`.
    """
    steps = [(key, place, t) for place, (key, thresholds) in enumerate(ladders.items(), 1) for t in thresholds]
    parameters = {
        "guid": guid,
        "keys": [key for key, _, _ in steps],
        "places": [place for _, place, _ in steps],
        "thresholds": [threshold for _, _, threshold in steps],
    }
    return fetch_all(conn, Reached, "achievements_reached", parameters, sql=query_with_columns)


def last_names(conn: Connection, guids: Collection[str]) -> dict[str, str]:
    """The clean name under which each of these players was last seen."""
    return dict(conn.execute(query("last_names"), {"guids": list(guids)}).fetchall())
