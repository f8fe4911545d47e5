"""Derive the other values of a player line from kills and damage."""

from etstats.demo.community import (
    BULLET_WEAPONS,
    COLT,
    DYNAMITE,
    GRENADE,
    KNIFE,
    LUGER,
    MP40,
    SYRINGE,
    THOMPSON,
    WEAPONS,
    Person,
)
from etstats.demo.rng import Random
from etstats.demo.tally import (
    ASSISTS,
    BULLETS,
    DEAD,
    DEATH_SPREE,
    DENIED,
    FULL_SELF_KILLS,
    GIBS,
    GIVEN,
    HEADSHOT_KILLS,
    PERCENT,
    PLANTED,
    REVIVES_GIVEN,
    SELF_KILLS,
    SPREE,
    STEALS,
    TIME,
    USEFUL,
    USELESS,
    XP,
    Seat,
    Weapons,
    unused,
)

_FIRES_BULLETS = tuple(weapon in BULLET_WEAPONS for weapon in range(len(WEAPONS)))


def fit_weapons(dice: Random, seat: Seat, weapons: Weapons, fields: list[int]) -> dict[int, list[int]]:
    """Compute hits, shots and headshots from kills and damage given: 18 HP per hit, 50 to the head; sorted."""
    roll = dice.roll
    primary, pistol, found = (MP40, LUGER, THOMPSON) if seat.team == 1 else (THOMPSON, COLT, MP40)
    luck = roll()
    at_hand = (primary, *((pistol,) if luck < 0.55 else ()), *((found,) if luck > 0.4 else ()))
    for weapon in at_hand:
        weapons.setdefault(weapon, unused())
    damage = fields[GIVEN]
    for weapon, numbers in weapons.items():
        kills = numbers[2]
        if weapon == primary or not (kills or weapon in at_hand):
            continue
        if _FIRES_BULLETS[weapon]:
            _fire(dice, seat.person, numbers, hits=kills * 5 + int(roll() * 6))
            damage -= 20 * numbers[0]
        else:
            numbers[0] = kills + int(roll() * 3)
            numbers[1] = kills + int(roll() * 4)
            damage -= 100 * kills
    hits = damage * 1000 // (18000 + 32 * seat.person.headshots)
    _fire(dice, seat.person, weapons[primary], hits=max(hits, weapons[primary][2] * 4))
    _gadgets(dice, weapons, fields)
    return dict(sorted(weapons.items()))


def _fire(dice: Random, person: Person, numbers: list[int], *, hits: int) -> None:
    roll = dice.roll
    numbers[0] = hits
    numbers[1] = hits * 1000 // (person.accuracy - 30 + int(roll() * 60)) + 1 + int(roll() * 4)
    numbers[4] = min(hits, int(hits * person.headshots * (0.5 + roll()) / 1000 + roll()))


def _gadgets(dice: Random, weapons: Weapons, fields: list[int]) -> None:
    """Add grenades, dynamites, knife attacks without hits, and syringes."""
    roll = dice.roll
    thrown = int(roll() * fields[TIME] / 7)
    used = [
        (GRENADE, int(roll() * 2.5) if thrown else 0, thrown),
        (KNIFE, 0, 1 + int(roll() * 6) if roll() < 0.35 else 0),
        (DYNAMITE, 0, fields[PLANTED] + int(roll() * 1.2) if fields[PLANTED] else 0),
        (SYRINGE, fields[REVIVES_GIVEN], fields[REVIVES_GIVEN] + int(roll() * 1.4)),
    ]
    for weapon, hits, shots in used:
        if shots:
            weapons[weapon][0] += hits
            weapons[weapon][1] += shots


def sum_up(dice: Random, weapons: dict[int, list[int]], fields: list[int]) -> None:
    """Compute the values that depend on a player's weapons and time."""
    roll = dice.roll
    kills = deaths = heads = bullet_kills = 0
    for weapon, numbers in weapons.items():
        fields[BULLETS] += numbers[1]
        kills += numbers[2]
        deaths += numbers[3]
        heads += numbers[4]
        if _FIRES_BULLETS[weapon]:
            bullet_kills += numbers[2]
    tenths = fields[TIME]
    fields[DEAD] = min(int((deaths + fields[SELF_KILLS]) * (9 + 14 * roll())), int(tenths * 5.4))
    fields[PERCENT] = 990 - int(fields[DEAD] * 1000 / (tenths * 6) * (0.34 + 0.18 * roll()))
    fields[SPREE] = fields[SPREE] if fields[SPREE] >= 3 else 0
    fields[DEATH_SPREE] = fields[DEATH_SPREE] if fields[DEATH_SPREE] >= 3 else 0
    fields[HEADSHOT_KILLS] = min(heads, int(bullet_kills * (0.1 + 0.34 * roll()) + roll()), bullet_kills)
    fields[GIBS] = min(kills, int(kills * 0.62 * roll() + roll()))
    fields[ASSISTS] = int(tenths * 0.087 * roll() + roll())
    fields[STEALS] = int(min(kills, 2.6 * roll()))
    fields[USEFUL] = int(kills * (0.2 + 0.4 * roll()))
    fields[USELESS] = int(kills * (0.1 + 0.3 * roll()))
    fields[DENIED] = int(kills * (6 + 5 * roll()) + 3 * roll())
    fields[FULL_SELF_KILLS] = int(fields[SELF_KILLS] > 0 and roll() < 0.06)
    fields[XP] = int(kills * (4.5 + roll()) + 3 * fields[REVIVES_GIVEN] + 7 * fields[PLANTED] + 20 * roll())
