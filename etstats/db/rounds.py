"""Derived rounds: where a new one stands among its neighbours, and the writing of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from psycopg.rows import class_row

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.errors import CheckError
from etstats.model import PlayerRound, Round

# In the order of copy_players.sql, after the round's id.
_player_values = attrgetter(*(name for name in PlayerRound.__slots__ if name != "weapons"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRound:
    """What must be known of a stored round to pair it and to place it in an evening."""

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
class PlacedRound:
    """A round with its place among the others, ready to be written."""

    file_id: int
    ended_at: datetime
    match_id: str
    round1_file_id: int | None
    session_id: int
    round: Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A round whose numbers stay and whose match or session changes."""

    round_id: int
    match_id: str
    session_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the base holds of one round."""

    players: int
    kills: int
    deaths: int
    weapons: int
    weapon_kills: int
    weapon_deaths: int


def around(conn: Connection, server_id: int, low: datetime, high: datetime) -> list[StoredRound]:
    """All rounds of every session that has a round between the two moments."""
    with conn.cursor(row_factory=class_row(StoredRound)) as cursor:
        parameters = {"server_id": server_id, "low": low, "high": high}
        return cursor.execute(query("rounds_around"), parameters).fetchall()


def sides(conn: Connection, round_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """For each round: the side of each GUID."""
    found: dict[int, dict[str, int]] = {round_id: {} for round_id in round_ids}
    for round_id, guid, team in conn.execute(query("sides_of_rounds"), {"round_ids": list(round_ids)}):
        found[round_id][guid] = team
    return found


def write(
    conn: Connection, server_id: int, placed: Sequence[PlacedRound], stored: Mapping[int, int]
) -> dict[int, int]:
    """Write the rounds whole, replacing what their files had; returns file id -> round id, with `stored` in it.

    `stored` maps the files of the neighbours that are in the base already. CheckError when the base does not
    hold afterwards what was to be written.
    """
    ids = dict(stored)
    old = [ids[p.file_id] for p in placed if p.file_id in ids]
    if old:
        conn.execute(query("drop_players_of_rounds"), {"round_ids": old})
    for number in (1, 2):  # a round 2 points to its round 1
        _write_rounds(conn, server_id, [p for p in placed if p.round.name.round_number == number], ids)
    with conn.cursor() as cursor:
        with cursor.copy(query("copy_players")) as copy:
            for p in placed:
                for player in p.round.players:
                    copy.write_row((ids[p.file_id], *_player_values(player)))
        with cursor.copy(query("copy_weapons")) as copy:
            for p in placed:
                for player in p.round.players:
                    for weapon in player.weapons:
                        copy.write_row((ids[p.file_id], player.player_guid, *weapon))
    return ids


def check_written(conn: Connection, round_id: int, expected: Round) -> None:
    """Read one round back and compare: players, weapons, kills and deaths by player and by weapon."""
    with conn.cursor(row_factory=class_row(Totals)) as cursor:
        found = cursor.execute(query("stored_totals"), {"round_id": round_id}).fetchone()
    weapons = [w for p in expected.players for w in p.weapons]
    wanted = Totals(
        players=len(expected.players),
        kills=sum(p.kills for p in expected.players),
        deaths=sum(p.deaths for p in expected.players),
        weapons=len(weapons),
        weapon_kills=sum(w.kills for w in weapons),
        weapon_deaths=sum(w.deaths for w in weapons),
    )
    if found != wanted:
        raise CheckError(f"{expected.name.filename}: the base holds {found}, the file says {wanted}")


def move(conn: Connection, moves: Sequence[Move]) -> None:
    """Give rounds another match or session without touching their numbers."""
    if moves:
        parameters = {
            "round_ids": [m.round_id for m in moves],
            "match_ids": [m.match_id for m in moves],
            "session_ids": [m.session_id for m in moves],
        }
        conn.execute(query("move_rounds"), parameters)


def drop(conn: Connection, file_ids: Iterable[int]) -> None:
    """Take out the rounds of these files."""
    conn.execute(query("drop_rounds"), {"file_ids": list(file_ids)})


def add_session(conn: Connection, server_id: int) -> int:
    """Make a gaming session; returns its id."""
    row = conn.execute(query("add_session"), {"server_id": server_id}).fetchone()
    assert row is not None  # noqa: S101  # INSERT ... RETURNING always has its row
    return int(row[0])


def drop_sessions(conn: Connection, ids: Iterable[int]) -> None:
    """Remove sessions that hold no round any more, with their line-ups."""
    conn.execute(query("drop_sessions"), {"ids": list(ids)})


def write_lineups(conn: Connection, lineups: Mapping[int, Mapping[str, int]]) -> None:
    """Replace the line-ups (GUID -> 1 or 2) of these sessions."""
    conn.execute(query("drop_session_teams"), {"session_ids": list(lineups)})
    rows = [(session, guid, team) for session, teams in lineups.items() for guid, team in teams.items()]
    parameters = {
        "session_ids": [session for session, _, _ in rows],
        "guids": [guid for _, guid, _ in rows],
        "teams": [team for _, _, team in rows],
    }
    conn.execute(query("add_session_teams"), parameters)


def _write_rounds(conn: Connection, server_id: int, placed: Sequence[PlacedRound], ids: dict[int, int]) -> None:
    if not placed:
        return
    with conn.cursor() as cursor:
        cursor.executemany(query("store_round"), [_round_row(server_id, p, ids) for p in placed], returning=True)
        for p in placed:
            row = cursor.fetchone()
            assert row is not None  # noqa: S101  # INSERT ... RETURNING always has its row
            ids[p.file_id] = row[0]
            cursor.nextset()


def _round_row(server_id: int, placed: PlacedRound, ids: Mapping[int, int]) -> dict[str, object]:
    r = placed.round
    return {
        "server_id": server_id,
        "file_id": placed.file_id,
        "match_id": placed.match_id,
        "round_number": r.name.round_number,
        "round_date": r.name.stamp.date(),
        "round_time": r.name.stamp.time(),
        "ended_at": placed.ended_at,
        "map_name": r.name.map_name,
        "config": r.config,
        "defender_team": r.defender_team,
        "winner_team": r.winner_team,
        "time_limit_seconds": r.time_limit_seconds,
        "actual_time_seconds": r.actual_time_seconds,
        "played_seconds": r.played_seconds,
        "round_outcome": r.round_outcome,
        "round1_id": None if placed.round1_file_id is None else ids[placed.round1_file_id],
        "is_cumulative": r.is_cumulative,
        "gaming_session_id": placed.session_id,
    }
