"""Read the stored rounds around a change, and write the changed rounds."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson  # ten times faster than json, for most of what an import sends
from psycopg.types.json import Json

from etstats.db.columns import PLAYER_COLUMNS, WEAPON_COLUMNS, query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.series import StoredSeries, drop_series_after, store_series
from etstats.db.statements import fetch_all
from etstats.domain.rounds import Round

NO_TIME = timedelta()
_NO_WEAPONS: Mapping[str, tuple[int | str, ...]] = dict.fromkeys(WEAPON_COLUMNS, ())


class StoredRound(NamedTuple):
    """The columns of a stored round that pairing, sessions and series need."""

    file_id: int
    round_id: int
    filename: str
    stamp: datetime
    ended_at: datetime
    map_name: str
    round_number: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    match_id: str
    round1_id: int | None
    gaming_session_id: int
    defender_team: int
    winner_team: int
    is_counted: bool
    is_repeat: bool
    series_id: int | None
    axis_team: int | None


class PlayerOfRound(NamedTuple):
    """The columns of a player of a stored round that pairing and series need."""

    round_id: int
    player_guid: str
    team: int
    clean_name: str
    was_reset: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRound:
    """A round to write, with its pairing, session and series; `is_stored`: its id is in the database."""

    round_id: int
    is_stored: bool
    file_id: int
    ended_at: datetime
    match_id: str
    round1_id: int | None
    session_id: int
    round: Round
    series_id: int | None = None
    axis_team: int | None = None

    def as_stored(self) -> StoredRound:
        """Return the round as read after it was stored."""
        return StoredRound(
            file_id=self.file_id,
            round_id=self.round_id,
            filename=self.round.name.filename,
            stamp=self.round.name.stamp,
            ended_at=self.ended_at,
            map_name=self.round.name.map_name,
            round_number=self.round.name.round_number,
            time_limit_seconds=self.round.time_limit_seconds,
            actual_time_seconds=self.round.actual_time_seconds,
            match_id=self.match_id,
            round1_id=self.round1_id,
            gaming_session_id=self.session_id,
            defender_team=self.round.defender_team,
            winner_team=self.round.winner_team,
            is_counted=self.round.is_counted,
            is_repeat=self.round.is_repeat,
            series_id=self.series_id,
            axis_team=self.axis_team,
        )


class Reassignment(NamedTuple):
    """A round whose numbers are unchanged and whose match, session or series changes."""

    round_id: int
    match_id: str
    session_id: int
    series_id: int | None
    axis_team: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundChanges:
    """The rows to write so that the database is consistent after a change.

    `series`: new and changed series; `series_with_teams`: the ids of those with changed teams. `series_counts`:
    the number of series of a session, if it shrank. `session_teams`: session id -> GUID -> team (1 or 2), if
    changed.
    """

    server_id: int
    written: Sequence[DerivedRound] = ()
    moves: Sequence[Reassignment] = ()
    dropped_files: Sequence[int] = ()
    new_sessions: Sequence[int] = ()
    dead_sessions: Sequence[int] = ()
    series: Sequence[StoredSeries] = ()
    series_with_teams: Collection[int] = ()
    series_counts: Mapping[int, int] = field(default_factory=dict)
    session_teams: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


def around(
    conn: Connection, server_id: int, moments: Sequence[datetime], reach: timedelta, known: Collection[int] = ()
) -> list[StoredRound]:
    """Return all rounds of the sessions, except known ones, with a round within `reach` of one of the moments."""
    parameters = {"server_id": server_id, "moments": list(moments), "reach": reach, "known": list(known)}
    return fetch_all(conn, StoredRound, "rounds_around", parameters)


def players_of_rounds(conn: Connection, round_ids: Sequence[int]) -> list[PlayerOfRound]:
    """Return the players of these rounds."""
    return fetch_all(conn, PlayerOfRound, "sides_of_rounds", {"round_ids": list(round_ids)})


def session_teams(conn: Connection, session_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return the team of each GUID in the longest series, by session."""
    found: dict[int, dict[str, int]] = {session_id: {} for session_id in session_ids}
    for session_id, guid, team in conn.execute(query("teams_of_sessions"), {"session_ids": list(session_ids)}):
        found[session_id][guid] = team
    return found


def times_of_sessions(conn: Connection, session_ids: Sequence[int]) -> dict[int, dict[int, datetime]]:
    """Return by server, for each of these sessions, the end of one of its rounds."""
    found: dict[int, dict[int, datetime]] = {}
    for server_id, session_id, ended_at in conn.execute(
        query("times_of_sessions"), {"session_ids": list(session_ids)}
    ):
        found.setdefault(server_id, {})[session_id] = ended_at
    return found


def fresh_ids(conn: Connection, table: str, at_once: int) -> Iterator[int]:
    """Yield new ids of `table` from its sequence, fetched in blocks when needed; unused ids are lost."""
    while True:
        reserved = conn.execute(query("reserve_ids"), {"table": table, "count": at_once}).fetchall()
        yield from (row[0] for row in reserved)


def apply(conn: Connection, changes: RoundChanges) -> None:
    """Write changes in the caller's transaction; no result is fetched, so it can run in a pipeline.

    The database compares the stored rows with the sent totals; a difference is an integrity error.
    """
    if changes.new_sessions:
        conn.execute(query("add_sessions"), {"ids": list(changes.new_sessions), "server_id": changes.server_id})
    if changes.dropped_files:
        conn.execute(query("drop_rounds"), {"file_ids": list(changes.dropped_files)})
    if again := [written.round_id for written in changes.written if written.is_stored]:
        conn.execute(query("drop_players_of_rounds"), {"round_ids": again})
    store_series(conn, changes.series, changes.series_with_teams)
    if changes.written:
        conn.execute(query_with_columns("store_rounds"), _documents(changes))
    if changes.moves:
        moves = {
            "round_ids": [move.round_id for move in changes.moves],
            "match_ids": [move.match_id for move in changes.moves],
            "session_ids": [move.session_id for move in changes.moves],
            "series_ids": [move.series_id for move in changes.moves],
            "axis_teams": [move.axis_team for move in changes.moves],
        }
        conn.execute(query("move_rounds"), moves)
    drop_series_after(conn, changes.series_counts)
    if changes.session_teams:
        conn.execute(query("drop_session_teams"), {"session_ids": list(changes.session_teams)})
        teams = [
            (session, guid, team)
            for session, teams in changes.session_teams.items()
            for guid, team in teams.items()
        ]
        columns = list(zip(*teams, strict=True)) or [(), (), ()]
        named = zip(("session_ids", "guids", "teams"), map(list, columns), strict=True)
        conn.execute(query("add_session_teams"), dict(named))
    if changes.dead_sessions:
        conn.execute(query("drop_sessions"), {"ids": list(changes.dead_sessions)})


def _documents(changes: RoundChanges) -> dict[str, object]:
    """Return the rows to send, rounds and players as JSON by column, weapons as one array per column.

    The totals are included, which the database compares with the stored rows.
    """
    players = [(written.round_id, player) for written in changes.written for player in written.round.players]
    weapons = [
        (round_id, player.player_guid, *weapon) for round_id, player in players for weapon in player.weapons
    ]
    columns = dict(zip(WEAPON_COLUMNS, zip(*weapons, strict=True), strict=True)) if weapons else _NO_WEAPONS
    totals = [
        len(changes.written),
        len(players),
        sum(player.kills for _, player in players),
        sum(player.deaths for _, player in players),
        len(weapons),
        sum(columns["kills"]),
        sum(columns["deaths"]),
    ]
    player_rows = [
        {"round_id": round_id, **dict(zip(PLAYER_COLUMNS, player, strict=False))}  # all but the weapons
        for round_id, player in players
    ]
    return {
        "rounds": _json([_round_row(changes.server_id, written) for written in changes.written]),
        "players": _json(player_rows),
        **{f"weapons_{name}": _array(column) for name, column in columns.items()},
        "totals": totals,
    }


def _json(rows: Sequence[Mapping[str, object]]) -> Json:
    return Json(rows, dumps=orjson.dumps)


def _array(column: Sequence[int | str]) -> str:
    """Return a column as a PostgreSQL array; GUIDs and weapon names need no escaping."""
    return "{" + orjson.dumps(column).decode()[1:-1] + "}"


def _round_row(server_id: int, placed: DerivedRound) -> dict[str, object]:
    round_ = placed.round
    return {
        "id": placed.round_id,
        "server_id": server_id,
        "file_id": placed.file_id,
        "match_id": placed.match_id,
        "round_number": round_.name.round_number,
        "round_date": round_.name.stamp.date().isoformat(),
        "round_time": round_.name.stamp.time().isoformat(),
        "ended_at": placed.ended_at.isoformat(),
        "map_name": round_.name.map_name,
        "config": round_.config,
        "defender_team": round_.defender_team,
        "winner_team": round_.winner_team,
        "time_limit_seconds": round_.time_limit_seconds,
        "actual_time_seconds": round_.actual_time_seconds,
        "played_seconds": round_.played_seconds,
        "duration_seconds": round_.duration_seconds,
        "held": round_.held,
        "round_outcome": round_.round_outcome,
        "round1_id": placed.round1_id,
        "is_cumulative": round_.is_cumulative,
        "gaming_session_id": placed.session_id,
        "bots": round_.bots,
        "anonymous": round_.anonymous,
        "series_id": placed.series_id,
        "axis_team": placed.axis_team,
        "has_enough_humans": round_.has_enough_humans,
        "is_voided": round_.is_voided,
        "is_repeat": round_.is_repeat,
    }
