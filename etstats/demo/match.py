"""Simulate a stopwatch map: two rounds with swapped sides, and players who join and leave."""

from dataclasses import dataclass

from etstats.demo.community import KNIFE, Person
from etstats.demo.quirks import Quirks
from etstats.demo.rng import Random
from etstats.demo.roundfile import Line
from etstats.demo.simulate import fight
from etstats.demo.tally import BULLETS, DEAD, DENIED, GIVEN, RECEIVED, TIME, Seat, Tally

_SHORTEST_ATTACK = 80  # seconds


@dataclass(frozen=True, slots=True)
class GameMap:
    """A map: time limit and average attack time in seconds; `has_cargo`: has an objective to carry."""

    name: str
    limit: int
    attack: int
    defender: int = 1
    has_cargo: bool = False


MAPS = (
    GameMap("supply", 720, 620),
    GameMap("sw_goldrush_te", 720, 660, has_cargo=True),
    GameMap("etl_adlernest", 600, 330, has_cargo=True),
    GameMap("etl_frostbite", 600, 300),
    GameMap("braundorf_b4", 600, 470),
    GameMap("erdenberg_t2", 720, 450),
    GameMap("etl_sp_delivery", 720, 400, has_cargo=True),
    GameMap("radar", 720, 520, has_cargo=True),
    GameMap("oasis", 900, 640),
    GameMap("etl_ice", 600, 340, defender=2),
)


@dataclass(slots=True)
class Roster:
    """The two line-ups of a session, and the substitutes."""

    lineups: tuple[list[Person], list[Person]]
    bench: list[Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRound:
    """A round: true numbers (`tallies`) and the engine's counters (`lines`); times in seconds.

    `outcome` is `completed`, `fullhold` or `surrender`. `actual` is the time in the header, `played` the true
    time.
    """

    number: int
    defender: int
    winner: int
    limit: int
    actual: int
    played: int
    outcome: str
    tallies: list[Tally]
    lines: list[Line]
    reset_guid: str = ""


@dataclass(slots=True)
class _Comings:
    """The players who join and leave in this match, or None."""

    late: Person | None
    leaver: Person | None
    watcher: Person | None
    reset: Person | None


def play_match(
    dice: Random, game_map: GameMap, roster: Roster, quirks: Quirks
) -> tuple[SimulatedRound, SimulatedRound]:
    """Play both rounds of a map; leavers are removed from the roster, substitutes added."""
    everybody = [person for lineup in roster.lineups for person in lineup]
    pool = dice.shuffled([person for lineup in roster.lineups for person in lineup[1:]])

    def somebody(probability: float) -> Person | None:
        return pool.pop() if pool and dice.happens(probability) else None

    who = _Comings(
        somebody(quirks.late_joiners),
        somebody(quirks.leavers),
        somebody(quirks.spectators),
        somebody(quirks.resets),
    )
    _rename(dice, everybody, quirks.renames / 2)
    attackers = 3 - game_map.defender
    first_team = dice.between(1, 2)
    limit, counted = game_map.limit, int(dice.happens(0.2))

    winner, actual, played, outcome = _clock(
        dice, game_map, roster, first_team, limit=limit, surrenders=quirks.surrenders
    )
    seats = _seats(roster, first_team, played)
    if who.late is not None:
        missed = dice.between(2, 20)  # of 10 tenths, so that half of them miss the whole round
        for seat in [seat for seat in seats if seat.person is who.late]:
            seat.tenths = seat.tenths * (10 - missed) // 10
        seats = [seat for seat in seats if seat.tenths >= 5 or seat.person is not who.late]
    tallies = fight(dice, seats, attackers, game_map.has_cargo)
    _exaggerate(dice, tallies, quirks.impossible_numbers)
    first = SimulatedRound(
        number=1, defender=game_map.defender, winner=winner, limit=limit, actual=actual, played=played,
        outcome=outcome, tallies=tallies, lines=[Line.fresh(tally, counted) for tally in tallies],
    )  # fmt: skip

    if who.leaver is not None:
        _replace(dice, roster, who.leaver, quirks.substitutes)
    _rename(dice, everybody, quirks.renames / 2)
    second_team = 3 - first_team
    limit = actual
    winner, actual, played, outcome = _clock(
        dice, game_map, roster, second_team, limit=limit, surrenders=quirks.surrenders
    )
    seats = [seat for seat in _seats(roster, second_team, played) if seat.person is not who.watcher]
    tallies = fight(dice, seats, attackers, game_map.has_cargo)
    _exaggerate(dice, tallies, quirks.impossible_numbers)
    lines, reset_guid = _second_lines(dice, first, tallies, who, quirks)
    second = SimulatedRound(
        number=2, defender=game_map.defender, winner=winner, limit=limit, actual=actual, played=played,
        outcome=outcome, tallies=tallies, lines=dice.shuffled(lines), reset_guid=reset_guid,
    )  # fmt: skip
    return first, second


def _seats(roster: Roster, first_team: int, played: int) -> list[Seat]:
    tenths = (played + 3) // 6
    teams = (first_team, 3 - first_team)
    return [
        Seat(person, person.name, team, tenths)
        for team, lineup in zip(teams, roster.lineups, strict=True)
        for person in lineup
    ]


def _clock(
    dice: Random, game_map: GameMap, roster: Roster, first_team: int, *, limit: int, surrenders: float
) -> tuple[int, int, int, str]:
    """Return the winner, the actual time in the header, the true time played, and the outcome."""
    strength = [sum(person.skill for person in lineup) for lineup in roster.lineups]
    defence, attack = strength if first_team == game_map.defender else strength[::-1]
    needed = int(game_map.attack * (0.4 + 1.1 * dice.roll()) * min(1.5, max(0.7, defence / attack)))
    if dice.happens(surrenders) and limit > 2 * _SHORTEST_ATTACK:
        return game_map.defender, limit, limit - dice.between(24, min(330, limit - _SHORTEST_ATTACK)), "surrender"
    if dice.happens(0.03):
        needed = limit - dice.below(3)  # a late win, which the clock alone would classify as a full hold
    elif needed >= limit:
        return game_map.defender, limit, limit, "fullhold"
    needed = min(limit, max(needed, _SHORTEST_ATTACK))
    return 3 - game_map.defender, needed, needed, "completed"


def _replace(dice: Random, roster: Roster, leaver: Person, substitutes: float) -> None:
    for lineup in roster.lineups:
        if leaver in lineup:
            lineup.remove(leaver)
            if roster.bench and dice.happens(substitutes):
                lineup.append(roster.bench.pop(0))
                roster.bench.append(leaver)
            return


def _rename(dice: Random, people: list[Person], probability: float) -> None:
    for person in people:
        if probability and dice.happens(probability):
            person.name = dice.pick(person.names)


def _exaggerate(dice: Random, tallies: list[Tally], probability: float) -> None:
    for tally in tallies:
        if probability and dice.happens(probability):
            if dice.happens(0.5):
                tally.fields[DEAD] = tally.fields[TIME] * dice.between(7, 24)
            else:
                tally.fields[DENIED] = dice.between(5000, 6000)


def _second_lines(
    dice: Random, first: SimulatedRound, tallies: list[Tally], who: _Comings, quirks: Quirks
) -> tuple[list[Line], str]:
    """Return the lines of round 2 and the GUID with reset counters, if any."""
    before = {line.guid: line for line in first.lines}
    lines, reset_guid = [], ""
    for tally in tallies:
        earlier = before.get(tally.person.guid)
        if earlier is None:
            lines.append(Line.fresh(tally, 0))
        elif tally.person is who.reset:
            reset_guid = earlier.guid
            lines.append(Line.fresh(tally, earlier.rounds + int(_shrank(earlier, tally) and dice.happens(0.5))))
        else:
            lines.append(earlier.after(tally, _knife_drop(dice, earlier, tally, quirks.knife_drops)))
    watched = before.get(who.watcher.guid) if who.watcher is not None else None
    if watched is not None and who.watcher is not None:
        lines.append(watched.watching(who.watcher.name))
    return lines, reset_guid


def _shrank(earlier: Line, tally: Tally) -> bool:
    """Return whether the numbers alone show a reset, without `rounds`."""
    return any(tally.fields[place] < earlier.fields[place] for place in (GIVEN, RECEIVED, TIME))


def _knife_drop(dice: Random, earlier: Line, tally: Tally, probability: float) -> int:
    """Return how many knife shots of round 1 are lost; those of this round are removed from the tally."""
    if KNIFE not in earlier.weapons or not (probability and dice.happens(probability)):
        return 0
    own = tally.weapons.pop(KNIFE, None)
    if own is not None:
        tally.fields[BULLETS] -= own[1]
    return dice.between(1, min(5, earlier.weapons[KNIFE][1]))
