"""A round as the game server writes it down: header, player lines, the four layouts."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from etstats.demo.community import KNIFE
from etstats.demo.tally import (
    BULLETS,
    DEAD,
    DENIED,
    FIELD_COUNT,
    GIVEN,
    PERCENT,
    RECEIVED,
    TEAM_GIBS,
    TIME,
    Tally,
)

LAYOUTS = (33, 36, 37, 38)
_CUMULATIVE = (*range(GIVEN, TEAM_GIBS + 1), BULLETS, TIME)
_TANK, _DEAD_RATIO, _KD = 23, 24, 26
_TRUE_BULLETS_SINCE = 38
PLACES = {
    layout: [place for place in range(FIELD_COUNT) if layout != LAYOUTS[0] or place != DENIED][:layout]
    for layout in LAYOUTS
}
"""Which fields of the 38-layout a layout has, in its order."""
_FORMATS = tuple("%.1f" if place in (8, 21, 22, 23, 24, 25, 26) else "%d" for place in range(FIELD_COUNT))
_TEMPLATES = {layout: "\t".join(_FORMATS[place] for place in places) for layout, places in PLACES.items()}
_TAKE = {layout: itemgetter(*places) for layout, places in PLACES.items()}


@dataclass(slots=True)
class Line:
    """One player line: the counters as the engine holds them, not yet as text.

    `dead_seconds` and the other per-round numbers in `fields` are of this round, the cumulative ones and
    `weapons` of every round since the player connected. Units as in `Tally`.
    """

    guid: str
    name: str
    rounds: int
    team: int
    weapons: dict[int, list[int]]
    fields: list[int]

    @classmethod
    def fresh(cls, tally: Tally, rounds: int) -> "Line":
        """Return the line of a player whose counters held nothing before this round."""
        return cls(tally.person.guid, tally.name, rounds, tally.team, tally.weapons, tally.fields)

    def after(self, tally: Tally, knife_drop: int) -> "Line":
        """Return the next round's line: these counters, with what the player did since on top.

        `knife_drop`: the number of knife shots the engine loses; the player then has none of this round's own.
        """
        merged = {weapon: list(numbers) for weapon, numbers in self.weapons.items()}
        for weapon, (hits, shots, kills, deaths, heads) in tally.weapons.items():
            if weapon in merged:
                numbers = merged[weapon]
                numbers[0] += hits
                numbers[1] += shots
                numbers[2] += kills
                numbers[3] += deaths
                numbers[4] += heads
            else:
                merged[weapon] = [hits, shots, kills, deaths, heads]
        weapons = dict(sorted(merged.items()))
        if knife_drop:
            weapons[KNIFE][1] -= knife_drop
            weapons = {weapon: numbers for weapon, numbers in weapons.items() if any(numbers)}
        fields = list(tally.fields)
        for place in _CUMULATIVE:
            fields[place] += self.fields[place]
        fields[BULLETS] = sum(numbers[1] for numbers in weapons.values())
        shares = self.fields[PERCENT] * self.fields[TIME] + tally.fields[PERCENT] * tally.fields[TIME]
        fields[PERCENT] = shares // fields[TIME]
        return Line(self.guid, tally.name, self.rounds + 1, tally.team, weapons, fields)

    def watching(self, name: str) -> "Line":
        """Return the next round's line of a player who only watched it: the same counters, as team 3."""
        fields = [0] * FIELD_COUNT
        for place in (*_CUMULATIVE, PERCENT):
            fields[place] = self.fields[place]
        return Line(self.guid, name, self.rounds + 1, 3, self.weapons, fields)

    def text(self, layout: int) -> str:
        """Return the line as the file has it, without its end."""
        mask = 0
        counts: list[int] = []
        kills = deaths = 0
        for weapon, numbers in self.weapons.items():
            mask |= 1 << weapon
            counts += numbers
            kills += numbers[2]
            deaths += numbers[3]
        values: list[float] = list(self.fields)
        minutes = self.fields[TIME] / 10
        dead = self.fields[DEAD] / 60
        shield = self.fields[RECEIVED] / (deaths or 1) / 95
        values[PERCENT] = self.fields[PERCENT] / 10
        values[TIME] = minutes
        values[_TANK] = shield if shield >= 3 else 0
        values[_DEAD_RATIO] = 100 * dead / minutes
        values[DEAD] = dead
        values[_KD] = kills / deaths if deaths else kills + 1
        if layout < _TRUE_BULLETS_SINCE:
            values[BULLETS] *= 12 + int(self.guid[:2], 16) // 4
        head = f"{self.guid}\\{self.name}\\{self.rounds}\\{self.team}\\{mask} "
        fields: str = _TEMPLATES[layout] % _TAKE[layout](values)
        return head + " ".join(map(str, counts)) + " \t" + fields


def clock(seconds: int) -> str:
    """Return seconds as the header's `M:SS`."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def content(header: Iterable[str], lines: Iterable[Line], layout: int, newline: str = "\n") -> bytes:
    """Return a whole file; players without any weapon are left out, as the game leaves them out."""
    texts = ["\\".join(header), *(line.text(layout) for line in lines if line.weapons)]
    return (newline.join(texts) + newline).encode()
