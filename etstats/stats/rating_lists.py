"""Displayed ratings: the list of players, the history of a player, and the quality of predictions."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from etstats.db import ratings as stored
from etstats.db.connection import Connection
from etstats.db.ratings import PlayerMatch, PlayerRating
from etstats.domain.rules.rating import PROVISIONAL_ROUNDS, RatedMatch, interval, points
from etstats.domain.rules.rating_check import RatingCheck, check_ratings

CHANGE_SPAN = timedelta(days=7)
"""Default period of changes, before the newest rated match."""


class RatingStanding(NamedTuple):
    """A player's displayed rating, with its 95 % interval.

    `rank` is None for a provisional rating. `change` (of rank) and `gained` (points) are since an earlier time;
    None if the player was not ranked, or not rated, then.
    """

    rank: int | None
    change: int | None
    player_guid: str
    player_name: str
    clean_name: str
    value: int
    low: int
    high: int
    gained: int | None
    rounds: int
    is_provisional: bool
    last_rated: datetime


class RatingStep(NamedTuple):
    """A rating after a match, and its change by it; `chance` (0 to 1) and `result` as in PlayerMatch."""

    match_id: str
    server: str
    ended_at: datetime
    map_name: str
    value: int
    low: int
    high: int
    gained: int
    chance: float | None
    result: float | None


class Streaks(NamedTuple):
    """Consecutive wins and losses; a draw ends both. `current` is above 0 for wins, below 0 for losses."""

    current: int
    longest_won: int
    longest_lost: int


class RatingSummary(NamedTuple):
    """A player's rating, the last matches, oldest first, and the streaks over all matches with a result.

    `rank` is among `players`, None for a provisional rating; `low` and `high` are the 95 % interval.
    """

    value: int
    low: int
    high: int
    rank: int | None
    players: int
    rounds: int
    is_provisional: bool
    history: tuple[RatingStep, ...]
    matches_won: int
    matches_drawn: int
    matches_lost: int
    streaks: Streaks


def standings(
    conn: Connection,
    since: datetime | None = None,
    min_rounds: int = PROVISIONAL_ROUNDS,
    *,
    with_names: bool = True,
    with_changes: bool = True,
) -> list[RatingStanding]:
    """Return the rated players, best first, then those with fewer than `min_rounds` rounds, without a rank.

    `with_names`: if false, the names are the GUIDs. `with_changes`: if false, without changes since `since`.
    """
    if since is None and with_changes:
        newest = stored.newest_rated(conn)
        since = None if newest is None else newest - CHANGE_SPAN
    rows = stored.ratings_now(conn, since, with_names=with_names)
    ranks = _ranks((row.player_guid, row.mu) for row in rows if row.rounds >= min_rounds)
    before = _ranks(
        (row.player_guid, row.mu_before)
        for row in rows
        if row.mu_before is not None and (row.rounds_before or 0) >= min_rounds
    )
    found = [_standing(row, ranks.get(row.player_guid), before.get(row.player_guid)) for row in rows]
    return sorted(found, key=lambda row: (row.rank is None, row.rank or 0, -row.value, row.player_guid))


def summary(conn: Connection, guid: str, steps: int) -> RatingSummary | None:
    """Return the rating of a player with the last `steps` matches; None without a rating."""
    return summary_of(conn, standings(conn, with_names=False, with_changes=False), guid, steps)


def summary_of(
    conn: Connection, everybody: Sequence[RatingStanding], guid: str, steps: int
) -> RatingSummary | None:
    """Return the same as `summary`, from the given standings of all players."""
    own = next((row for row in everybody if row.player_guid == guid), None)
    matches = stored.history(conn, guid, steps) if own is not None else []
    if own is None or not matches:
        return None
    results = stored.results(conn, guid)
    return RatingSummary(
        own.value,
        own.low,
        own.high,
        own.rank,
        sum(row.rank is not None for row in everybody),
        own.rounds,
        own.is_provisional,
        tuple(map(_step, reversed(matches))),
        results.count(1),
        results.count(0.5),
        results.count(0),
        streaks(results),
    )


def streaks(results: Sequence[float]) -> Streaks:
    """Return the streaks of results (1 won, 0.5 draw, 0 lost), oldest first."""
    runs = [(result, len(list(group))) for result, group in groupby(results)]
    last, length = runs[-1] if runs else (0.5, 0)
    return Streaks(
        {1: length, 0: -length}.get(int(last), 0) if last != 0.5 else 0,
        max((count for result, count in runs if result == 1), default=0),
        max((count for result, count in runs if result == 0), default=0),
    )


def check(conn: Connection) -> RatingCheck:
    """Return how well the ratings predicted each match from earlier ones.

    Hidden and anonymized players count as a new unknown player in each match.
    """
    unrated = stored.unrated_persons(conn)
    return check_ratings([_with_strangers(match, unrated) for match in stored.matches_since(conn, None)])


def _with_strangers(match: RatedMatch, unrated: set[str]) -> RatedMatch:
    rounds = [
        round_._replace(
            players=tuple(
                player._replace(identity_guid=f"{match.match_id} {player.identity_guid}")
                if player.identity_guid in unrated
                else player
                for player in round_.players
            )
        )
        for round_ in match.rounds
    ]
    return match._replace(rounds=tuple(rounds)) if unrated else match


def _ranks(rated: Iterable[tuple[str, float]]) -> dict[str, int]:
    """Return places by GUID, counted from 1; equal ratings share the better place."""
    order = sorted(rated, key=lambda pair: -pair[1])
    ranks = {guid: place for place, (guid, _) in enumerate(order, start=1)}
    for (better, mu), (guid, other) in pairwise(order):
        if mu == other:
            ranks[guid] = ranks[better]
    return ranks


def _standing(row: PlayerRating, rank: int | None, rank_before: int | None) -> RatingStanding:
    return RatingStanding(
        rank,
        None if rank is None or rank_before is None else rank_before - rank,
        row.player_guid,
        row.player_name,
        row.clean_name,
        points(row.mu),
        *interval(row.mu, row.sigma),
        None if row.mu_before is None else points(row.mu) - points(row.mu_before),
        row.rounds,
        row.rounds < PROVISIONAL_ROUNDS,
        row.ended_at,
    )


def _step(match: PlayerMatch) -> RatingStep:
    return RatingStep(
        match.match_id,
        match.server,
        match.ended_at,
        match.map_name,
        points(match.mu),
        *interval(match.mu, match.sigma),
        points(match.mu) - points(match.mu - match.delta),
        match.chance,
        match.result,
    )
