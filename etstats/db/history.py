"""Read the earlier results that a post compares with."""

from datetime import datetime
from typing import NamedTuple

from etstats.db.connection import Connection
from etstats.db.statements import fetch_all
from etstats.domain.rules.set_time import Attack


class PlayerRatingChange(NamedTuple):
    """The change of a player's rating by a match, and the chance (0 to 1) of the player's team before it."""

    identity_guid: str
    delta: float
    chance: float | None


def earlier_attacks(conn: Connection, map_name: str, before: datetime) -> list[Attack]:
    """Return the attacks on a map, on any server, that ended before a time."""
    return fetch_all(conn, Attack, "earlier_attacks", {"map_name": map_name, "before": before})


def rating_changes(conn: Connection, server_id: int, match_id: str) -> list[PlayerRatingChange]:
    """Return the change of each player's rating by a match; empty if it was not rated."""
    parameters = {"server_id": server_id, "match_id": match_id}
    return fetch_all(conn, PlayerRatingChange, "rating_changes", parameters)
