"""Ratings in the database: update them, compare them with the rounds, and read them.

An import does not rate. Each change of a round, or of hidden, merged or anonymized players, is recorded in
`unrated_matches`; `update` rates again from the earliest of these matches on.
"""

import math
from collections.abc import Iterator, Set
from datetime import datetime
from itertools import islice, zip_longest
from typing import NamedTuple

from etstats.db import ratings as stored
from etstats.db.connection import Connection
from etstats.db.ratings import RatedPosition, StoredRating
from etstats.domain.rules import rating
from etstats.domain.rules.rating import MatchRow, RatedMatch, RatingBook, RatingRow

_AT_ONCE = 500
# Logarithms may be rounded differently on other machines.
_TOLERANCE = 1e-6


class RatingDifference(NamedTuple):
    """A stored rating that differs from the one computed from the rounds; None: no row."""

    stored: StoredRating | None
    derived: StoredRating | None


def update(conn: Connection) -> int:
    """Rate changed and later matches in a separate transaction; return the number of rated matches.

    Without changes this is one short query.
    """
    with conn.transaction():
        if not stored.are_behind(conn):
            return 0
        stored.lock(conn)
        is_first = stored.last_match(conn) is None
        since = stored.take_changes(conn)
        if since is None and not is_first:
            return 0  # another run has rated them
        return _rate_since(conn, None if is_first else since)


def rate_again(conn: Connection) -> int:
    """Rate all matches again, in the caller's transaction; return the number of rated matches."""
    stored.lock(conn)
    stored.take_changes(conn)
    return _rate_since(conn, None)


def differences(conn: Connection) -> Iterator[RatingDifference]:
    """Rate all matches again and yield stored ratings that differ; changes nothing.

    Matches from the first unrated change on are excluded.
    """
    is_first = stored.last_match(conn) is None
    until = stored.changes_since(conn)
    derived = () if is_first else _derived(conn, until)
    there = (row for row in stored.stored_ratings(conn) if until is None or row.ended_at < until)
    for before, now in zip_longest(there, derived):
        if before is None or now is None or not _is_same(before, now):
            yield RatingDifference(before, now)


def _rate_since(conn: Connection, since: datetime | None) -> int:
    last = stored.drop_since(conn, since)
    position = last.position if last else 0
    count = 0
    for part in _rated(conn, last, since):
        stored.store(conn, position + count + 1, part)
        count += len(part)
    return count


def _rated(
    conn: Connection, last: RatedPosition | None, since: datetime | None
) -> Iterator[list[tuple[list[RatingRow], MatchRow]]]:
    """Yield the ratings of the matches since a time, continuing from `last`, in parts of several matches."""
    book = rating.restore({}, {}, last.match if last else None)
    unrated = stored.unrated_persons(conn)
    matches = stored.matches_since(conn, since)
    guids: set[str] = set()
    maps: set[str] = set()
    while part := list(islice(matches, _AT_ONCE)):
        if last is not None:
            new = {guid for match in part for guid in _identities(match)} - guids
            book.players |= stored.player_states(conn, new, last.position)
            guids |= new
            new_maps = {match.map_name for match in part} - maps
            book.maps |= stored.map_states(conn, new_maps, last.position)
            maps |= new_maps
        yield [_rate(book, match, unrated) for match in part]


def _rate(book: RatingBook, match: RatedMatch, unrated: Set[str]) -> tuple[list[RatingRow], MatchRow]:
    """Rate one match; players without ratings count as new players, and get no row."""
    strangers = _identities(match) & unrated
    rows, match_row = rating.rate_match(book, match)
    for guid in strangers:
        book.players.pop(guid, None)
    return [row for row in rows if row.identity_guid not in strangers], match_row


def _identities(match: RatedMatch) -> set[str]:
    return {player.identity_guid for round_ in match.rounds for player in round_.players}


def _derived(conn: Connection, until: datetime | None) -> Iterator[StoredRating]:
    position = 0
    for part in _rated(conn, None, None):
        for rows, match in part:
            if until is not None and match.ended_at >= until:
                return
            position += 1
            for row in rows:
                yield StoredRating(position, *row[:7])


def _is_same(before: StoredRating, now: StoredRating) -> bool:
    return before[:5] == now[:5] and all(
        math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        for one, other in zip(before[5:], now[5:], strict=True)
    )
