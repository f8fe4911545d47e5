"""The expected statistics of a round alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from etstats.demo.community import BULLET_WEAPONS, WEAPONS
from etstats.demo.roundfile import PLACES
from etstats.demo.tally import DEAD, PERCENT, TIME, Tally
from etstats.domain.rounds import Fields, PlayerRound

# The stored fields that are whole numbers in a file, by index in the newest layout.
_NOT_WHOLE = {"time_played_percent", "tank_meatshield", "time_dead_minutes"}
_COUNTED = {
    place: name
    for place, name in enumerate(Fields._fields)
    if name in PlayerRound._fields and name not in _NOT_WHOLE
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerTruth:
    """The true statistics of a player in one round alone.

    `numbers`: by column of `player_comprehensive_stats`, without computed columns; None if the layout lacks the
    field. `weapons`: name -> (hits, shots, kills, deaths, headshots).
    """

    guid: str
    name: str
    team: int
    was_reset: bool
    numbers: Mapping[str, int | float | None]
    weapons: Mapping[str, tuple[int, ...]]


def truth_of(tally: Tally, layout: int, *, was_reset: bool) -> PlayerTruth:
    """Return a tally by column name, with None for fields that this layout does not contain."""
    weapons = {WEAPONS[weapon]: tuple(numbers) for weapon, numbers in tally.weapons.items()}
    bullets = [numbers for weapon, numbers in tally.weapons.items() if weapon in BULLET_WEAPONS]
    numbers: dict[str, int | float | None] = {
        name: tally.fields[place] if place in PLACES[layout] else None for place, name in _COUNTED.items()
    }
    numbers |= {
        "hits": sum(weapon[0] for weapon in bullets),
        "shots": sum(weapon[1] for weapon in bullets),
        "kills": sum(weapon[2] for weapon in weapons.values()),
        "deaths": sum(weapon[3] for weapon in weapons.values()),
        "headshots": sum(weapon[4] for weapon in weapons.values()),
        "time_played_seconds": tally.fields[TIME] * 6,
        "time_played_percent": tally.fields[PERCENT] / 10,
        "time_dead_minutes": float(f"{tally.fields[DEAD] / 60:.1f}"),
    }
    return PlayerTruth(
        guid=tally.person.guid,
        name=tally.name,
        team=tally.team,
        was_reset=was_reset,
        numbers=numbers,
        weapons=weapons,
    )
