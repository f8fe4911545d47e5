"""Hand-written round files: each test names only the values that it depends on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etstats.demo.generator import GeneratedFile
from etstats.domain.fields import FIELDS, LAYOUTS, WEAPONS

GUIDS = ("0000AAAA", "0000BBBB", "0000CCCC", "0000DDDD")
DEFAULT_WEAPONS = {"MP40": (20, 60, 3, 2, 4)}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the game server."""

    name: str
    content: bytes
    mtime: int | None = None


def cut(file: GeneratedFile) -> bytes:
    """Return the first half of a file, which ends inside a line."""
    return file.content[: len(file.content) // 2]


def line(
    guid: str = GUIDS[0],
    name: str = "^1bo",
    *,
    rounds: int = 0,
    team: int | str = 1,
    weapons: Mapping[str, Sequence[int]] = DEFAULT_WEAPONS,
    layout: int = 38,
    **fields: float,
) -> str:
    """Return one player line; weapons are hits, shots, kills, deaths, headshots; missing fields are 0."""
    mask = 0
    counts: list[int] = []
    for bit, weapon in enumerate(WEAPONS):
        if weapon in weapons:
            mask |= 1 << bit
            counts += weapons[weapon]
    unknown = fields.keys() - {field.name for field in FIELDS}
    assert not unknown, unknown
    fields = {"damage_given": 100, "damage_received": 100, "time_played_minutes": 5.0} | fields
    texts = [f"{fields.get(field.name, 0):{'.1f' if field.number is float else 'd'}}" for field in LAYOUTS[layout]]
    return f"{guid}\\{name}\\{rounds}\\{team}\\{mask} {' '.join(map(str, counts))} \t" + "\t".join(texts)


def round_file(
    stamp: str,
    number: int = 1,
    lines: Sequence[str] | None = None,
    *,
    map_name: str = "supply",
    defender: int = 1,
    winner: int = 2,
    limit: str = "10:00",
    actual: str = "5:00",
    duration: str | None = None,
    mtime: int | None = None,
    end: str = "\n",
) -> File:
    """Return one round file; `stamp` as in the name (2025-10-02-213000)."""
    head = ["^7The ^1Barn", map_name, "legacy3", str(number), str(defender), str(winner), limit, actual]
    rows = [
        "\\".join(head + ([duration] if duration else [])),
        *(lines or [line(), line(GUIDS[1], "eve", team=2)]),
    ]
    return File(f"{stamp}-{map_name}-round-{number}.txt", (end.join(rows) + end).encode(), mtime)
