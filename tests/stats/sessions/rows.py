"""Helpers: hand-written rounds in the database; numbers that a test does not set are 0."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from etstats.db.connection import Connection
from etstats.domain.names import clean_name
from etstats.domain.rounds import PlayerRound
from etstats.importer.series import refresh_series

START = datetime(2025, 10, 2, 20, 0, tzinfo=UTC)
_numbers = count(1)

_TEXTS = {"player_guid", "player_name", "clean_name", "weapons"}
_UNKNOWN = {"denied_playtime", "useless_kills", "full_selfkills", "constructions", "revives_given"}


def guid(number: int) -> str:
    """Return the GUID of a player."""
    return f"{number:08X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A player's row: player, side, and the numbers of the test."""

    number: int
    team: int
    name: str = ""
    seconds: int = 600
    numbers: Mapping[str, object] = field(default_factory=dict)


def line(number: int, team: int, name: str = "", seconds: int = 600, **numbers: object) -> Line:
    """Return a player row; `number` is the player."""
    return Line(number=number, team=team, name=name, seconds=seconds, numbers=numbers)


def add_session(conn: Connection, server: str = "main") -> int:
    """Add a gaming session without rounds."""
    row = conn.execute(
        """INSERT INTO servers (name) VALUES (%s)
           ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id""",
        [server],
    ).fetchone()
    assert row is not None
    made = conn.execute("INSERT INTO sessions (server_id) VALUES (%s) RETURNING id", row).fetchone()
    assert made is not None
    return int(made[0])


def add_round(
    conn: Connection,
    session_id: int,
    lines: list[Line],
    *,
    minute: float = 0,
    match: str = "supply",
    number: int = 1,
    defender: int = 1,
    winner: int = 2,
    limit: int = 720,
    actual: int | None = 600,
    played: int | None = 600,
    outcome: str = "completed",
    is_cumulative: bool = False,
) -> int:
    """Add a round that ended this many minutes after START; return its id."""
    ended_at = START + timedelta(minutes=minute)
    filename = f"{ended_at:%Y-%m-%d-%H%M%S}-{match}-round-{number}.txt"
    session = conn.execute("SELECT server_id FROM sessions WHERE id = %s", [session_id]).fetchone()
    assert session is not None
    file = conn.execute(
        """INSERT INTO processed_files (server_id, filename, file_hash, size_bytes, content, source_hash,
                                        source_size, success)
           VALUES (%s, %s, %s, 0, '', %s, 0, true) RETURNING id""",
        [session[0], filename, f"{next(_numbers):064x}", f"{next(_numbers):064x}"],
    ).fetchone()
    assert file is not None
    duration = played if outcome == "surrender" else actual or played
    row = conn.execute(
        """INSERT INTO rounds (server_id, file_id, match_id, round_number, round_date, round_time, ended_at,
                               map_name, config, defender_team, winner_team, time_limit_seconds,
                               actual_time_seconds, played_seconds, duration_seconds, round_outcome, is_cumulative,
                               gaming_session_id, round1_id)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'legacy3', %s, %s, %s, %s, %s, %s, %s, %s, %s,
                   (SELECT r.id FROM rounds r
                    WHERE r.gaming_session_id = %s AND r.match_id = %s AND r.round_number = 1 AND %s))
           RETURNING id""",
        [
            session[0], file[0], f"{session_id}-{match}", number, ended_at.date(), ended_at.time(), ended_at,
            match, defender, winner, limit, actual, played, duration, outcome, is_cumulative, session_id,
            session_id, f"{session_id}-{match}", number == 2 and not is_cumulative,
        ],
    ).fetchone()  # fmt: skip
    assert row is not None
    for player in lines:
        _add_player(conn, int(row[0]), player)
    refresh_series(conn, [session_id])
    return int(row[0])


def _add_player(conn: Connection, round_id: int, player: Line) -> None:
    name = player.name or f"player{player.number}"
    values: dict[str, object] = {
        column: None if column in _UNKNOWN else 0 for column in PlayerRound._fields if column not in _TEXTS
    }
    values |= {
        "round_id": round_id,
        "player_guid": guid(player.number),
        "player_name": name,
        "clean_name": clean_name(name),
        "team": player.team,
        "was_reset": False,
        "time_played_seconds": player.seconds,
        "time_played_percent": 100,
    }
    unknown = player.numbers.keys() - values.keys()
    assert not unknown, f"no such numbers: {unknown}"
    values |= player.numbers
    columns = ", ".join(values)
    places = ", ".join(f"%({column})s" for column in values)
    conn.execute(f"INSERT INTO player_comprehensive_stats ({columns}) VALUES ({places})", values)
