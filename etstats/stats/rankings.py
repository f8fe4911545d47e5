"""Leaderboards, and one player's ranks: the database's sums, ranked by the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from etstats.db import boards as sums
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.domain.rules import ranking
from etstats.domain.rules.boards import BOARDS, Board, value_of
from etstats.domain.rules.ranking import Ranking
from etstats.domain.stats import PlayerSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A player's value on one board, and the rank among `players`; None: nothing to rank, or too little played."""

    board: str
    value: float | None
    rank: int | None
    players: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeaponStanding:
    """A line of a weapon's board, with all that is counted by weapon; the first fields are those of `Standing`.

    `accuracy` and `headshot_share` are in per cent, None for a weapon that fires no bullets.
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
    """Everybody's sums over some rounds, from which every board can be filled."""

    size: sums.BoardSize
    now: Sequence[PlayerSums]
    before: Sequence[PlayerSums]

    def ranking(self, board: Board, min_rounds: int | None = None, min_shots: int | None = None) -> Ranking:
        """Fill one board; minimums are the board's own where none are given."""
        return ranking.rank(
            board,
            self.now,
            ranking.minimum(board, self.size.rounds, min_rounds, min_shots),
            self.before,
            ranking.minimum(board, self.size.rounds_before, min_rounds, min_shots),
        )

    def places(self, guid: str) -> list[Place]:
        """A player's places on all boards; the player must be in the field."""
        own = next(player for player in self.now if player.player_guid == guid)
        places = []
        for board in BOARDS.values():
            standings = self.ranking(board).standings
            rank = next((standing.rank for standing in standings if standing.player_guid == guid), None)
            places.append(Place(board=board.name, value=value_of(board, own), rank=rank, players=len(standings)))
        return places

    def all_places(self) -> dict[str, list[Place]]:
        """Everybody's places on all boards, by GUID."""
        places: dict[str, list[Place]] = {player.player_guid: [] for player in self.now}
        for board in BOARDS.values():
            standings = self.ranking(board).standings
            ranks = {standing.player_guid: standing.rank for standing in standings}
            for player in self.now:
                place = Place(
                    board=board.name,
                    value=value_of(board, player),
                    rank=ranks.get(player.player_guid),
                    players=len(standings),
                )
                places[player.player_guid].append(place)
        return places


def population(
    conn: Connection, scope: Scope, *, weapon: str | None = None, shown: Sequence[str] = ()
) -> Population:
    """The field of a scope, or of one weapon in it; `shown`: players to be there though hidden."""
    size = sums.size(conn, scope, weapon)
    parts = sums.weapon_sums(conn, scope, weapon) if weapon else sums.player_sums(conn, scope, shown)
    return Population(
        size=size,
        now=ranking.together(part.sums for part in parts),
        before=[part.sums for part in parts if part.is_before],
    )


def weapon_standings(field: Population, ranking: Ranking, *, fires_bullets: bool) -> list[WeaponStanding]:
    """A weapon's ranking with everybody's numbers."""
    by_guid = {player.player_guid: player for player in field.now}
    return [
        WeaponStanding(
            rank=standing.rank,
            change=standing.change,
            player_guid=player.player_guid,
            player_name=player.player_name,
            clean_name=player.clean_name,
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
