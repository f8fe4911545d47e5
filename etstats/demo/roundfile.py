"""Write a round as the game server does: header, player lines, the four layouts."""

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
_BOT_WEAPON = 4  # MP40
PLACES = {
    layout: [place for place in range(FIELD_COUNT) if layout != LAYOUTS[0] or place != DENIED][:layout]
    for layout in LAYOUTS
}
"""The fields of the 38-field layout in each layout, in its order."""
_FORMATS = tuple("%.1f" if place in (8, 21, 22, 23, 24, 25, 26) else "%d" for place in range(FIELD_COUNT))
_TEMPLATES = {layout: "\t".join(_FORMATS[place] for place in places) for layout, places in PLACES.items()}
_TAKE = {layout: itemgetter(*places) for layout, places in PLACES.items()}


@dataclass(slots=True)
class Line:
    """A player line: the engine's counters.

    `dead_seconds` and the other per-round numbers in `fields` are of this round, the cumulative numbers and
    `weapons` of all rounds since the player connected. Units as in `Tally`.
    """

    guid: str
    name: str
    rounds: int
    team: int
    weapons: dict[int, list[int]]
    fields: list[int]

    @classmethod
    def fresh(cls, tally: Tally, rounds: int) -> "Line":
        """Return the line of a player whose counters were zero before this round."""
        return cls(tally.person.guid, tally.name, rounds, tally.team, tally.weapons, tally.fields)

    def after(self, tally: Tally, knife_drop: int) -> "Line":
        """Return the line of the next round: these counters plus those of the next round.

        `knife_drop`: number of knife shots that the engine loses; the player then has none in the next round.
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
        """Return the next round's line of a spectator: the same counters, team 3."""
        fields = [0] * FIELD_COUNT
        for place in (*_CUMULATIVE, PERCENT):
            fields[place] = self.fields[place]
        return Line(self.guid, name, self.rounds + 1, 3, self.weapons, fields)

    def text(self, layout: int) -> str:
        """Return the text of the line without its newline."""
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
    """Return seconds as `M:SS` for the header."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def bot_lines(count: int, round_number: int, minutes: float, layout: int) -> list[str]:
    """Return the lines of bots without hits; two of them may share a GUID, as with Omni-bot."""
    fields = [0] * FIELD_COUNT
    fields[TIME] = max(1, round(10 * minutes))
    texts = []
    for number in range(count):
        line = Line("00000000", f"^o[BOT]^7Bot{number}", round_number - 1, 1 + number % 2, {}, fields)
        line.weapons = {_BOT_WEAPON: [0, 20 + number, 0, 0, 0]}
        texts.append(line.text(layout).replace("00000000", f"OMNIBOT{number // 2 % 10}", 1))
    return texts


def content(
    header: Iterable[str], lines: Iterable[Line], layout: int, newline: str = "\n", others: Iterable[str] = ()
) -> bytes:
    """Return a complete file; like the game, omit players without weapons.

    `others` are further lines, as text.
    """
    texts = ["\\".join(header), *(line.text(layout) for line in lines if line.weapons), *others]
    return (newline.join(texts) + newline).encode()
