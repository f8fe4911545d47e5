"""The tables of the format: what stands at which place of a player line, and how it behaves over two rounds."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from etstats.domain.rounds import Fields

# Bit 0 to 27 of the weapon mask.
WEAPONS = tuple(
    "KNIFE KNIFE_KBAR LUGER COLT MP40 THOMPSON STEN FG42 PANZERFAUST BAZOOKA FLAMETHROWER GRENADE "
    "MORTAR MORTAR2 DYNAMITE AIRSTRIKE ARTILLERY SATCHEL GRENADELAUNCHER LANDMINE MG42 BROWNING "
    "CARBINE KAR98 GARAND K43 MP34 SYRINGE".split()
)

# The weapons that aim and fire bullets: only for them do hits over shots mean accuracy.
BULLET_WEAPONS = frozenset(
    "LUGER COLT MP40 THOMPSON STEN FG42 MG42 BROWNING CARBINE KAR98 GARAND K43 MP34".split()
)

CUMULATIVE = "cumulative"  # round 2 shows both rounds together: subtract
PER_ROUND = "per round"  # round 2 shows round 2: take it
SHARE = "cumulative share"  # a percentage of both rounds' time: weigh by time
RATIO = "ratio"  # follows from other numbers: compute it


class Field(NamedTuple):
    """One number behind the first TAB: `number` turns its text into an int or a float."""

    name: str
    unit: str
    behaviour: str
    number: Callable[[str], float]


FIELDS = (
    Field("damage_given", "HP", CUMULATIVE, int),
    Field("damage_received", "HP", CUMULATIVE, int),
    Field("team_damage_given", "HP", CUMULATIVE, int),
    Field("team_damage_received", "HP", CUMULATIVE, int),
    Field("gibs", "", CUMULATIVE, int),
    Field("self_kills", "", CUMULATIVE, int),
    Field("team_kills", "", CUMULATIVE, int),
    Field("team_gibs", "", CUMULATIVE, int),
    Field("time_played_percent", "%", SHARE, float),
    Field("xp", "points", PER_ROUND, int),
    Field("killing_spree_best", "kills", PER_ROUND, int),
    Field("death_spree_worst", "deaths", PER_ROUND, int),
    Field("kill_assists", "", PER_ROUND, int),
    Field("kill_steals", "", PER_ROUND, int),
    Field("headshot_kills", "", PER_ROUND, int),
    Field("objectives_stolen", "", PER_ROUND, int),
    Field("objectives_returned", "", PER_ROUND, int),
    Field("dynamites_planted", "", PER_ROUND, int),
    Field("dynamites_defused", "", PER_ROUND, int),
    Field("times_revived", "", PER_ROUND, int),
    Field("bullets_fired", "shots", CUMULATIVE, int),
    Field("dpm", "HP/min", RATIO, float),
    Field("time_played_minutes", "min", CUMULATIVE, float),
    Field("tank_meatshield", "ratio", PER_ROUND, float),
    Field("time_dead_ratio", "%", RATIO, float),
    Field("time_dead_minutes", "min", PER_ROUND, float),
    Field("kd_ratio", "ratio", RATIO, float),
    Field("most_useful_kills", "", PER_ROUND, int),
    Field("denied_playtime", "s", PER_ROUND, int),
    Field("double_kills", "", PER_ROUND, int),
    Field("triple_kills", "", PER_ROUND, int),
    Field("quad_kills", "", PER_ROUND, int),
    Field("multi_kills", "", PER_ROUND, int),
    Field("mega_kills", "", PER_ROUND, int),
    Field("useless_kills", "", PER_ROUND, int),
    Field("full_selfkills", "", PER_ROUND, int),
    Field("constructions", "", PER_ROUND, int),
    Field("revives_given", "", PER_ROUND, int),
)
assert tuple(f.name for f in FIELDS) == Fields._fields  # noqa: S101  # two tables, one order

# A layout is known by its count; the oldest has no denied playtime, the later ones add at the end.
LAYOUTS: dict[int, tuple[Field, ...]] = {
    33: FIELDS[:28] + FIELDS[29:34],
    36: FIELDS[:36],
    37: FIELDS[:37],
    38: FIELDS,
}


# What turns each text of a layout into its number: looked up once, used for every line.
NUMBERS = {count: tuple(field.number for field in layout) for count, layout in LAYOUTS.items()}


@cache
def weapons_of(mask: int) -> tuple[str, ...]:
    """The weapons whose bits are set, low to high; bits past the last weapon give an IndexError."""
    return tuple(WEAPONS[bit] for bit in range(mask.bit_length()) if mask >> bit & 1)
