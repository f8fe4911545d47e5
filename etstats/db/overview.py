"""Read the data of all players at once, for the site, with a fixed number of queries."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from etstats.db.columns import query_with_columns
from etstats.db.connection import Connection
from etstats.db.maps import RecordValue
from etstats.db.players import OnMap, OnSide, PlayedRound, Teammate, WithWeapon
from etstats.db.queries import query


class RoundFingerprint(NamedTuple):
    """A hash of all stored values of a round."""

    round_id: int
    session_id: int
    fingerprint: int


class OnRound(NamedTuple):
    """A player's side in a round: 1 Axis, 2 Allies, 3 neither."""

    player_guid: str
    team: int


class SessionSums(NamedTuple):
    """The sums of a player in a session, and the bests of its single rounds (0: none).

    `ended_at`: the end of the player's last round in it. A session that overlaps the start of others has a row for
    each `place`: the number of sessions whose first round ended before its rounds ended.
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
    """The data of several players' profiles, by GUID; the caller adds the names of other players."""

    maps: dict[str, list[OnMap]]
    sides: dict[str, list[OnSide]]
    weapons: dict[str, list[WithWeapon]]
    teammates: dict[str, list[Teammate]]
    rounds: dict[str, list[PlayedRound]]
    records: dict[str, list[RecordValue]]


def round_fingerprints(conn: Connection) -> list[RoundFingerprint]:
    """Return the fingerprint of every round, in time order."""
    return [RoundFingerprint._make(row) for row in conn.execute(query("round_fingerprints"))]


def participants(conn: Connection) -> dict[int, list[str]]:
    """Return the GUIDs of the players of each session, including hidden ones."""
    found: dict[int, list[str]] = {}
    for session_id, guid in conn.execute(query("participants")):
        players = found.setdefault(session_id, [])
        if guid is not None:
            players.append(guid)
    return found


def shown_players(conn: Connection) -> dict[str, str]:
    """Return the raw names of all players with rounds who are not hidden, by GUID."""
    return dict(conn.execute(query("shown_players")).fetchall())


def sides(conn: Connection) -> dict[int, list[OnRound]]:
    """Return the side of each player in each round."""
    found: dict[int, list[OnRound]] = {}
    for round_id, guid, team in conn.execute(query("all_sides")):
        found.setdefault(round_id, []).append(OnRound(guid, team))
    return found


def weapons_by_player(conn: Connection, guids: Sequence[str]) -> dict[str, list[WithWeapon]]:
    """Return the weapon sums of each of these players, most kills first."""
    found: dict[str, list[WithWeapon]] = {}
    for row in _rows(conn, "weapons_of_players", {"guids": list(guids)}):
        found.setdefault(row.pop("player_guid"), []).append(WithWeapon(**row))
    return found


def merged_players(conn: Connection) -> dict[str, str]:
    """Return the main GUID of each merged player, by the player's other GUIDs."""
    return dict(conn.execute(query("merged_players")).fetchall())


def ratings(conn: Connection) -> list[tuple[str, datetime, float, float]]:
    """Return all ratings in time order: GUID, end of the match, mean and standard deviation."""
    return conn.execute(query("all_ratings")).fetchall()


def session_sums(conn: Connection, *, dpm_seconds: int) -> list[SessionSums]:
    """Return each player's sums in each session, without hidden players; `dpm_seconds` as in `careers`."""
    rows = conn.execute(query("session_sums"), {"dpm_seconds": dpm_seconds})
    return [SessionSums._make(row) for row in rows]


def career_gains(conn: Connection) -> Iterator[tuple[tuple[int, ...], str, int, int]]:
    """Yield what each round added to each career, in time order: achievement sums, GUID, round, session."""
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
    """Read the data of these players' profiles.

    `names`: raw and clean names of all shown players. `rounds`: the number of last rounds. `bounds`: the minimums
    of `maps.round_records`.
    """
    parameters = {"guids": list(guids), "limit": rounds, **bounds}
    found = Details({}, {}, weapons_by_player(conn, guids), {}, {}, {})
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
    cursor = conn.execute(query_with_columns(name), parameters)
    columns = [column.name for column in cursor.description or ()]
    for row in cursor:
        yield dict(zip(columns, row, strict=True))
