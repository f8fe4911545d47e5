"""Fill a leaderboard: who played enough, each player's rank, and its change since the week before.

A board asks for a tenth of the rounds in question, up to a fixed number: this fits one session and ten years.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from etstats.domain.rules.boards import Board, total_of, value_of
from etstats.domain.stats import PlayerSums, Standing

SHARE_OF_ROUNDS = 10
"""A minimum is at most the number of rounds divided by this."""
FEWEST_ROUNDS = 3
"""The smallest minimum, where at least twice as many rounds were played: one good round is not enough."""
SHOTS_PER_ROUND = 20
"""A minimum of shots is at most this many per round of the minimum."""

_SUMS = tuple(
    f.name for f in fields(PlayerSums) if f.name not in ("player_guid", "player_name", "clean_name", "last_seen")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """What it takes to be on a board; `full_*` is asked for where `base`, the rounds in question, are enough."""

    rounds: int
    shots: int
    full_rounds: int
    full_shots: int
    base: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """A board filled: all places in order, and who is not on it for want of rounds or of shots (clean names)."""

    standings: tuple[Standing, ...]
    minimum: Minimum
    short_of_rounds: tuple[str, ...]
    short_of_shots: tuple[str, ...]
    has_week_before: bool


def minimum(board: Board, base: int, rounds: int | None = None, shots: int | None = None) -> Minimum:
    """What a board asks of a player when `base` rounds are in question, unless `rounds` or `shots` is given."""
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
    """Rank players; `before` are their sums up to the week before, with the minimum of that time."""
    rated = [p for p in now if value_of(board, p) is not None]
    enough = [p for p in rated if p.rounds >= needed.rounds]
    placed = [p for p in enough if p.shots >= needed.shots]
    then = needed_before or needed
    ranks = _ranks(board, placed)
    ranks_before = _ranks(board, [p for p in before if p.rounds >= then.rounds and p.shots >= then.shots])
    standings = [
        Standing(
            rank=ranks[p.player_guid],
            change=ranks_before[p.player_guid] - ranks[p.player_guid] if p.player_guid in ranks_before else None,
            player_guid=p.player_guid,
            player_name=p.player_name,
            clean_name=p.clean_name,
            value=value_of(board, p) or 0,
            numerator=total_of(p, board.of) or 0,
            denominator=total_of(p, board.per) if board.per else None,
            rounds=p.rounds,
        )
        for p in placed
    ]
    return Ranking(
        standings=tuple(sorted(standings, key=lambda s: (s.rank, -s.rounds, s.player_guid))),
        minimum=needed,
        short_of_rounds=tuple(p.clean_name for p in rated if p.rounds < needed.rounds),
        short_of_shots=tuple(p.clean_name for p in enough if p.shots < needed.shots),
        has_week_before=bool(ranks_before),
    )


def together(parts: Iterable[PlayerSums]) -> list[PlayerSums]:
    """One row a player out of several: sums added, the best spree kept, the name as last seen."""
    whole: dict[str, PlayerSums] = {}
    for part in parts:
        other = whole.get(part.player_guid)
        whole[part.player_guid] = part if other is None else _add(other, part)
    return list(whole.values())


def _add(a: PlayerSums, b: PlayerSums) -> PlayerSums:
    values: dict[str, Any] = {}
    for name in _SUMS:
        known = [value for value in (getattr(a, name), getattr(b, name)) if value is not None]
        add = max if name == "killing_spree_best" else sum
        values[name] = add(known) if known else None
    return replace(a if a.last_seen >= b.last_seen else b, **values)


def _ranks(board: Board, players: Iterable[PlayerSums]) -> dict[str, int]:
    """Places by GUID, counted from 1; equal values share the better place."""
    values = [(value, p.player_guid) for p in players if (value := value_of(board, p)) is not None]
    values.sort(key=lambda pair: pair[0], reverse=not board.lowest_first)
    ranks: dict[str, int] = {}
    for place, (value, guid) in enumerate(values, start=1):
        above = values[place - 2] if place > 1 else None
        ranks[guid] = ranks[above[1]] if above and above[0] == value else place
    return ranks
