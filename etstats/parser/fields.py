"""The tables of the format: what stands at which place of a player line, and how it behaves over two rounds."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, get_args, get_type_hints

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


class Field(NamedTuple):
    """One number after the first TAB: `number` turns its text into an int or a float."""

    name: str
    unit: str
    behaviour: str
    since: int
    number: Callable[[str | float], float]


def _fields() -> Iterator[Field]:
    for name, hint in get_type_hints(Fields, include_extras=True).items():
        (spec,) = hint.__metadata__
        is_float = float in (hint.__origin__, *get_args(hint.__origin__))
        yield Field(name, spec.unit, spec.behaviour, spec.since, float if is_float else int)


FIELDS = tuple(_fields())
LAYOUTS = {
    count: tuple(field for field in FIELDS if field.since <= count) for count in sorted({f.since for f in FIELDS})
}
"""The fields of each layout by their number; a file says by it which layout it has."""

MISSING = {count: tuple(place for place, field in enumerate(FIELDS) if field.since > count) for count in LAYOUTS}
"""The places of the fields that a layout lacks."""

# The conversions of a layout's texts: looked up once, used for every line.
NUMBERS = {count: tuple(field.number for field in layout) for count, layout in LAYOUTS.items()}

CORE_FIELDS = frozenset({"damage_given", "damage_received", "time_played_minutes"})
"""Fields without which a line says nothing: an unreadable one refuses the file."""


@cache
def weapons_of(mask: int) -> tuple[str, ...]:
    """Return the weapons whose bits are set, low to high; unknown bits are named `WEAPON_28` and so on."""
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    return tuple(WEAPONS[bit] if bit < len(WEAPONS) else f"WEAPON_{bit}" for bit in bits)
