"""Everything about everybody at once, for the pages of the site: few queries, whatever the number of players."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection, database_errors
from etstats.db.maps import RecordValue
from etstats.db.players import OnMap, OnSide, PlayedRound, Teammate, WithWeapon
from etstats.db.queries import query


class RoundFingerprint(NamedTuple):
    """A hash of all that is stored of a round."""

    round_id: int
    session_id: int
    fingerprint: int


class OnRound(NamedTuple):
    """A player's side in a round: 1 Axis, 2 Allies, 3 neither."""

    player_guid: str
    team: int


class SessionSums(NamedTuple):
    """What one player did in one session: sums, and the bests of its single rounds (0: none).

    `ended_at`: when the player's last round in it ended. A session that overlaps the beginning of others has a row
    for each `place`: the number of sessions whose first round had ended when its rounds ended.
    """

    session_id: int
    player_guid: str
    place: int
    ended_at: datetime
    rounds: int
    kills: int
    deaths: int
    damage_given: int
    time_played_seconds: int
    best_kills: int
    best_damage_given: int
    best_dpm: float
    best_headshot_kills: int
    best_killing_spree: int
    best_revives_given: int
    best_gibs: int
    best_most_useful_kills: int


class Details(NamedTuple):
    """What the profiles of several players show, by GUID; names of others are left to the caller."""

    maps: dict[str, list[OnMap]]
    sides: dict[str, list[OnSide]]
    weapons: dict[str, list[WithWeapon]]
    teammates: dict[str, list[Teammate]]
    rounds: dict[str, list[PlayedRound]]
    records: dict[str, list[RecordValue]]


def round_fingerprints(conn: Connection) -> list[RoundFingerprint]:
    """The fingerprint of every round, in time order."""
    with database_errors():
        return [RoundFingerprint._make(row) for row in conn.execute(query("round_fingerprints"))]


def participants(conn: Connection) -> dict[int, list[str]]:
    """The GUIDs of those who played in each session, hidden ones included."""
    found: dict[int, list[str]] = {}
    with database_errors():
        for session_id, guid in conn.execute(query("participants")):
            found.setdefault(session_id, []).append(guid)
    return found


def shown_players(conn: Connection) -> dict[str, str]:
    """The raw name of everybody who has rounds and is not hidden, by GUID."""
    with database_errors():
        return dict(conn.execute(query("shown_players")).fetchall())


def sides(conn: Connection) -> dict[int, list[OnRound]]:
    """Who stood on which side in each round."""
    found: dict[int, list[OnRound]] = {}
    with database_errors():
        for round_id, guid, team in conn.execute(query("all_sides")):
            found.setdefault(round_id, []).append(OnRound(guid, team))
    return found


def weapons_by_player(conn: Connection, guids: Sequence[str]) -> dict[str, list[WithWeapon]]:
    """What each of these players did with each weapon, most kills first."""
    found: dict[str, list[WithWeapon]] = {}
    with database_errors():
        for row in _rows(conn, "weapons_of_players", {"guids": list(guids)}):
            found.setdefault(row.pop("player_guid"), []).append(WithWeapon(**row))
    return found


def merged_players(conn: Connection) -> dict[str, str]:
    """The GUID that stands for the person, by each other GUID of that person."""
    with database_errors():
        return dict(conn.execute(query("merged_players")).fetchall())


def ratings(conn: Connection) -> list[tuple[str, datetime, float, float]]:
    """Every rating: the player's GUID, when the match ended, mean and standard deviation; in time order."""
    with database_errors():
        return conn.execute(query("all_ratings")).fetchall()


def session_sums(conn: Connection, *, dpm_seconds: int) -> list[SessionSums]:
    """Each player's sums in each session, without hidden players; `dpm_seconds` as in `careers`."""
    with database_errors():
        rows = conn.execute(query("session_sums"), {"dpm_seconds": dpm_seconds})
        return [SessionSums._make(row) for row in rows]


def career_gains(conn: Connection) -> Iterator[tuple[tuple[int, ...], str, int, int]]:
    """What each round added to each career, in time order: the sums of achievements, GUID, round and session."""
    with database_errors():
        for row in conn.execute(query_with_columns("career_gains")):
            yield row[:-3], row[-3], row[-2], row[-1]


def details(
    conn: Connection,
    names: dict[str, tuple[str, str]],
    guids: Sequence[str],
    *,
    rounds: int,
    bounds: dict[str, int],
) -> Details:
    """Read what the profiles of these players show.

    `names`: the raw and the clean name of everybody who is shown. `rounds`: how many of the last ones. `bounds`:
    those of `maps.round_records`.
    """
    parameters = {"guids": list(guids), "limit": rounds, **bounds}
    found = Details({}, {}, weapons_by_player(conn, guids), {}, {}, {})
    with database_errors():
        for row in _rows(conn, "maps_of_players", parameters):
            found.maps.setdefault(row.pop("player_guid"), []).append(OnMap(**row))
        for row in _rows(conn, "sides_of_players", parameters):
            found.sides.setdefault(row.pop("player_guid"), []).append(OnSide(**row))
        for row in _rows(conn, "teammates_of_players", parameters):
            raw, clean = names.get(row["player_guid"], (row["player_guid"], row["player_guid"]))
            of_guid = row.pop("of_guid")
            found.teammates.setdefault(of_guid, []).append(Teammate(player_name=raw, clean_name=clean, **row))
        for row in _rows(conn, "rounds_of_players", parameters):
            del row["place"]
            found.rounds.setdefault(row.pop("player_guid"), []).append(PlayedRound(**row))
        for row in _rows(conn, "records_of_players", parameters):
            raw, clean = names.get(row["player_guid"], (row["player_guid"], row["player_guid"]))
            feat = RecordValue(map_name=None, player_name=raw, clean_name=clean, **row)
            found.records.setdefault(feat.player_guid, []).append(feat)
    return found


def _rows(conn: Connection, name: str, parameters: dict[str, object]) -> Iterator[dict[str, Any]]:
    cursor = conn.execute(query(name), parameters)
    columns = [column.name for column in cursor.description or ()]
    for row in cursor:
        yield dict(zip(columns, row, strict=True))
