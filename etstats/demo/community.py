"""The generated players: names, skill and habits."""

from dataclasses import dataclass

from etstats.demo.rng import Random

# Duplicated on purpose: the tests use the generator to check the parser's table.
WEAPONS = (
    "KNIFE", "KNIFE_KBAR", "LUGER", "COLT", "MP40", "THOMPSON", "STEN", "FG42", "PANZERFAUST", "BAZOOKA",
    "FLAMETHROWER", "GRENADE", "MORTAR", "MORTAR2", "DYNAMITE", "AIRSTRIKE", "ARTILLERY", "SATCHEL",
    "GRENADELAUNCHER", "LANDMINE", "MG42", "BROWNING", "CARBINE", "KAR98", "GARAND", "K43", "MP34", "SYRINGE",
)  # fmt: skip
KNIFE, LUGER, COLT, MP40, THOMPSON, STEN, FG42 = 0, 2, 3, 4, 5, 6, 7
PANZERFAUST, BAZOOKA, GRENADE, DYNAMITE, AIRSTRIKE, ARTILLERY = 8, 9, 11, 14, 15, 16
GRENADELAUNCHER, LANDMINE, MG42, CARBINE, KAR98, GARAND, K43, MP34, SYRINGE = 18, 19, 20, 22, 23, 24, 25, 26, 27
BROWNING = 21
BULLET_WEAPONS = (LUGER, COLT, MP40, THOMPSON, STEN, FG42, MG42, BROWNING, CARBINE, KAR98, GARAND, K43, MP34)

_NAMES = (
    ("^1Rivet^7.", "^1Riv^3et", "rivet"),
    ("^ymole^7hill", "^zmole^7hill"),
    ("^/Moth^?wing", "^?moth"),
    ("^.Kestrel", "^.Kes^7trel^.!"),
    ("^4tin^7*_fox_*", "^4TIN^7fox"),
    ("^2Pump^akin \N{JACK-O-LANTERN}", "^2pump"),
    ("[^3LOG^7]Marsh", "[^3LOG^7]^1Marsh"),
    ("^7half^^caret", "^1half^^"),
    ("^5@quarter", "^5quarter"),
    ("^7`tick`", "^7tick^9tock"),
    ("^6Juni^7per~~old~~", "^6Juniper"),
    ("^o||hush||", "^ohush"),
    ("^8Borovnica", "^8Boro^7vni\N{LATIN SMALL LETTER C WITH CARON}ka"),
    ("^xlamp", "^xlamp^7post", "^3lamplighter"),
    ("^3<Kelp>", "^3Kelp"),
    ("^p:anvil:", "^panvil"),
    ("^dSorrel", "^dSor^7rel"),
    ("slate", "^0slate"),
    ("^cFeld^7spar", "^cfeld"),
    ("^;Tundra^7_", "^;Tundra"),
    ("^1Q^2u^3i^4n^5c^6e", "^7quince"),
    ("^b# Heron", "^bHeron"),
    ("^7no name", "^7(no) name"),
    ("^mwicker\N{SNOWMAN}", "^mwicker"),
)
_FIRST = (
    "Bel",
    "Dor",
    "Fen",
    "Gar",
    "Hol",
    "Jas",
    "Kor",
    "Lin",
    "Mar",
    "Nor",
    "Pel",
    "Rus",
    "Sil",
    "Tor",
    "Ver",
    "Zab",
)
_SECOND = ("ban", "dek", "fin", "gon", "ka", "lo", "mir", "nix", "per", "rik", "sa", "ter", "vo", "zu")
_COLOURS = "0123456789abcdefghijklmnopqrstuvwxyz/?.;:<=>@!"


@dataclass(slots=True)
class Person:
    """One player of the community; `skill` is around 1.0, accuracies are per thousand.

    `arsenal`: for Axis and Allies the 64 chances of which weapon makes a kill.
    """

    guid: str
    names: tuple[str, ...]
    name: str
    skill: float
    accuracy: int
    headshots: int
    is_medic: bool
    is_engineer: bool
    arsenal: tuple[tuple[int, ...], tuple[int, ...]]


def make_community(dice: Random, size: int) -> list[Person]:
    """Return `size` people with different GUIDs and names."""
    names = dice.shuffled(_NAMES)
    guids: set[str] = set()
    people = []
    for number in range(size):
        guid = f"{dice.below(1 << 32):08X}"
        while guid in guids:
            guid = f"{dice.below(1 << 32):08X}"
        guids.add(guid)
        known_as = names[number] if number < len(names) else _plain_names(dice, number)
        role = dice.below(3)
        people.append(
            Person(
                guid=guid,
                names=known_as,
                name=known_as[0],
                skill=0.7 + 0.3 * (dice.roll() + dice.roll()),
                accuracy=dice.between(300, 470),
                headshots=dice.between(80, 175),
                is_medic=role == 0,
                is_engineer=role == 1,
                arsenal=_arsenal(dice),
            )
        )
    return people


def _plain_names(dice: Random, number: int) -> tuple[str, ...]:
    plain = dice.pick(_FIRST) + dice.pick(_SECOND) + (str(number) if number >= 48 else "")
    colour = dice.pick(_COLOURS)
    return f"^{colour}{plain}", f"^{colour}{plain[:3]}^7{plain[3:]}", plain


def _arsenal(dice: Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    grenades = dice.between(1, 11)
    pistols = dice.between(0, 6)
    special = dice.pick(
        (STEN, FG42, GARAND, K43, MP34, ARTILLERY, AIRSTRIKE, MG42, LANDMINE, GRENADELAUNCHER, 0, 0, 0, 0)
    )
    rest = [GRENADE] * grenades + ([special] * dice.between(1, 5) if special else [])
    axis = [*rest, *([LUGER] * pistols), *([THOMPSON] * dice.between(0, 8))]
    allies = [*rest, *([COLT] * pistols), *([MP40] * dice.between(0, 8))]
    return (*axis, *([MP40] * (64 - len(axis)))), (*allies, *([THOMPSON] * (64 - len(allies))))
