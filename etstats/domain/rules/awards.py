"""The awards of a session: one table of formulas and thresholds, and who takes each.

Every award is a sum, or a ratio of sums, over all rounds of the session; `docs/metrics.md` explains each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from etstats.domain.stats import ScoreLine

# Ratios are for those who played at least this share of what the busiest player did: a substitute's one good
# round is not a session.
SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """One award: what counts, what it takes, and how its value reads (`text` is a format of the value).

    `value` gives None for who cannot have it. `lowest`: the smallest value takes it, and `need` is an upper bound.
    `is_rate`: a ratio, so only for those who played most of the session.
    """

    key: str
    title: str
    formula: str
    need: float
    text: str
    value: Callable[[ScoreLine], float | None]
    lowest: bool = False
    is_rate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardWinner:
    """Who took an award, with what value; several players when they tie."""

    award: Award
    value: float
    players: tuple[ScoreLine, ...]


def _ratio(above: float, below: float, least: float = 1) -> float | None:
    """None when what is divided by is too little to say anything."""
    return above / below if below >= least else None


def _accuracy(p: ScoreLine) -> float | None:
    return _ratio(100 * p.hits, p.shots, 500)


AWARDS: tuple[Award, ...] = (
    Award(
        key="top_frag", title="Top fragger", formula="most kills",
        need=10, text="{:,.0f} kills", value=lambda p: p.kills,
    ),
    Award(
        key="damage_efficiency", title="Damage efficiency", formula="damage given / damage received",
        need=1.15, text="{:.2f} HP given for each taken", is_rate=True,
        value=lambda p: _ratio(p.damage_given, p.damage_received, 1000),
    ),
    Award(
        key="tank", title="Tank", formula="damage received per death, with 5 deaths or more",
        need=200, text="{:,.0f} HP taken for each death", is_rate=True,
        value=lambda p: _ratio(p.damage_received, p.deaths, 5),
    ),
    Award(
        key="iron_man", title="Iron man", formula="smallest share of the time played spent dead",
        need=42, text="dead {:.1f} % of the time", lowest=True, is_rate=True,
        value=lambda p: p.time_dead_ratio if p.time_dead_seconds > 0 else None,
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
        value=lambda p: _ratio(100 * p.headshots, p.hits, 100),
    ),
    Award(
        key="spree", title="Unstoppable", formula="longest killing spree in a round",
        need=7, text="{:.0f} kills in a row", value=lambda p: p.killing_spree_best,
    ),
    Award(
        key="multikills", title="Multikiller", formula="multikills of 3 or more",
        need=2, text="{:.0f} multikills",
        value=lambda p: p.triple_kills + p.quad_kills + p.multi_kills + p.mega_kills,
    ),
    Award(
        key="most_useful", title="Most useful kills", formula="most useful kills",
        need=5, text="{:.0f} useful kills", value=lambda p: p.most_useful_kills,
    ),
    Award(
        key="medic", title="Medic", formula="revives given",
        need=8, text="{:.0f} revives", value=lambda p: p.revives_given,
    ),
    Award(
        key="engineer", title="Engineer", formula="dynamites planted + defused + repairs and constructions",
        need=4, text="{:.0f} dynamites and constructions",
        value=lambda p: p.dynamites_planted + p.dynamites_defused + (p.constructions or 0),
    ),
    Award(
        key="objective", title="Objective runner", formula="objectives stolen + returned",
        need=2, text="{:.0f} objectives", value=lambda p: p.objectives_stolen + p.objectives_returned,
    ),
    Award(
        key="assists", title="Wingman", formula="kill assists",
        need=8, text="{:.0f} assists", value=lambda p: p.kill_assists,
    ),
    Award(
        key="gibs", title="Undertaker", formula="gibs",
        need=10, text="{:.0f} gibs", value=lambda p: p.gibs,
    ),
    Award(
        key="denier", title="Time thief", formula="denied playtime",
        need=120, text="{:,.0f} s taken from opponents", value=lambda p: p.denied_playtime,
    ),
    Award(
        key="kill_thief", title="Kill thief", formula="kill steals",
        need=8, text="{:.0f} kills stolen", value=lambda p: p.kill_steals,
    ),
    Award(
        key="back_again", title="Back from the dead", formula="times revived",
        need=10, text="revived {:.0f} times", value=lambda p: p.times_revived,
    ),
    Award(
        key="useless", title="Most useless kills", formula="useless kills",
        need=4, text="{:.0f} useless kills", value=lambda p: p.useless_kills,
    ),
    Award(
        key="death_spree", title="Worst death spree", formula="longest row of deaths without a kill in a round",
        need=8, text="{:.0f} deaths in a row", value=lambda p: p.death_spree_worst,
    ),
    Award(
        key="friendly_fire", title="Friendly fire", formula="damage given to the own team",
        need=400, text="{:,.0f} HP of the own team", value=lambda p: p.team_damage_given,
    ),
    Award(
        key="self_kills", title="Own worst enemy", formula="self kills",
        need=20, text="{:.0f} self kills", value=lambda p: p.self_kills,
    ),
)  # fmt: skip


def give(players: Sequence[ScoreLine]) -> list[AwardWinner]:
    """The awards of these players' session, in the table's order; without a qualified player none is given.

    Hidden players take none, and nobody else takes one in their place by less than its threshold.
    """
    busiest = max((p.time_played_seconds for p in players), default=0)
    given: list[AwardWinner] = []
    for award in AWARDS:
        values = [
            (value, p)
            for p in players
            if not p.is_hidden
            and (value := award.value(p)) is not None
            and (value <= award.need if award.lowest else value >= award.need)
            and (not award.is_rate or p.time_played_seconds >= SHARE * busiest)
        ]
        if values:
            best = (min if award.lowest else max)(value for value, _ in values)
            takers = tuple(sorted((p for v, p in values if v == best), key=lambda p: p.player_guid))
            given.append(AwardWinner(award=award, value=best, players=takers))
    return given
