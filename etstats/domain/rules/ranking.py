"""Compute a leaderboard: the players with enough rounds, their ranks, and the change since the week before.

The minimum is a tenth of the rounds in scope, up to a fixed number, which works for a session and for ten years.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from etstats.domain.rules.boards import Board, total_of, value_of
from etstats.domain.stats import PlayerSums, Standing

SHARE_OF_ROUNDS = 10
"""A minimum is at most the number of rounds divided by this."""
FEWEST_ROUNDS = 3
"""The smallest minimum, if at least twice as many rounds were played: one good round is not sufficient."""
SHOTS_PER_ROUND = 20
"""A minimum of shots is at most this many per round of the minimum."""

_SUMS = tuple(
    name for name in PlayerSums._fields if name not in ("player_guid", "player_name", "clean_name", "last_seen")
)


class Minimum(NamedTuple):
    """The minimums of a board; `full_*` are those for a large enough `base` (the rounds in scope)."""

    rounds: int
    shots: int
    full_rounds: int
    full_shots: int
    base: int


class Ranking(NamedTuple):
    """A computed board: all places in order, and the clean names of players with too few rounds or shots.

    Of these the players with the most rounds come first.
    """

    standings: tuple[Standing, ...]
    minimum: Minimum
    short_of_rounds: tuple[str, ...]
    short_of_shots: tuple[str, ...]
    has_week_before: bool


def minimum(board: Board, base: int, rounds: int | None = None, shots: int | None = None) -> Minimum:
    """Return the minimums of a board for `base` rounds in scope, unless `rounds` or `shots` is given."""
    full_rounds, full_shots = board.kind.value
    enough = min(full_rounds, max(base // SHARE_OF_ROUNDS, min(FEWEST_ROUNDS, base // 2), 1))
    return Minimum(
        rounds=enough if rounds is None else rounds,
        shots=min(full_shots, enough * SHOTS_PER_ROUND) if shots is None else shots,
        full_rounds=full_rounds if rounds is None else rounds,
        full_shots=full_shots if shots is None else shots,
        base=base,
    )


def rank(
    board: Board,
    now: Sequence[PlayerSums],
    needed: Minimum,
    before: Sequence[PlayerSums] = (),
    needed_before: Minimum | None = None,
) -> Ranking:
    """Rank players; `before`: their sums up to the week before, `needed_before`: the minimums then."""
    rated = [(value, player) for player in now if (value := value_of(board, player)) is not None]
    enough = [(value, player) for value, player in rated if player.rounds >= needed.rounds]
    placed = [(value, player) for value, player in enough if player.shots >= needed.shots]
    ranks_now = _places(board, placed)
    ranks_before = ranks(board, before, needed_before or needed)
    return Ranking(
        standings=_standings(board, placed, ranks_now, ranks_before),
        minimum=needed,
        short_of_rounds=_nearest(player for _, player in rated if player.rounds < needed.rounds),
        short_of_shots=_nearest(player for _, player in enough if player.shots < needed.shots),
        has_week_before=bool(ranks_before),
    )


def first_places(
    board: Board, players: Iterable[PlayerSums], needed: Minimum, last: int | None = None
) -> tuple[Standing, ...]:
    """Return the places of a board up to the rank `last` (None: all), without changes."""
    placed = _placed(board, players, needed)
    ranks = _places(board, placed)
    return _standings(
        board, [pair for pair in placed if last is None or ranks[pair[1].player_guid] <= last], ranks
    )


def combine(parts: Iterable[PlayerSums]) -> list[PlayerSums]:
    """Combine several rows per player into one: sums, the best spree, the last name."""
    whole: dict[str, PlayerSums] = {}
    for part in parts:
        other = whole.get(part.player_guid)
        whole[part.player_guid] = part if other is None else _add(other, part)
    return list(whole.values())


def _add(one: PlayerSums, other: PlayerSums) -> PlayerSums:
    values: dict[str, Any] = {}
    for name in _SUMS:
        known = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        add = max if name == "killing_spree_best" else sum
        values[name] = add(known) if known else None
    return (one if one.last_seen >= other.last_seen else other)._replace(**values)


def ranks(board: Board, players: Iterable[PlayerSums], needed: Minimum) -> dict[str, int]:
    """Return the ranks by GUID of players with enough rounds, from 1; ties share the better rank."""
    return _places(board, _placed(board, players, needed))


def rank_of(
    board: Board, own: PlayerSums, players: Iterable[PlayerSums], needed: Minimum
) -> tuple[int | None, int]:
    """Return a player's rank, None below a minimum, and the number of ranked players; see `ranks`."""
    values = [value for value, _ in _placed(board, players, needed)]
    mine = [value for value, _ in _placed(board, [own], needed)]
    if not mine:
        return None, len(values)
    better = sum(value < mine[0] if board.lowest_first else value > mine[0] for value in values)
    return 1 + better, len(values)


def _placed(board: Board, players: Iterable[PlayerSums], needed: Minimum) -> list[tuple[float, PlayerSums]]:
    """Return the players with a value and enough rounds and shots."""
    return [
        (value, player)
        for player in players
        if player.rounds >= needed.rounds
        and player.shots >= needed.shots
        and (value := value_of(board, player)) is not None
    ]


def _standings(
    board: Board,
    placed: Iterable[tuple[float, PlayerSums]],
    ranks_now: Mapping[str, int],
    ranks_before: Mapping[str, int] = MappingProxyType({}),
) -> tuple[Standing, ...]:
    standings = [
        Standing(
            rank=ranks_now[player.player_guid],
            change=ranks_before[player.player_guid] - ranks_now[player.player_guid]
            if player.player_guid in ranks_before
            else None,
            player_guid=player.player_guid,
            player_name=player.player_name,
            clean_name=player.clean_name,
            value=value,
            numerator=total_of(player, board.of) or 0,
            denominator=total_of(player, board.per) if board.per else None,
            rounds=player.rounds,
        )
        for value, player in placed
    ]
    return tuple(sorted(standings, key=lambda standing: (standing.rank, -standing.rounds, standing.player_guid)))


def _nearest(players: Iterable[PlayerSums]) -> tuple[str, ...]:
    """Return the names of players below a minimum, those with the most rounds first."""
    ordered = sorted(players, key=lambda player: (-player.rounds, player.player_guid))
    return tuple(player.clean_name for player in ordered)


def _places(board: Board, placed: Iterable[tuple[float, PlayerSums]]) -> dict[str, int]:
    found: dict[str, int] = {}
    last, rank = None, 0
    ordered = sorted(placed, key=lambda pair: pair[0], reverse=not board.lowest_first)
    for place, (value, player) in enumerate(ordered, start=1):
        if value != last:
            last, rank = value, place
        found[player.player_guid] = rank
    return found
