"""Derived rounds: read those around a change, and write the result of the change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson  # a tenth of the standard library's time, for the bulk of what an import sends
from psycopg.types.json import Json

from etstats.db.columns import PLAYER_COLUMNS, WEAPON_COLUMNS, query_with_columns
from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.statements import fetch_all
from etstats.domain.rounds import Round

_NO_WEAPONS: Mapping[str, tuple[int | str, ...]] = dict.fromkeys(WEAPON_COLUMNS, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRound:
    """The columns of a stored round that pairing and grouping into sessions need."""

    file_id: int
    round_id: int
    stamp: datetime
    ended_at: datetime
    map_name: str
    round_number: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    match_id: str
    round1_id: int | None
    gaming_session_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRound:
    """A round with its pairing and session, ready to be written; `is_stored` when its id is in the database."""

    round_id: int
    is_stored: bool
    file_id: int
    ended_at: datetime
    match_id: str
    round1_id: int | None
    session_id: int
    round: Round

    def as_stored(self) -> StoredRound:
        """Return the same round as it will be stored."""
        return StoredRound(
            file_id=self.file_id,
            round_id=self.round_id,
            stamp=self.round.name.stamp,
            ended_at=self.ended_at,
            map_name=self.round.name.map_name,
            round_number=self.round.name.round_number,
            time_limit_seconds=self.round.time_limit_seconds,
            actual_time_seconds=self.round.actual_time_seconds,
            match_id=self.match_id,
            round1_id=self.round1_id,
            gaming_session_id=self.session_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassignment:
    """A round whose numbers stay and whose match or session changes."""

    round_id: int
    match_id: str
    session_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundChanges:
    """All that has to be written so that the database is consistent after a change.

    `lineups`: session id -> GUID -> line-up (1 or 2), for the sessions whose line-ups changed.
    """

    server_id: int
    written: Sequence[DerivedRound] = ()
    moves: Sequence[Reassignment] = ()
    dropped_files: Sequence[int] = ()
    new_sessions: Sequence[int] = ()
    dead_sessions: Sequence[int] = ()
    lineups: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


def around(conn: Connection, server_id: int, moments: Sequence[datetime], reach: timedelta) -> list[StoredRound]:
    """All rounds of every session that has a round within reach of one of the moments."""
    parameters = {"server_id": server_id, "moments": list(moments), "reach": reach}
    return fetch_all(conn, StoredRound, "rounds_around", parameters)


def sides(conn: Connection, round_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """For each round: the side of each GUID."""
    found: dict[int, dict[str, int]] = {round_id: {} for round_id in round_ids}
    for round_id, guid, team in conn.execute(query("sides_of_rounds"), {"round_ids": list(round_ids)}):
        found[round_id][guid] = team
    return found


def lineups(conn: Connection, session_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """For each session: the line-up of each GUID."""
    found: dict[int, dict[str, int]] = {session_id: {} for session_id in session_ids}
    for session_id, guid, team in conn.execute(query("teams_of_sessions"), {"session_ids": list(session_ids)}):
        found[session_id][guid] = team
    return found


def fresh_ids(conn: Connection, table: str, at_once: int) -> Iterator[int]:
    """Ids of `table` without end that nobody else will get; those that stay unused are skipped for good.

    They are requested in blocks, and only when needed.
    """
    while True:
        reserved = conn.execute(query("reserve_ids"), {"table": table, "count": at_once}).fetchall()
        yield from (row[0] for row in reserved)


def apply(conn: Connection, settlement: RoundChanges) -> None:
    """Write a settlement inside the caller's transaction; asks nothing back, so it may stand in a pipeline.

    The database compares what it stored with what was sent; a difference is an integrity error.
    """
    s = settlement
    if s.new_sessions:
        conn.execute(query("add_sessions"), {"ids": list(s.new_sessions), "server_id": s.server_id})
    if s.dropped_files:
        conn.execute(query("drop_rounds"), {"file_ids": list(s.dropped_files)})
    if again := [p.round_id for p in s.written if p.is_stored]:
        conn.execute(query("drop_players_of_rounds"), {"round_ids": again})
    if s.written:
        conn.execute(query_with_columns("store_rounds"), _documents(s))
    if s.moves:
        moves = {
            "round_ids": [m.round_id for m in s.moves],
            "match_ids": [m.match_id for m in s.moves],
            "session_ids": [m.session_id for m in s.moves],
        }
        conn.execute(query("move_rounds"), moves)
    if s.lineups:
        conn.execute(query("drop_session_teams"), {"session_ids": list(s.lineups)})
        teams = [(session, guid, team) for session, teams in s.lineups.items() for guid, team in teams.items()]
        columns = list(zip(*teams, strict=True)) or [(), (), ()]
        named = zip(("session_ids", "guids", "teams"), map(list, columns), strict=True)
        conn.execute(query("add_session_teams"), dict(named))
    if s.dead_sessions:
        conn.execute(query("drop_sessions"), {"ids": list(s.dead_sessions)})


def _documents(settlement: RoundChanges) -> dict[str, object]:
    """The rows to send: rounds and players as JSON keyed by column, weapons as one array per column.

    With them the totals that the database must arrive at.
    """
    players = [(p.round_id, player) for p in settlement.written for player in p.round.players]
    weapons = [(round_id, player.player_guid, *w) for round_id, player in players for w in player.weapons]
    columns = dict(zip(WEAPON_COLUMNS, zip(*weapons, strict=True), strict=True)) if weapons else _NO_WEAPONS
    totals = [
        len(settlement.written),
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
        "rounds": _json([_round_row(settlement.server_id, p) for p in settlement.written]),
        "players": _json(player_rows),
        **{f"weapons_{name}": _array(column) for name, column in columns.items()},
        "totals": totals,
    }


def _json(rows: Sequence[Mapping[str, object]]) -> Json:
    return Json(rows, dumps=orjson.dumps)


def _array(column: Sequence[int | str]) -> str:
    """A column as PostgreSQL reads an array; GUIDs and weapons' names hold nothing that would be escaped."""
    return "{" + orjson.dumps(column).decode()[1:-1] + "}"


def _round_row(server_id: int, placed: DerivedRound) -> dict[str, object]:
    r = placed.round
    return {
        "id": placed.round_id,
        "server_id": server_id,
        "file_id": placed.file_id,
        "match_id": placed.match_id,
        "round_number": r.name.round_number,
        "round_date": r.name.stamp.date().isoformat(),
        "round_time": r.name.stamp.time().isoformat(),
        "ended_at": placed.ended_at.isoformat(),
        "map_name": r.name.map_name,
        "config": r.config,
        "defender_team": r.defender_team,
        "winner_team": r.winner_team,
        "time_limit_seconds": r.time_limit_seconds,
        "actual_time_seconds": r.actual_time_seconds,
        "played_seconds": r.played_seconds,
        "duration_seconds": r.duration_seconds,
        "held": r.held,
        "round_outcome": r.round_outcome,
        "round1_id": placed.round1_id,
        "is_cumulative": r.is_cumulative,
        "gaming_session_id": placed.session_id,
        "bots": r.bots,
        "is_counted": r.is_counted,
        "anonymous": r.anonymous,
    }
