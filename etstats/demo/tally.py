"""The numbers of a player in a round, and the indices of the fields."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

from etstats.demo.community import Person

FIELD_COUNT = 38
# Positions in the 38-field layout; `ground_truth.py` has them under the database's names.
GIVEN, RECEIVED, TEAM_GIVEN, TEAM_RECEIVED, GIBS, SELF_KILLS, TEAM_KILLS, TEAM_GIBS = range(8)
PERCENT, XP, SPREE, DEATH_SPREE, ASSISTS, STEALS, HEADSHOT_KILLS, STOLEN, RETURNED = range(8, 17)
PLANTED, DEFUSED, REVIVED, BULLETS = range(17, 21)
TIME, DEAD, USEFUL, DENIED, DOUBLE_KILLS = 22, 25, 27, 28, 29
USELESS, FULL_SELF_KILLS, CONSTRUCTIONS, REVIVES_GIVEN = 34, 35, 36, 37

Weapons: TypeAlias = defaultdict[int, list[int]]
"""Bit of the weapon -> [hits, shots, kills, deaths, headshots]."""


def unused() -> list[int]:
    """Return the numbers of an unused weapon."""
    return [0, 0, 0, 0, 0]


@dataclass(slots=True)
class Seat:
    """A player's place in one round; `tenths`: time played, in tenths of a minute."""

    person: Person
    name: str
    team: int
    tenths: int


@dataclass(slots=True)
class Tally:
    """The numbers of a player in one round alone.

    `weapons`: bit -> [hits, shots, kills, deaths, headshots]. `fields`: the 38-layout in whole numbers,
    with PERCENT in tenths of a percent, TIME in tenths of a minute and DEAD in seconds; ratios stay 0.
    """

    person: Person
    name: str
    team: int
    weapons: dict[int, list[int]]
    fields: list[int]
