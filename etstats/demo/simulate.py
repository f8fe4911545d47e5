"""Simulate the kills and the damage of a round.

Every kill has a victim and every hit point a receiver, so kills equal deaths, and damage given equals damage
received.
"""

from collections import defaultdict
from dataclasses import dataclass

from etstats.demo.rng import Random
from etstats.demo.tally import (
    CONSTRUCTIONS,
    DEATH_SPREE,
    DEFUSED,
    DOUBLE_KILLS,
    FIELD_COUNT,
    GIVEN,
    PLANTED,
    RECEIVED,
    RETURNED,
    REVIVED,
    REVIVES_GIVEN,
    SELF_KILLS,
    SPREE,
    STOLEN,
    TEAM_GIBS,
    TEAM_GIVEN,
    TEAM_KILLS,
    TEAM_RECEIVED,
    TIME,
    Seat,
    Tally,
    Weapons,
    unused,
)
from etstats.demo.weapons import fit_weapons, sum_up

_KILLS_A_MINUTE = 1.35  # maximum of one player, as on real servers
_SELF_KILL_SHARE = 64  # of 256 deaths
_REVIVED_SHARE = 18  # of 64 deaths
_MULTIKILL_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class _Ground:
    """Weighted lists of seat indices; an index is repeated according to its weight.

    `hunters`: candidates for the next kill. Then for each seat: its enemies, its team, the team's medics, and the
    64 weapon chances.
    """

    hunters: list[int]
    targets: list[list[int]]
    mates: list[list[int]]
    medics: list[list[int]]
    arsenals: list[tuple[int, ...]]


def fight(dice: Random, seats: list[Seat], attackers: int, has_cargo: bool) -> list[Tally]:
    """Return a tally for each seat, in the same order; `has_cargo`: the map has an objective to carry."""
    arms, fields = _shooting(dice, seats)
    _objectives(dice, seats, attackers, has_cargo, fields)
    tallies = []
    for seat, weapons, own in zip(seats, arms, fields, strict=True):
        own[TIME] = seat.tenths
        sorted_weapons = fit_weapons(dice, seat, weapons, own)
        sum_up(dice, sorted_weapons, own)
        tallies.append(Tally(seat.person, seat.name, seat.team, sorted_weapons, own))
    return tallies


def _muster(seats: list[Seat]) -> _Ground:
    longest = max(seat.tenths for seat in seats)
    hunters: list[int] = []
    prey: list[list[int]] = [[], []]  # enemies of Axis, enemies of Allies
    for index, seat in enumerate(seats):
        hunters += [index] * (1 + int(9 * seat.person.skill * seat.tenths / longest))
        prey[2 - seat.team] += [index] * (1 + int(4 * (3.2 - seat.person.skill) * seat.tenths / longest))
    healers = [[index for index in team if seats[index].person.is_medic] or team for team in prey]
    return _Ground(
        hunters,
        [prey[seat.team - 1] for seat in seats],
        [prey[2 - seat.team] for seat in seats],
        [healers[2 - seat.team] for seat in seats],
        [seat.person.arsenal[seat.team - 1] for seat in seats],
    )


def _shooting(dice: Random, seats: list[Seat]) -> tuple[list[Weapons], list[list[int]]]:
    """Distribute kills, deaths, sprees, revives and damage; return weapons and fields for each seat."""
    size = len(seats)
    roll = dice.roll
    ground = _muster(seats)
    hunters, targets, medics, arsenals = ground.hunters, ground.targets, ground.medics, ground.arsenals
    minutes = sum(seat.tenths for seat in seats) / 10
    arms: list[Weapons] = [defaultdict(unused) for _ in seats]
    fields = [[0] * FIELD_COUNT for _ in seats]
    streak, fall, chain, last_kill = [0] * size, [0] * size, [1] * size, [-9.0] * size
    events = int(minutes * _KILLS_A_MINUTE * 4 / 3 * (0.75 + 0.5 * roll())) + 1
    step = max(seat.tenths for seat in seats) * 6 / events / 128
    many, clock = len(hunters), 0.0
    for _ in range(events):
        bits = int(roll() * 0x10000000000000)  # 52 random bits, split below
        clock += step * (bits & 255)
        killer = hunters[(bits >> 8 & 1023) * many >> 10]
        if bits >> 18 & 255 < _SELF_KILL_SHARE:
            fields[killer][SELF_KILLS] += 1
            victim = killer
        else:
            victims = targets[killer]
            if not victims:
                continue
            victim = victims[(bits >> 26 & 255) * len(victims) >> 8]
            weapon = arsenals[killer][bits >> 34 & 63]
            arms[killer][weapon][2] += 1
            arms[victim][weapon][3] += 1
            damage = 75 + (bits >> 40 & 63)
            doer = fields[killer]
            doer[GIVEN] += damage
            fields[victim][RECEIVED] += damage
            streak[killer] += 1
            fall[killer] = 0
            if streak[killer] > doer[SPREE]:  # noqa: PLR1730 - a call in the innermost loop is slow
                doer[SPREE] = streak[killer]
            if clock - last_kill[killer] < _MULTIKILL_SECONDS:
                _lengthen(chain, killer, doer)
            else:
                chain[killer] = 1
            last_kill[killer] = clock
            if bits >> 46 < _REVIVED_SHARE:
                medic = medics[victim][bits % len(medics[victim])]
                if medic != victim:
                    fields[victim][REVIVED] += 1
                    fields[medic][REVIVES_GIVEN] += 1
        streak[victim] = 0
        fall[victim] += 1
        if fall[victim] > fields[victim][DEATH_SPREE]:  # noqa: PLR1730 - as above
            fields[victim][DEATH_SPREE] = fall[victim]
    _wounds(dice, seats, ground, fields)
    return arms, fields


def _lengthen(chain: list[int], killer: int, fields: list[int]) -> None:
    """Count a series of quick kills once, with its full length, at most six."""
    if chain[killer] < 6:
        chain[killer] += 1
        fields[DOUBLE_KILLS + chain[killer] - 2] += 1
        if chain[killer] > 2:
            fields[DOUBLE_KILLS + chain[killer] - 3] -= 1


def _wounds(dice: Random, seats: list[Seat], ground: _Ground, fields: list[list[int]]) -> None:
    """Distribute damage without kills, to enemies and teammates."""
    roll = dice.roll
    for index, seat in enumerate(seats):
        victims, friends, own = ground.targets[index], ground.mates[index], fields[index]
        amount = 5 * seat.tenths + own[GIVEN] // 2
        for _ in range(3 if victims else 0):
            damage = int(amount * roll() * 0.66)
            own[GIVEN] += damage
            fields[victims[int(roll() * len(victims))]][RECEIVED] += damage
        friend = friends[int(roll() * len(friends))]
        luck = roll()
        if friend != index and luck < 0.7:
            damage = int(luck * 150)
            if luck < 0.33:
                own[TEAM_KILLS] += 1
                own[TEAM_GIBS] += luck < 0.08
                damage += 70
            own[TEAM_GIVEN] += damage
            fields[friend][TEAM_RECEIVED] += damage


def _objectives(dice: Random, seats: list[Seat], attackers: int, has_cargo: bool, fields: list[list[int]]) -> None:
    attack = [index for index, seat in enumerate(seats) if seat.team == attackers]
    defence = [index for index, seat in enumerate(seats) if seat.team != attackers]
    engineers = [index for index in attack if seats[index].person.is_engineer] or attack
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
