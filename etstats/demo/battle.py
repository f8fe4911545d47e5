"""One round fought out: who killed whom with what, and what follows from it.

Every kill has a victim and every hit point a receiver, so a round conserves what the game conserves.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

from etstats.demo.chance import Dice
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

FIELD_COUNT = 38
# Places in the 38-field layout; what a field is in the file's words stands in `roundfile.py`.
GIVEN, RECEIVED, TEAM_GIVEN, TEAM_RECEIVED, GIBS, SELF_KILLS, TEAM_KILLS, TEAM_GIBS = range(8)
PERCENT, XP, SPREE, DEATH_SPREE, ASSISTS, STEALS, HEADSHOT_KILLS, STOLEN, RETURNED = range(8, 17)
PLANTED, DEFUSED, REVIVED, BULLETS = range(17, 21)
TIME, DEAD, USEFUL, DENIED, DOUBLE_KILLS = 22, 25, 27, 28, 29
USELESS, FULL_SELF_KILLS, CONSTRUCTIONS, REVIVES_GIVEN = 34, 35, 36, 37

_FIRES_BULLETS = tuple(weapon in BULLET_WEAPONS for weapon in range(len(WEAPONS)))
_KILLS_A_MINUTE = 1.35  # of one player, as seen on real servers
_SELF_KILL_SHARE = 64  # of 256 deaths
_REVIVED_SHARE = 18  # of 64 deaths
_MULTIKILL_SECONDS = 4.0


Weapons: TypeAlias = defaultdict[int, list[int]]


def _unused() -> list[int]:
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
    """What one player did in one round alone.

    `weapons`: bit -> [hits, shots, kills, deaths, headshots]. `fields`: the 38-layout in whole numbers,
    with PERCENT in tenths of a percent, TIME in tenths of a minute and DEAD in seconds; ratios stay 0.
    """

    person: Person
    name: str
    team: int
    weapons: dict[int, list[int]]
    fields: list[int]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Who meets whom, as indices of seats; one stands in a list as often as is its weight.

    `hunters`: who makes the next kill. Then for each seat: the enemies it meets, its team, the team's medics,
    and the 64 chances of its weapon.
    """

    hunters: list[int]
    targets: list[list[int]]
    mates: list[list[int]]
    medics: list[list[int]]
    arsenals: list[tuple[int, ...]]


def fight(dice: Dice, seats: list[Seat], attackers: int, has_cargo: bool) -> list[Tally]:
    """Return a tally for each seat, in the same order; `has_cargo`: the attackers carry something home."""
    arms, fields = _shooting(dice, seats)
    _objectives(dice, seats, attackers, has_cargo, fields)
    tallies = []
    for seat, weapons, own in zip(seats, arms, fields, strict=True):
        own[TIME] = seat.tenths
        sorted_weapons = _fit(dice, seat, weapons, own)
        _summary(dice, sorted_weapons, own)
        tallies.append(Tally(seat.person, seat.name, seat.team, sorted_weapons, own))
    return tallies


def _muster(seats: list[Seat]) -> _Ground:
    longest = max(seat.tenths for seat in seats)
    hunters: list[int] = []
    prey: list[list[int]] = [[], []]  # whom Axis shoot at, whom Allies shoot at
    for i, seat in enumerate(seats):
        hunters += [i] * (1 + int(9 * seat.person.skill * seat.tenths / longest))
        prey[2 - seat.team] += [i] * (1 + int(4 * (3.2 - seat.person.skill) * seat.tenths / longest))
    healers = [[i for i in team if seats[i].person.is_medic] or team for team in prey]
    return _Ground(
        hunters,
        [prey[seat.team - 1] for seat in seats],
        [prey[2 - seat.team] for seat in seats],
        [healers[2 - seat.team] for seat in seats],
        [seat.person.arsenal[seat.team - 1] for seat in seats],
    )


def _shooting(dice: Dice, seats: list[Seat]) -> tuple[list[Weapons], list[list[int]]]:
    """Deal out kills, deaths, sprees, revives and damage: for each seat its weapons and its fields."""
    size = len(seats)
    roll = dice.roll
    ground = _muster(seats)
    hunters, targets, medics, arsenals = ground.hunters, ground.targets, ground.medics, ground.arsenals
    minutes = sum(seat.tenths for seat in seats) / 10
    arms: list[Weapons] = [defaultdict(_unused) for _ in seats]
    fields = [[0] * FIELD_COUNT for _ in seats]
    streak, fall, chain, last_kill = [0] * size, [0] * size, [1] * size, [-9.0] * size
    events = int(minutes * _KILLS_A_MINUTE * 4 / 3 * (0.75 + 0.5 * roll())) + 1
    step = max(seat.tenths for seat in seats) * 6 / events / 128
    many, clock = len(hunters), 0.0
    for _ in range(events):
        bits = int(roll() * 0x10000000000000)  # 52 bits of chance, cut into pieces below
        clock += step * (bits & 255)
        i = hunters[(bits >> 8 & 1023) * many >> 10]
        if bits >> 18 & 255 < _SELF_KILL_SHARE:
            fields[i][SELF_KILLS] += 1
            j = i
        else:
            victims = targets[i]
            if not victims:
                continue
            j = victims[(bits >> 26 & 255) * len(victims) >> 8]
            weapon = arsenals[i][bits >> 34 & 63]
            arms[i][weapon][2] += 1
            arms[j][weapon][3] += 1
            damage = 75 + (bits >> 40 & 63)
            doer = fields[i]
            doer[GIVEN] += damage
            fields[j][RECEIVED] += damage
            streak[i] += 1
            fall[i] = 0
            if streak[i] > doer[SPREE]:  # noqa: PLR1730 - in the innermost loop a call is dear
                doer[SPREE] = streak[i]
            if clock - last_kill[i] < _MULTIKILL_SECONDS:
                _lengthen(chain, i, doer)
            else:
                chain[i] = 1
            last_kill[i] = clock
            if bits >> 46 < _REVIVED_SHARE:
                medic = medics[j][bits % len(medics[j])]
                if medic != j:
                    fields[j][REVIVED] += 1
                    fields[medic][REVIVES_GIVEN] += 1
        streak[j] = 0
        fall[j] += 1
        if fall[j] > fields[j][DEATH_SPREE]:  # noqa: PLR1730 - likewise
            fields[j][DEATH_SPREE] = fall[j]
    _wounds(dice, seats, ground, fields)
    return arms, fields


def _lengthen(chain: list[int], i: int, fields: list[int]) -> None:
    """Count a chain of quick kills once, at its full length, and no longer than six."""
    if chain[i] < 6:
        chain[i] += 1
        fields[DOUBLE_KILLS + chain[i] - 2] += 1
        if chain[i] > 2:
            fields[DOUBLE_KILLS + chain[i] - 3] -= 1


def _wounds(dice: Dice, seats: list[Seat], ground: _Ground, fields: list[list[int]]) -> None:
    """Deal out the damage that killed nobody, to enemies and to friends."""
    roll = dice.roll
    for i, seat in enumerate(seats):
        victims, friends, own = ground.targets[i], ground.mates[i], fields[i]
        amount = 5 * seat.tenths + own[GIVEN] // 2
        for _ in range(3 if victims else 0):
            damage = int(amount * roll() * 0.66)
            own[GIVEN] += damage
            fields[victims[int(roll() * len(victims))]][RECEIVED] += damage
        friend = friends[int(roll() * len(friends))]
        luck = roll()
        if friend != i and luck < 0.7:
            damage = int(luck * 150)
            if luck < 0.33:
                own[TEAM_KILLS] += 1
                own[TEAM_GIBS] += luck < 0.08
                damage += 70
            own[TEAM_GIVEN] += damage
            fields[friend][TEAM_RECEIVED] += damage


def _objectives(dice: Dice, seats: list[Seat], attackers: int, has_cargo: bool, fields: list[list[int]]) -> None:
    attack = [i for i, seat in enumerate(seats) if seat.team == attackers]
    defence = [i for i, seat in enumerate(seats) if seat.team != attackers]
    engineers = [i for i in attack if seats[i].person.is_engineer] or attack
    for _ in range(dice.between(1, 4) if engineers else 0):
        fields[dice.pick(engineers)][PLANTED] += 1
        if defence and dice.happens(0.16):
            fields[dice.pick(defence)][DEFUSED] += 1
        if dice.happens(0.6):
            fields[dice.pick(engineers)][CONSTRUCTIONS] += 1
    if has_cargo and attack and dice.happens(0.6):
        fields[dice.pick(attack)][STOLEN] += 1
        if defence and dice.happens(0.4):
            fields[dice.pick(defence)][RETURNED] += 1


def _fit(dice: Dice, seat: Seat, weapons: Weapons, fields: list[int]) -> dict[int, list[int]]:
    """Fit hits, shots and headshots to kills and damage given: 18 HP a hit, 50 to the head; sort by bit."""
    roll = dice.roll
    primary, pistol, found = (MP40, LUGER, THOMPSON) if seat.team == 1 else (THOMPSON, COLT, MP40)
    luck = roll()
    at_hand = (primary, *((pistol,) if luck < 0.55 else ()), *((found,) if luck > 0.4 else ()))
    for weapon in at_hand:
        weapons[weapon]
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


def _fire(dice: Dice, person: Person, numbers: list[int], *, hits: int) -> None:
    roll = dice.roll
    numbers[0] = hits
    numbers[1] = hits * 1000 // (person.accuracy - 30 + int(roll() * 60)) + 1 + int(roll() * 4)
    numbers[4] = min(hits, int(hits * person.headshots * (0.5 + roll()) / 1000 + roll()))


def _gadgets(dice: Dice, weapons: Weapons, fields: list[int]) -> None:
    """Add what is thrown, planted, stabbed with in vain, and injected."""
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


def _summary(dice: Dice, weapons: dict[int, list[int]], fields: list[int]) -> None:
    """Fill in what follows from a player's weapons and time."""
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
