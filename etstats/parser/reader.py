r"""A round file's bytes -> RawRound, or a ParseError that names the line and the reason.

    servername \ map \ config \ round \ defender \ winner \ timelimit \ actual_time [\ duration]
    GUID8 \ name \ rounds \ team \ mask w w w w w ... <TAB>f0<TAB>f1...                 one line a player

Five numbers a weapon whose bit is set in the mask: hits, shots, kills, deaths, headshots. The numbers behind
the TABs are `fields.py`. A whole file ends in a newline: one that does not was read while it was written.
"""

import re
from operator import gt
from typing import NamedTuple

from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.domain.rounds import Fields, RawPlayer, RawRound, RoundName, WeaponStats
from etstats.errors import ParseError
from etstats.parser.fields import LAYOUTS, MISSING, NUMBERS, WEAPONS, Field, weapons_of
from etstats.parser.filename import parse_filename

_GUID = re.compile(r"[0-9A-F]{8}")
_CLOCK = re.compile(r"(\d{1,5}):([0-5]\d)", re.ASCII)
_DURATION = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,10}(\.\d{1,6})?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,10}", re.ASCII)
_LARGEST = 2**31 - 1
_LONGEST_TEXT = 4000  # int() refuses more digits than these
_NO_POINTS = str.maketrans("", "", "\t.-")
_LONGEST_MINUTES = _LARGEST // 60


def parse(filename: str, content: bytes) -> RawRound:
    """Read one whole file; raises ParseError(filename, line, reason) for anything the game does not write."""
    name = parse_filename(filename)
    if name is None:
        raise ParseError(filename, 0, "not the name of a round file (YYYY-MM-DD-HHMMSS-<map>-round-<N>.txt)")
    if not content:
        raise ParseError(filename, 0, "empty file")
    if len(content) > MAX_ROUND_BYTES:
        raise ParseError(filename, 0, too_large(len(content)))
    text, had_bad_bytes = _decode(content)
    if not text.endswith("\n"):
        raise ParseError(filename, text.count("\n") + 1, "cut: the last line has no end")
    lines = [line.removesuffix("\r") for line in text.rstrip("\r\n").split("\n")]
    header = _header(name, lines[0])
    players = tuple(_player(filename, number, line) for number, line in enumerate(lines[1:], 2))
    if not players:
        raise ParseError(filename, 0, "a header and no player")
    seen: dict[str, int] = {}
    for player in players:
        if player.guid in seen:
            raise ParseError(filename, player.line, f"GUID {player.guid} is in line {seen[player.guid]} too")
        seen[player.guid] = player.line
    return RawRound(name=name, players=players, had_bad_bytes=had_bad_bytes, **header._asdict())


def too_large(size: int) -> str:
    """Say that a file is larger than any round, and what is kept of it."""
    return f"{size:,} bytes, a round has at most {MAX_ROUND_BYTES:,}; only the first {HEAD_BYTES:,} are kept"


def _decode(content: bytes) -> tuple[str, bool]:
    try:
        text = content.decode()
        bad = False
    except UnicodeDecodeError:
        text = content.decode(errors="replace")
        bad = True
    if "\0" in text:  # PostgreSQL's text cannot hold it
        return text.replace("\0", "\ufffd"), True
    return text, bad


class _Header(NamedTuple):
    server_name: str
    config: str
    defender_team: int
    winner_team: int
    time_limit_seconds: int
    actual_time_seconds: int | None
    duration_seconds: int | None


def _header(name: RoundName, line: str) -> _Header:
    parts = line.split("\\")
    if len(parts) not in (8, 9):
        raise ParseError(name.filename, 1, f"a header has 8 or 9 fields, this one has {len(parts)}")
    server_name, map_name, config, round_number, defender, winner, limit, actual, *duration = parts
    if map_name != name.map_name:
        raise ParseError(name.filename, 1, f"the header says map {map_name[:80]!r}, the file name {name.map_name}")
    if round_number != str(name.round_number):
        raise ParseError(
            name.filename, 1, f"the header says round {round_number[:20]!r}, the file name {name.round_number}"
        )
    if defender not in ("1", "2"):
        raise ParseError(name.filename, 1, f"defender team {defender[:20]!r} is neither 1 nor 2")
    if winner not in ("0", "1", "2"):
        raise ParseError(name.filename, 1, f"winner team {winner[:20]!r} is not 0, 1 or 2")
    return _Header(
        server_name=server_name,
        config=config,
        defender_team=int(defender),
        winner_team=int(winner),
        time_limit_seconds=_clock(name.filename, "time limit", limit),
        actual_time_seconds=_clock(name.filename, "actual time", actual) or None,
        duration_seconds=_duration(name.filename, duration[0]) if duration else None,
    )


def _clock(filename: str, what: str, text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ParseError(filename, 1, f"{what} {text[:20]!r} is not M:SS")
    return int(match[1]) * 60 + int(match[2])


def _duration(filename: str, text: str) -> int:
    if _DURATION.fullmatch(text) is None:
        raise ParseError(filename, 1, f"duration {text[:20]!r} is not a number")
    # Milliseconds; one early version of the script wrote seconds with a fraction.
    return round(float(text) if "." in text else int(text) / 1000)


def _player(filename: str, number: int, line: str) -> RawPlayer:
    head, tab, tail = line.partition("\t")
    parts = head.split("\\")
    if len(parts) != 5 or not tab:
        raise ParseError(filename, number, "not a player line: GUID\\name\\rounds\\team\\weapons, a TAB, numbers")
    guid, name, rounds, team, weapons = parts
    if _GUID.fullmatch(guid) is None:
        raise ParseError(filename, number, f"GUID {guid[:20]!r} is not 8 upper-case hex digits")
    if not (rounds.isascii() and rounds.isdigit() and len(rounds) <= 9):
        raise ParseError(filename, number, f"rounds {rounds[:20]!r} is not a number")
    if team not in ("1", "2", "3"):
        raise ParseError(filename, number, f"team {team[:20]!r} is not 1, 2 or 3")
    return RawPlayer(
        line=number,
        guid=guid,
        name=name,
        rounds=int(rounds),
        team=int(team),
        weapons=_weapons(filename, number, weapons),
        fields=_fields(filename, number, tail),
    )


def _weapons(filename: str, number: int, text: str) -> tuple[WeaponStats, ...]:
    # int() takes more than the game writes: underscores, signs, other scripts' digits.
    if not (text.isascii() and text.replace(" ", "").isdigit()) or len(text) > _LONGEST_TEXT:
        raise ParseError(filename, number, f"weapon numbers {text[:40]!r} are not numbers")
    mask, *counts = map(int, text.split())
    if mask >> len(WEAPONS):
        raise ParseError(filename, number, f"weapon mask {mask} has bits past the last weapon")
    names = weapons_of(mask)
    if len(counts) != 5 * len(names):
        raise ParseError(
            filename, number, f"weapon mask {mask} asks for {5 * len(names)} numbers, the line has {len(counts)}"
        )
    hits, headshots = counts[0::5], counts[4::5]
    if sum(counts) > _LARGEST:  # the base holds sums of them
        raise ParseError(filename, number, f"weapon numbers add up to {sum(counts)}: too large to be true")
    if any(map(gt, headshots, hits)):
        worst = next(w for w, hit, head in zip(names, hits, headshots, strict=True) if head > hit)
        raise ParseError(filename, number, f"more headshots than hits with {worst}")
    return tuple(map(WeaponStats, names, hits, counts[1::5], counts[2::5], counts[3::5], headshots))


def _fields(filename: str, number: int, text: str) -> Fields:
    texts = text.split("\t")
    layout = LAYOUTS.get(len(texts))
    if layout is None:
        known = ", ".join(map(str, LAYOUTS))
        raise ParseError(filename, number, f"{len(texts)} fields; a whole line has one of {known}")
    # What is left for float() to take beyond the pattern, such as "5.", is a number all the same.
    if not (text.isascii() and text.translate(_NO_POINTS).isdigit()) or len(text) > _LONGEST_TEXT:
        raise _bad_field(filename, number, layout, texts)
    try:
        numbers = [number_of(t) for number_of, t in zip(NUMBERS[len(texts)], texts, strict=True)]
    except ValueError:
        raise _bad_field(filename, number, layout, texts) from None
    if "-" in text or max(numbers) > _LONGEST_MINUTES:
        _check_range(filename, number, layout, numbers)
    values: list[float | None] = [*numbers]
    for place in MISSING[len(texts)]:
        values.insert(place, None)
    return Fields._make(values)


def _bad_field(filename: str, number: int, layout: tuple[Field, ...], texts: list[str]) -> ParseError:
    for place, (field, text) in enumerate(zip(layout, texts, strict=True)):
        pattern = _INTEGER if field.number is int else _DECIMAL
        if pattern.fullmatch(text) is None:
            kind = "a whole number" if field.number is int else "a number"
            return ParseError(filename, number, f"field {place} ({field.name}) {text[:20]!r} is not {kind}")
    return ParseError(filename, number, "a field is not a number")


def _check_range(filename: str, number: int, layout: tuple[Field, ...], values: list[float]) -> None:
    for place, (field, value) in enumerate(zip(layout, values, strict=True)):
        low = -_LARGEST if field.name in ("xp", "tank_meatshield") else 0
        high = _LONGEST_MINUTES if field.unit == "min" else _LARGEST
        if not low <= value <= high:
            raise ParseError(filename, number, f"field {place} ({field.name}) {value} is out of range")
