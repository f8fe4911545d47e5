"""The awards of a session: their formulas and thresholds, and their winners.

An award is a sum or a ratio of sums over all rounds of the session; see `docs/metrics.md`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from etstats.domain.stats import ScoreLine

# Ratio awards need at least this share of the longest time played, so that a substitute with one good round does
# not win them.
SHARE = 0.5


class Award(NamedTuple):
    """An award: its formula, its threshold, and the format of its value (`text`).

    `value` returns None for a player who does not qualify. `lowest`: the smallest value wins, and `need` is an
    upper bound. `is_rate`: a ratio, only for players who played most of the session.
    """

    key: str
    title: str
    formula: str
    need: float
    text: str
    value: Callable[[ScoreLine], float | None]
    lowest: bool = False
    is_rate: bool = False


class AwardWinner(NamedTuple):
    """The winners of an award and the value; several players if tied."""

    award: Award
    value: float
    players: tuple[ScoreLine, ...]


def _sum(*values: int | None) -> int | None:
    """Return the sum of the known values; None when none is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _ratio(above: float, below: float, least: float = 1) -> float | None:
    """Return the ratio; None if the denominator is below `least`."""
    return above / below if below >= least else None


def _accuracy(player: ScoreLine) -> float | None:
    return _ratio(100 * player.hits, player.shots, 500)


AWARDS: tuple[Award, ...] = (
    Award(
        key="top_frag", title="Top fragger", formula="most kills",
        need=10, text="{:,.0f} kills", value=lambda player: player.kills,
    ),
    Award(
        key="damage_efficiency", title="Damage efficiency", formula="damage given / damage received",
        need=1.15, text="{:.2f} HP given for each taken", is_rate=True,
        value=lambda player: _ratio(player.damage_given, player.damage_received, 1000),
    ),
    Award(
        key="tank", title="Tank", formula="damage received per death, with 5 deaths or more",
        need=200, text="{:,.0f} HP taken for each death", is_rate=True,
        value=lambda player: _ratio(player.damage_received, player.deaths, 5),
    ),
    Award(
        key="iron_man", title="Iron man", formula="smallest share of the time played spent dead",
        need=42, text="dead {:.1f} % of the time", lowest=True, is_rate=True,
        value=lambda player: player.time_dead_ratio if player.time_dead_seconds else None,
    ),
    Award(
        key="sharpshooter", title="Sharpshooter", formula="accuracy with bullets, 500 shots or more",
        need=38, text="{:.1f} % accuracy", is_rate=True, value=_accuracy,
    ),
    Award(
        key="spray_and_pray", title="Spray and pray", formula="lowest accuracy with bullets, 500 shots or more",
        need=33, text="{:.1f} % accuracy", lowest=True, is_rate=True, value=_accuracy,
    ),
    Award(
        key="headhunter", title="Headhunter", formula="headshots / hits with bullets, 100 hits or more",
        need=12, text="{:.1f} % of the hits on heads", is_rate=True,
        value=lambda player: _ratio(100 * player.headshots, player.hits, 100),
    ),
    Award(
        key="spree", title="Unstoppable", formula="longest killing spree in a round",
        need=7, text="{:.0f} kills in a row", value=lambda player: player.killing_spree_best,
    ),
    Award(
        key="multikills", title="Multikiller", formula="multikills of 3 or more",
        need=2, text="{:.0f} multikills",
        value=lambda player: _sum(player.triple_kills, player.quad_kills, player.multi_kills, player.mega_kills),
    ),
    Award(
        key="most_useful", title="Most useful kills", formula="most useful kills",
        need=5, text="{:.0f} useful kills", value=lambda player: player.most_useful_kills,
    ),
    Award(
        key="medic", title="Medic", formula="revives given",
        need=8, text="{:.0f} revives", value=lambda player: player.revives_given,
    ),
    Award(
        key="engineer", title="Engineer", formula="dynamites planted + defused + repairs and constructions",
        need=4, text="{:.0f} dynamites and constructions",
        value=lambda player: _sum(player.dynamites_planted, player.dynamites_defused, player.constructions),
    ),
    Award(
        key="objective", title="Objective runner", formula="objectives stolen + returned",
        need=2, text="{:.0f} objectives",
        value=lambda player: _sum(player.objectives_stolen, player.objectives_returned),
    ),
    Award(
        key="assists", title="Wingman", formula="kill assists",
        need=8, text="{:.0f} assists", value=lambda player: player.kill_assists,
    ),
    Award(
        key="gibs", title="Undertaker", formula="gibs",
        need=10, text="{:.0f} gibs", value=lambda player: player.gibs,
    ),
    Award(
        key="denier", title="Time thief", formula="denied playtime",
        need=120, text="{:,.0f} s taken from opponents", value=lambda player: player.denied_playtime,
    ),
    Award(
        key="kill_thief", title="Kill thief", formula="kill steals",
        need=8, text="{:.0f} kills stolen", value=lambda player: player.kill_steals,
    ),
    Award(
        key="back_again", title="Back from the dead", formula="times revived",
        need=10, text="revived {:.0f} times", value=lambda player: player.times_revived,
    ),
    Award(
        key="useless", title="Most useless kills", formula="useless kills",
        need=4, text="{:.0f} useless kills", value=lambda player: player.useless_kills,
    ),
    Award(
        key="death_spree", title="Worst death spree", formula="longest row of deaths without a kill in a round",
        need=8, text="{:.0f} deaths in a row", value=lambda player: player.death_spree_worst,
    ),
    Award(
        key="friendly_fire", title="Friendly fire", formula="damage given to the own team",
        need=400, text="{:,.0f} HP of the own team", value=lambda player: player.team_damage_given,
    ),
    Award(
        key="self_kills", title="Own worst enemy", formula="self kills",
        need=20, text="{:.0f} self kills", value=lambda player: player.self_kills,
    ),
)  # fmt: skip

"""Changing one of these, or the MVP rating, needs a migration that empties `sealed` and the sums."""

MVP = Award(
    key="mvp",
    title="MVP",
    formula="the best rating of the session",
    need=0,
    text="score {:.2f}",
    value=lambda _line: None,
)
"""The most valuable player of a session, which is counted with the awards; see `mvp`."""


def session_awards(players: Sequence[ScoreLine]) -> list[AwardWinner]:
    """Return the awards of a session in the order of the table, without awards that no player qualifies for.

    Hidden players win no award; the next player wins it only above the threshold.
    """
    busiest = max((player.time_played_seconds for player in players), default=0)
    given: list[AwardWinner] = []
    for award in AWARDS:
        values = [
            (value, player)
            for player in players
            if not player.is_hidden
            and (value := award.value(player)) is not None
            and (value <= award.need if award.lowest else value >= award.need)
            and (not award.is_rate or player.time_played_seconds >= SHARE * busiest)
        ]
        if values:
            best = (min if award.lowest else max)(value for value, _ in values)
            takers = tuple(
                sorted(
                    (player for value, player in values if value == best), key=lambda player: player.player_guid
                )
            )
            given.append(AwardWinner(award=award, value=best, players=takers))
    return given
