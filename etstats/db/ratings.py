"""Read the input of ratings, and store and read ratings."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from etstats.db.connection import Connection
from etstats.db.queries import query
from etstats.db.scope import Scope
from etstats.db.statements import fetch_all, fetch_column
from etstats.domain.rules.rating import (
    BiasState,
    MatchRow,
    PlayerState,
    RatedMatch,
    RatedPlayer,
    RatedRound,
    RatingBook,
    RatingRow,
    SlopeState,
    matches_of,
    restore,
)

_FETCH_AT_ONCE = 500
# The types of the columns in the order of the COPY statements.
_MATCH_TYPES = (
    *("int4", "int4", "text", "timestamptz", "text", "float8", "float8", "float8"),
    *("float8", "float8", "float8", "int4", "float8", "float8", "float8", "int4"),
    *("float8", "float8", "float8", "float8"),
)
_RATING_TYPES = (
    *("text", "int4", "text", "timestamptz", "float8", "float8", "float8", "int4"),
    *("float8", "float8", "float8", "float8", "float8", "int4", "int2"),
)


class RatedPosition(NamedTuple):
    """A match with its position in the order of rating, counted from 1."""

    position: int
    match: MatchRow


class StoredRating(NamedTuple):
    """The stored rating of a player after a match."""

    position: int
    identity_guid: str
    server_id: int
    match_id: str
    ended_at: datetime
    mu: float
    sigma: float
    delta: float


class PlayerRating(NamedTuple):
    """The current rating of a player, and the one before a time (None: not rated then)."""

    player_guid: str
    player_name: str
    clean_name: str
    mu: float
    sigma: float
    rounds: int
    ended_at: datetime
    mu_before: float | None
    rounds_before: int | None


class PlayerMatch(NamedTuple):
    """A rated match of one player; `chance` and `result` (1 won, 0.5 draw, 0 lost) are the player's, or None."""

    match_id: str
    server: str
    ended_at: datetime
    map_name: str
    mu: float
    sigma: float
    delta: float
    chance: float | None
    result: float | None


class DuoResults(NamedTuple):
    """The matches of two players in the same team; shares are 0 to 1, a draw is half a win.

    `expected_share`: the mean win chance by the ratings before each match.
    """

    guid1: str
    guid2: str
    matches: int
    won: int
    drawn: int
    lost: int
    win_share: float
    expected_share: float
    name1: str
    clean_name1: str
    name2: str
    clean_name2: str


class RivalResults(NamedTuple):
    """The matches of a player against an opponent, from the player's point of view; shares as in DuoResults."""

    player_guid: str
    matches: int
    won: int
    drawn: int
    lost: int
    win_share: float
    expected_share: float
    player_name: str
    clean_name: str


def lock(conn: Connection) -> None:
    """Lock the ratings against other writers until the end of the caller's transaction."""
    conn.execute(query("lock_ratings"))


def are_behind(conn: Connection) -> bool:
    """Return whether matches changed since the last rating."""
    return conn.execute(query("are_ratings_behind")).fetchone() == (True,)


def changes_since(conn: Connection) -> datetime | None:
    """Return the earliest end of a changed match; None without changes."""
    return _moment(conn, query("rating_changes_since"))


def take_changes(conn: Connection) -> datetime | None:
    """Empty the log of changes and return the earliest end of a changed match."""
    return _moment(conn, query("take_rating_changes"))


def drop_since(conn: Connection, since: datetime | None) -> RatedPosition | None:
    """Delete the ratings of matches that ended at or after a time (None: of all); return the last match left."""
    conn.execute(query("drop_rated_matches"), {"since": since})
    last = last_match(conn)
    conn.execute(query("drop_ratings_behind"), {"position": last.position if last else 0})
    return last


def last_match(conn: Connection) -> RatedPosition | None:
    """Return the last rated match."""
    row = conn.execute(query("last_rated_match")).fetchone()
    if row is None:
        return None
    biases = BiasState(*row[8:12]), BiasState(*row[12:16]), SlopeState(*row[16:20])
    return RatedPosition(row[0], MatchRow._make((*row[1:8], *biases)))


def matches_since(conn: Connection, since: datetime | None) -> Iterator[RatedMatch]:
    """Yield the matches that ended at or after a time (None: all), in the order of rating.

    They are read in blocks by a server-side cursor in the caller's transaction.
    """
    with conn.cursor("rated_rounds") as cursor:
        cursor.itersize = _FETCH_AT_ONCE
        cursor.execute(query("rated_rounds"), {"since": since})
        # Matches of two servers may have the same end and id; `matches_of` puts these in order.
        for _, rows in groupby(cursor, key=itemgetter(7, 1)):
            for match in matches_of(map(_rated_round, rows)):
                if since is None or match.ended_at >= since:
                    yield match


def unrated_persons(conn: Connection) -> set[str]:
    """Return the identities that have no rating: hidden and anonymized players."""
    return {guid for (guid,) in conn.execute(query("unrated_persons"))}


def player_states(conn: Connection, guids: Collection[str], position: int) -> dict[str, PlayerState]:
    """Return the latest state of each of these identities up to and including a match."""
    rows = conn.execute(query("rating_states"), {"guids": list(guids), "position": position})
    return {guid: PlayerState(*state) for guid, *state in rows}


def map_states(conn: Connection, maps: Collection[str], position: int) -> dict[str, BiasState]:
    """Return the latest bias of each of these maps up to and including a match."""
    rows = conn.execute(query("map_states"), {"maps": list(maps), "position": position})
    return {name: BiasState(*state) for name, *state in rows}


def store(conn: Connection, first_position: int, rated: Iterable[tuple[Collection[RatingRow], MatchRow]]) -> None:
    """Store the ratings of consecutive matches, the first of which has this position."""
    ratings: list[tuple[object, ...]] = []
    matches: list[tuple[object, ...]] = []
    for position, (rows, match) in enumerate(rated, start=first_position):
        matches.append((position, *match[:7], *match.map_bias, *match.any_map, *match.slope))
        ratings += [(*row[:7], position, *row.state[:6], row.side) for row in rows]
    for name, types, table in (
        ("copy_rated_matches", _MATCH_TYPES, matches),
        ("copy_ratings", _RATING_TYPES, ratings),
    ):
        with conn.cursor().copy(query(name)) as copy:
            copy.set_types(types)
            for row in table:
                copy.write_row(row)


def stored_ratings(conn: Connection) -> Iterator[StoredRating]:
    """Yield all ratings in the order of rating, then by identity."""
    with conn.cursor("stored_ratings") as cursor:
        cursor.itersize = 10 * _FETCH_AT_ONCE
        cursor.execute(query("stored_ratings"))
        for row in cursor:
            yield StoredRating(*row)


def book_of(conn: Connection, guids: Collection[str]) -> RatingBook:
    """Return the current rating book of these players, without unrated players."""
    last = last_match(conn)
    if last is None:
        return RatingBook()
    return restore(player_states(conn, guids, last.position), {}, last.match)


def ratings_now(conn: Connection, since: datetime | None, *, with_names: bool = True) -> list[PlayerRating]:
    """Return the current rating of each player and the one up to a time, without hidden players.

    `with_names`: if false, the names are the GUIDs.
    """
    parameters = {"since": since, "with_names": with_names}
    return [PlayerRating(*row) for row in conn.execute(query("ratings_now"), parameters)]


def newest_rated(conn: Connection) -> datetime | None:
    """Return the end of the last rated match."""
    last = last_match(conn)
    return last.match.ended_at if last else None


def history(conn: Connection, guid: str, limit: int | None) -> list[PlayerMatch]:
    """Return the last rated matches of a player, newest first."""
    return [PlayerMatch(*row) for row in conn.execute(query("rating_history"), {"guid": guid, "limit": limit})]


def results(conn: Connection, guid: str) -> list[float]:
    """Return the results of a player's rated matches that have one, oldest first."""
    return fetch_column(conn, "rating_results", {"guid": guid})


def duos(conn: Connection, scope: Scope, least: int, unrated: Collection[str]) -> list[DuoResults]:
    """Return the pairs with at least `least` matches for the same team."""
    return fetch_all(conn, DuoResults, "duos", {**scope.parameters, "least": least, "unrated": list(unrated)})


def rivals(conn: Connection, scope: Scope, guid: str, least: int, unrated: Collection[str]) -> list[RivalResults]:
    """Return the opponents with at least `least` matches against a player."""
    parameters = {**scope.parameters, "guid": guid, "least": least, "unrated": list(unrated)}
    return fetch_all(conn, RivalResults, "rivals", parameters)


def _moment(conn: Connection, sql: str) -> datetime | None:
    row: tuple[datetime | None] | None = conn.execute(sql).fetchone()
    return row[0] if row else None


def _rated_round(row: Sequence[Any]) -> RatedRound:
    players = () if row[9] is None else tuple(map(RatedPlayer._make, zip(*row[9:], strict=True)))
    return RatedRound._make((*row[:7], players, row[8]))
