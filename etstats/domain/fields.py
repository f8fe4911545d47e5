"""The tables of the file format: the position of each field in a player line, and the layouts."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, get_args, get_type_hints

from etstats.domain.rounds import Fields

# Bits 0 to 27 of the weapon mask.
WEAPONS = tuple(
    "KNIFE KNIFE_KBAR LUGER COLT MP40 THOMPSON STEN FG42 PANZERFAUST BAZOOKA FLAMETHROWER GRENADE "
    "MORTAR MORTAR2 DYNAMITE AIRSTRIKE ARTILLERY SATCHEL GRENADELAUNCHER LANDMINE MG42 BROWNING "
    "CARBINE KAR98 GARAND K43 MP34 SYRINGE".split()
)

# The weapons that fire bullets; only they have an accuracy (hits / shots).
BULLET_WEAPONS = frozenset(
    "LUGER COLT MP40 THOMPSON STEN FG42 MG42 BROWNING CARBINE KAR98 GARAND K43 MP34".split()
)


class Field(NamedTuple):
    """A field after the first TAB; `number` converts its text to int or float."""

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
    count: tuple(field for field in FIELDS if field.since <= count)
    for count in sorted({field.since for field in FIELDS})
}
"""The fields of each layout, by the number of fields, which identifies the layout of a file."""

MISSING = {count: tuple(place for place, field in enumerate(FIELDS) if field.since > count) for count in LAYOUTS}
"""The positions of the fields that a layout does not have."""

# The conversion functions of each layout, computed once for all lines.
NUMBERS = {count: tuple(field.number for field in layout) for count, layout in LAYOUTS.items()}

CORE_FIELDS = frozenset({"damage_given", "damage_received", "time_played_minutes"})
"""Required fields: if one is unreadable, the file is rejected."""


@cache
def weapons_of(mask: int) -> tuple[str, ...]:
    """Return the weapons whose bits are set, low to high; unknown bits are named `WEAPON_28` and so on."""
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    return tuple(WEAPONS[bit] if bit < len(WEAPONS) else f"WEAPON_{bit}" for bit in bits)
