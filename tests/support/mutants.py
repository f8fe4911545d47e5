"""Round files with random damage, and the guarantees of the parser for them."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from etstats.demo.generator import EVERYDAY, generate
from etstats.domain.fields import CORE_FIELDS, LAYOUTS
from etstats.domain.names import clean_name, colour_runs
from etstats.domain.rounds import RawRound
from etstats.errors import ParseError
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from etstats.parser.rounds import derive

Sample = tuple[str, bytes]


LARGEST = 2**31 - 1


_QUIRKS = replace(EVERYDAY, bots=0.5, ninth_field=0.5, ninth_in_seconds=0.5)


# What scripts wrote in place of a number, or may write one day.
ODD_VALUES = (
    b"-nan",
    b"nan",
    b"inf",
    b"-inf",
    b"1.#IND",
    b"-183.3",
    b"21.0",
    b"",
    b"-1",
    b"99999999999",
    b"1e9",
    b"1e309",
    b"-nan(ind)",
    b"1.#QNAN",
    b"0x1p3",
    b"+5",
    b"1,5",
    b"1_000",
    b" 7",
    b"\xd9\xa1\xd9\xa2",
    b"9" * 5000,
    b"x",
)


_DIGITS = re.compile(rb"\d+")


# Text that later steps are likely to misread.
HOSTILE = (
    b"'; DROP TABLE rounds; --", b"%s%n%(guid)s{0}", b"\x1b[2J\x1b]0;title\x07", b"\xc2\x9b31m",
    b"[bold red]x[/]", b"[link=https://evil.example]x[/link]", b"@everyone <@123> `x` ](http://x)",
    b"=cmd|' /C calc'!A0", b"+1+1", b"-2+3", b"@SUM(1)", b"\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf",
    b"../../../etc/passwd", b"\x00", b"\r", b"\n", b"\t", b"\\", b"^", b"^^", b"^\n", b"\xff\xfe", b"\xed\xa0\x80",
    b"1e309", b"nan", b"-0", b"99999999999", b"2147483648", b"\xd9\xa1\xd9\xa2", b"1_000", b" 7", b"0x10",
    b"\xf0\x9f\x8e\x83" * 36,
)  # fmt: skip


def samples(count: int = 40) -> list[Sample]:
    """Generated files of all four layouts."""
    start = datetime(2025, 10, 2, 20)  # noqa: DTZ001  # the server's own clock
    return [
        (file.name, file.content)
        for layout in (33, 36, 37, 38)
        for file in generate(layout, start=start, files=count // 4, layout=layout, players=4, quirks=_QUIRKS)
    ]


def mutant(dice: random.Random, pool: Sequence[Sample]) -> Sample:
    """Return a file of the pool with one to four mutations, rarely of its name."""
    name, content = dice.choice(pool)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 4))):
        content = dice.choice(MUTATIONS)(dice, content, pool)
    if dice.random() < 0.05:
        name = _in_text(dice, name.encode(), pool).decode(errors="replace")
    return name, content


def check(name: str, content: bytes, first: RawRound | None = None) -> RawRound | None:
    """Parse and derive a file; return None if it was rejected. AssertionError: a fault."""
    assert (found := parse_filename(name)) is None or "/" not in found.filename
    try:
        raw = parse(name, content)
    except ParseError as error:
        refusal = error
    else:
        for round1 in (None, first) if raw.name.round_number == 2 else (None,):
            keeps_promises(raw, round1)
        return raw
    assert refusal.filename == name
    assert 0 <= refusal.line <= content.count(b"\n") + 1
    assert refusal.reason
    assert "\n" not in refusal.reason
    return None


def keeps_promises(raw: RawRound, round1: RawRound | None) -> None:
    """Raise AssertionError if the derived round cannot be stored, or has impossible values."""
    derived = derive(raw, round1)
    assert len({player.player_guid for player in derived.players}) == len(derived.players)
    for player in derived.players:
        numbers = [getattr(player, name) for name in player._fields]
        counts = [number for number in numbers if isinstance(number, int | float)]
        assert all(abs(count) <= LARGEST for count in counts)
        assert all(
            getattr(player, name) is None or getattr(player, name) >= 0
            for name in player._fields
            if name not in ("xp", "tank_meatshield") and isinstance(getattr(player, name), int | float)
        ), player
        assert player.time_played_percent is None or 0 <= player.time_played_percent <= 100
        assert player.bullets_fired >= player.shots
        assert player.kills == sum(weapon.kills for weapon in player.weapons)
        assert all(
            0 <= weapon.headshots <= weapon.hits and min(weapon[1:]) >= 0 and max(weapon[1:]) > 0
            for weapon in player.weapons
        )
        assert "".join(text for _, text in colour_runs(player.player_name)).strip() == player.clean_name
        assert clean_name(player.player_name).isprintable() or not player.clean_name.isascii()
    assert derived.played_seconds is None or derived.played_seconds >= 0


def _cut(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    return content[: dice.randrange(len(content) + 1)]


def _flip(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    if not content:
        return b"\x00"
    at = dice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]


def _in_text(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    at = dice.randrange(len(content) + 1)
    return content[:at] + dice.choice(HOSTILE) + content[at + dice.choice((0, 0, 1, 5)) :]


def _in_field(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    """Replace one value between separators."""
    separator = dice.choice((b"\t", b" ", b"\\"))
    parts = content.split(separator)
    value = dice.choice(
        (*HOSTILE, b"", b"0", b"1", b"-1", b"100000", b"2147483647", b"0.1", b"35791394.0", b"101.0")
    )
    parts[dice.randrange(len(parts))] = value
    return separator.join(parts)


def _lines(dice: random.Random, content: bytes, pool: Sequence[Sample]) -> bytes:
    """Remove, duplicate or swap a line, or take one from another file."""
    lines = content.split(b"\n")
    at, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            lines[at] = dice.choice(dice.choice(pool)[1].split(b"\n"))
    return b"\n".join(lines)


def _columns(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    """Add or remove a separator."""
    separator = dice.choice((b"\t", b" ", b"\\", b"\r\n", b"\n"))
    parts = content.split(separator)
    at = dice.randrange(len(parts))
    parts[at : at + 1] = [parts[at][: len(parts[at]) // 2], parts[at][len(parts[at]) // 2 :]]
    if dice.random() < 0.5 and len(parts) > 2:
        del parts[dice.randrange(len(parts))]
    return separator.join(parts)


def _number(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    """Replace one number with another plausible one."""
    found = list(_DIGITS.finditer(content))
    if not found:
        return content
    match = dice.choice(found)
    value = dice.choice((0, 1, dice.randrange(100), dice.randrange(10_000), dice.randrange(LARGEST)))
    return content[: match.start()] + str(value).encode() + content[match.end() :]


def harmless(dice: random.Random, pool: Sequence[Sample]) -> Sample:
    """Return a file of the pool with an unusual value, line or field that must not reject the round."""
    name, content = dice.choice(pool)
    lines = content.split(b"\n")
    at = dice.randrange(1, len(lines) - 1)
    head, *fields = lines[at].split(b"\t")
    match dice.randrange(7):
        case 0:  # a bot, or a player without a GUID
            guid = dice.choice((b"OMNIBOT0", b"OMNIBOT1", b"UNKNOWN", b"NO_GUID", b"unknown", b""))
            lines.insert(at, guid + lines[at][lines[at].index(b"\\") :])
        case 1:  # the ninth field of the header, and later ones
            values = dice.choices(
                (*ODD_VALUES, b"0", b"600", b"600.5", b"10000", b"10001", b"1200000"), k=dice.choice((1, 1, 2, 5))
            )
            end = b"\r" if lines[0].endswith(b"\r") else b""
            lines[0] = b"\\".join([*lines[0].removesuffix(b"\r").split(b"\\")[:8], *values]) + end
        case 4:  # the actual time
            parts = lines[0].split(b"\\")
            parts[7] = dice.choice((*ODD_VALUES, b"0:00", b"71:05", b"99999:59", b"-1:-1", b"5:7")) + (
                b"\r" if len(parts) == 8 and parts[7].endswith(b"\r") else b""
            )
            lines[0] = b"\\".join(parts)
        case 5:  # a weapon of a newer game
            guid, player, before, team, weapons = head.split(b"\\")
            mask, *counts = weapons.split()
            unknown = 1 << dice.randrange(28, 64)
            newer = b" ".join([str(int(mask) | unknown).encode(), *counts, b"2 9 1 0 1"])
            lines[at] = b"\t".join([b"\\".join([guid, player, before, team, newer + b" "]), *fields])
        case 2 if len(fields) == max(LAYOUTS):  # fields of a newer script
            lines[at] = b"\t".join(
                [lines[at].removesuffix(b"\r"), *dice.choices(ODD_VALUES, k=dice.randrange(1, 5))]
            )
        case 3:  # the count of earlier rounds, or the team
            parts = head.split(b"\\")
            parts[dice.choice((2, 3))] = dice.choice((*ODD_VALUES, b"0", b"4"))
            lines[at] = b"\t".join([b"\\".join(parts), *fields])
        case _:  # a secondary or recomputed value
            layout = LAYOUTS[len(fields)]
            places = [place for place, field in enumerate(layout) if field.name not in CORE_FIELDS]
            for place in dice.sample(places, dice.randrange(1, 4)):
                end = b"\r" if fields[place].endswith(b"\r") else b""
                fields[place] = dice.choice(ODD_VALUES) + end
            lines[at] = b"\t".join([head, *fields])
    return name, b"\n".join(lines)


MUTATIONS: tuple[Callable[[random.Random, bytes, Sequence[Sample]], bytes], ...] = (
    _cut, _flip, _in_text, _in_field, _lines, _columns, _number, _number, _number,
)  # fmt: skip
