"""Bests of single rounds: which there are, and which of them fell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from etstats.domain.stats import Career

# A newcomer's every round would be a personal best.
ROUNDS_BEFORE_PERSONAL = 20
# A DPM over a few seconds says nothing.
DPM_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """One best of a round; `key` is the attribute of `Career`, `is_personal`: also reported for each player."""

    key: str
    title: str
    is_personal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A best that fell: everybody's (`is_all_time`) or the player's own; `before` None: there was none."""

    best: Best
    player_guid: str
    value: float
    before: float | None
    is_all_time: bool


BESTS = (
    Best(key="best_kills", title="kills in a round", is_personal=True),
    Best(key="best_damage_given", title="damage in a round", is_personal=True),
    Best(key="best_dpm", title="DPM in a round", is_personal=True),
    Best(key="best_headshot_kills", title="headshot kills in a round", is_personal=True),
    Best(key="best_killing_spree", title="killing spree", is_personal=True),
    Best(key="best_revives_given", title="revives in a round", is_personal=False),
    Best(key="best_gibs", title="gibs in a round", is_personal=False),
    Best(key="best_most_useful_kills", title="most useful kills in a round", is_personal=False),
)


def broken(before: Mapping[str, Career], within: Iterable[Career]) -> list[Broken]:
    """The bests that fell in some rounds, all-time ones first; `before` holds everybody's careers up to them.

    An all-time best is not repeated as a personal one. An equal value breaks none, nor does the first round.
    """
    players = sorted(within, key=lambda career: career.player_guid)
    all_time: list[Broken] = []
    personal: list[Broken] = []
    for best in BESTS if before else ():
        mark = max(getattr(career, best.key) for career in before.values())
        top = max(players, key=lambda career: getattr(career, best.key), default=None)
        if top is not None and getattr(top, best.key) > mark:
            all_time.append(_broken(best, top, mark, is_all_time=True))
        personal += _personal(best, before, [p for p in players if not (all_time and _is(all_time[-1], best, p))])
    return all_time + personal


def _personal(best: Best, before: Mapping[str, Career], players: Sequence[Career]) -> list[Broken]:
    if not best.is_personal:
        return []
    return [
        _broken(best, player, getattr(was, best.key), is_all_time=False)
        for player in players
        if (was := before.get(player.player_guid)) is not None
        and was.rounds >= ROUNDS_BEFORE_PERSONAL
        and getattr(player, best.key) > getattr(was, best.key) > 0
    ]


def _is(known: Broken, best: Best, player: Career) -> bool:
    return known.best is best and known.player_guid == player.player_guid


def _broken(best: Best, player: Career, before: float, *, is_all_time: bool) -> Broken:
    return Broken(
        best=best,
        player_guid=player.player_guid,
        value=getattr(player, best.key),
        before=before or None,
        is_all_time=is_all_time,
    )
