"""Leaderboards, and a player's ranks, from sums of the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from etstats.db import boards as sums
from etstats.db import players
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.domain.rules import ranking
from etstats.domain.rules.boards import BOARDS, Board, value_of
from etstats.domain.rules.ranking import Ranking
from etstats.domain.stats import PlayerSums, Standing

NAMED_OTHERS = 6
"""The number of players below a minimum that `named` names."""


class Place(NamedTuple):
    """A player's value on a board, and the rank among `players`; None: no value, or below the minimum."""

    board: str
    value: float | None
    rank: int | None
    players: int


class WeaponStanding(NamedTuple):
    """A row of a weapon's board, with all values counted by weapon; the first fields are those of `Standing`.

    `accuracy` and `headshot_share` are in per cent, None for a weapon without bullets.
    """

    rank: int
    change: int | None
    player_guid: str
    player_name: str
    clean_name: str
    value: float
    kills: int
    deaths: int
    hits: int
    shots: int
    headshots: int
    accuracy: float | None
    headshot_share: float | None
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The sums of all players over some rounds, for all boards."""

    size: sums.BoardSize
    now: Sequence[PlayerSums]
    before: Sequence[PlayerSums]

    def ranking(self, board: Board, min_rounds: int | None = None, min_shots: int | None = None) -> Ranking:
        """Return a board; the default minimums are those of the board."""
        return ranking.rank(
            board,
            self.now,
            ranking.minimum(board, self.size.rounds, min_rounds, min_shots),
            self.before,
            ranking.minimum(board, self.size.rounds_before, min_rounds, min_shots),
        )

    def first_places(self, board: Board, last: int | None = None) -> tuple[Standing, ...]:
        """Return the places of a board up to the rank `last` (None: all), without changes."""
        return ranking.first_places(board, self.now, ranking.minimum(board, self.size.rounds), last)

    def places(self, guid: str) -> list[Place]:
        """Return a player's ranks on all boards; the player must be in the population."""
        own = next(player for player in self.now if player.player_guid == guid)
        places = []
        for board in BOARDS.values():
            rank, ranked = ranking.rank_of(board, own, self.now, ranking.minimum(board, self.size.rounds))
            places.append(Place(board=board.name, value=value_of(board, own), rank=rank, players=ranked))
        return places

    def all_places(self) -> dict[str, list[Place]]:
        """Return all players' ranks on all boards, by GUID."""
        places: dict[str, list[Place]] = {player.player_guid: [] for player in self.now}
        for board in BOARDS.values():
            ranks = self._ranks(board)
            for player in self.now:
                place = Place(
                    board=board.name,
                    value=value_of(board, player),
                    rank=ranks.get(player.player_guid),
                    players=len(ranks),
                )
                places[player.player_guid].append(place)
        return places

    def _ranks(self, board: Board) -> dict[str, int]:
        """Return all players' ranks on a board, by GUID."""
        return ranking.ranks(board, self.now, ranking.minimum(board, self.size.rounds))


def population(
    conn: Connection,
    scope: Scope,
    *,
    weapon: str | None = None,
    shown: Sequence[str] = (),
    known: str | None = None,
    boards: Iterable[Board] | None = None,
    with_before: bool = True,
    with_names: bool = True,
) -> Population:
    """Return the population of a scope, or of one weapon in it; `shown`: hidden players to include.

    `known`: count only rounds in which this value is known. `boards`: read only the sums of these boards.
    `with_before`: if false, without the sums of the week before, for rankings without changes. `with_names`: if
    false, the names are the GUIDs; see `named`.
    """
    size = sums.size(conn, scope, weapon, with_before=with_before)
    if weapon:
        parts = sums.weapon_sums(conn, scope, weapon, with_names=with_names)
    else:
        only = None if boards is None else [name for board in boards for name in board.of + board.per]
        parts = sums.player_sums(
            conn, scope, shown, known, only=only, with_before=with_before, with_names=with_names
        )
    return Population(
        size=size,
        now=ranking.combine(part.sums for part in parts),
        before=[part.sums for part in parts if part.is_before] if with_before else [],
    )


def named(conn: Connection, ranking: Ranking, most: int | None = None) -> Ranking:
    """Put the names into a ranking whose names are GUIDs: the first `most` places, and the first others."""
    placed, others = ranking.standings[:most], (ranking.short_of_rounds, ranking.short_of_shots)
    guids = {standing.player_guid for standing in placed}.union(*(short[:NAMED_OTHERS] for short in others))
    names = players.present_names(conn, guids)
    short_of_rounds, short_of_shots = (
        tuple(names[guid].clean_name if guid in names else guid for guid in short) for short in others
    )
    return ranking._replace(
        standings=tuple(standing._replace(**names[standing.player_guid]._asdict()) for standing in placed)
        + ranking.standings[len(placed) :],
        short_of_rounds=short_of_rounds,
        short_of_shots=short_of_shots,
    )


def weapon_standings(field: Population, ranking: Ranking, *, fires_bullets: bool) -> list[WeaponStanding]:
    """Return a weapon's ranking with all values."""
    by_guid = {player.player_guid: player for player in field.now}
    return [
        WeaponStanding(
            rank=standing.rank,
            change=standing.change,
            player_guid=player.player_guid,
            player_name=standing.player_name,
            clean_name=standing.clean_name,
            value=standing.value,
            kills=player.kills,
            deaths=player.deaths,
            hits=player.hits,
            shots=player.shots,
            headshots=player.headshots,
            accuracy=value_of(BOARDS["accuracy"], player) if fires_bullets else None,
            headshot_share=value_of(BOARDS["headshots"], player) if fires_bullets else None,
            rounds=player.rounds,
        )
        for standing in ranking.standings
        for player in [by_guid[standing.player_guid]]
    ]
