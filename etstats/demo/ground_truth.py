"""The round alone, as a reader of the files should find it."""

from collections.abc import Mapping
from dataclasses import dataclass

from etstats.demo.community import BULLET_WEAPONS, WEAPONS
from etstats.demo.roundfile import PLACES
from etstats.demo.tally import DEAD, PERCENT, TIME, Tally

# The fields that stand in a file as they are, by the names of the base's columns; time and share apart.
_COUNTED = {
    0: "damage_given", 1: "damage_received", 2: "team_damage_given", 3: "team_damage_received", 4: "gibs",
    5: "self_kills", 6: "team_kills", 7: "team_gibs", 9: "xp", 10: "killing_spree_best", 11: "death_spree_worst",
    12: "kill_assists", 13: "kill_steals", 14: "headshot_kills", 15: "objectives_stolen",
    16: "objectives_returned", 17: "dynamites_planted", 18: "dynamites_defused", 19: "times_revived",
    20: "bullets_fired", 27: "most_useful_kills", 28: "denied_playtime", 29: "double_kills", 30: "triple_kills",
    31: "quad_kills", 32: "multi_kills", 33: "mega_kills", 34: "useless_kills", 35: "full_selfkills",
    36: "constructions", 37: "revives_given",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerTruth:
    """What one player did in one round alone.

    `numbers`: by the column names of `player_comprehensive_stats`, without what follows from other columns;
    None where the layout has no such field. `weapons`: name -> (hits, shots, kills, deaths, headshots).
    """

    guid: str
    name: str
    team: int
    was_reset: bool
    numbers: Mapping[str, int | float | None]
    weapons: Mapping[str, tuple[int, ...]]


def truth_of(tally: Tally, layout: int, *, was_reset: bool) -> PlayerTruth:
    """Return a tally under the base's names, with None for what files of this layout do not tell."""
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
