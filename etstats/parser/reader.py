r"""Parse a round file: bytes -> RawRound, or a ParseError with the line and the reason.

    servername \ map \ config \ round \ defender \ winner \ timelimit \ actual_time [\ duration]
    GUID8 \ name \ rounds \ team \ mask w w w w w ... <TAB>f0<TAB>f1...                 one line per player

Each weapon whose bit is set in the mask has five numbers: hits, shots, kills, deaths, headshots. The numbers after
the TABs are described in `fields.py`. A complete file ends in a newline; else it was read while it was written.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from operator import call, gt
from typing import NamedTuple

from etstats.domain.fields import CORE_FIELDS, LAYOUTS, MISSING, NUMBERS, Field, weapons_of
from etstats.domain.files import HEAD_BYTES, MAX_ROUND_BYTES
from etstats.domain.rounds import (
    ALLIES,
    AXIS,
    RATIO,
    SHARE,
    SPECTATOR,
    Fields,
    RawPlayer,
    RawRound,
    RoundName,
    UnreadableValue,
    WeaponStats,
)
from etstats.errors import ParseError
from etstats.parser.filename import parse_filename

_GUID = re.compile(r"[0-9A-F]{8}")
_BOT = "OMNIBOT"  # Omni-bot: this word and a slot number, truncated to 8 characters
_CLOCK = re.compile(r"(\d{1,5}):([0-5]\d)", re.ASCII)
_DURATION = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_LONGEST_DURATION = 10_000  # seconds; larger values are milliseconds
_DECIMAL = re.compile(r"-?\d{1,10}(\.\d{0,20})?", re.ASCII)
_SIDES = {"1": AXIS, "2": ALLIES, "3": SPECTATOR}
_INTEGER = re.compile(r"-?\d{1,10}(\.0{0,20})?", re.ASCII)  # Lua 5.3 and later write 21 as 21.0
_WHOLE = re.compile(r"(\d+)\.0+(?!\S)", re.ASCII)
_LARGEST = 10**7  # above any value of a round
_MOST_WEAPON_BITS = 64
_LONGEST_TEXT = 4000  # int() refuses more digits than these
_NO_POINTS = str.maketrans("", "", "\t.-")
_NEWEST_LAYOUT = max(LAYOUTS)
_weapon = partial(tuple.__new__, WeaponStats)  # as WeaponStats._make, in a third of the time
_MAY_BE_NEGATIVE = frozenset({"xp", "tank_meatshield"})


def parse(filename: str, content: bytes) -> RawRound:
    """Parse a complete file; raises ParseError(filename, line, reason) for content the game does not write."""
    name = parse_filename(filename)
    if name is None:
        raise ParseError(filename, 0, "not the name of a round file (YYYY-MM-DD-HHMMSS-<map>-round-<N>.txt)")
    if not content:
        raise ParseError(filename, 0, "empty file")
    if len(content) > MAX_ROUND_BYTES:
        raise ParseError(filename, 0, too_large(len(content)))
    text, had_bad_bytes = _decode(content)
    if not text.endswith("\n"):
        raise ParseError(filename, text.count("\n") + 1, "truncated: no newline at the end")
    lines = [line.removesuffix("\r") for line in text.rstrip("\r\n").split("\n")]
    header = _header(name, lines[0])
    unreadable: list[UnreadableValue] = []
    everybody = [_player(filename, number, line, unreadable) for number, line in enumerate(lines[1:], 2)]
    if not everybody:
        raise ParseError(filename, 0, "no player lines after the header")
    players = tuple(player for player in everybody if _GUID.fullmatch(player.guid))
    seen: dict[str, int] = {}
    for player in players:
        if player.guid in seen:
            raise ParseError(filename, player.line, f"GUID {player.guid} is in line {seen[player.guid]} too")
        seen[player.guid] = player.line
    others = [player for player in everybody if not _GUID.fullmatch(player.guid)]
    return RawRound(
        name=name,
        players=players,
        bots=tuple(player for player in others if player.guid.upper().startswith(_BOT)),
        anonymous=tuple(player for player in others if not player.guid.upper().startswith(_BOT)),
        unreadable=tuple(unreadable),
        extra_fields=max(0, max(line.count("\t") for line in lines[1:]) - _NEWEST_LAYOUT),
        had_bad_bytes=had_bad_bytes,
        **header._asdict(),
    )


def too_large(size: int) -> str:
    """Return the reason for a file larger than any round."""
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
    if len(parts) < 8:
        raise ParseError(name.filename, 1, f"a header has at least 8 fields, this one has {len(parts)}")
    server_name, map_name, config, round_number, defender, winner, limit, actual, *later = parts
    round_number, defender, winner = (text.removesuffix(".0") for text in (round_number, defender, winner))
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
        actual_time_seconds=_seconds(actual) or None,
        duration_seconds=_duration(later[0]) if later else None,
    )


def _clock(filename: str, what: str, text: str) -> int:
    seconds = _seconds(text)
    if seconds is None:
        raise ParseError(filename, 1, f"{what} {text[:20]!r} is not M:SS")
    return seconds


def _seconds(text: str) -> int | None:
    """Return the seconds of `M:SS`, None for anything else."""
    match = _CLOCK.fullmatch(text)
    return None if match is None else int(match[1]) * 60 + int(match[2])


def _duration(text: str) -> int | None:
    """Return the play time without pauses in seconds; a fraction or a small number is seconds, a large one is ms.

    None for zero, a negative number (written when the map is changed during the round) or text.
    """
    if _DURATION.fullmatch(text) is None:
        return None
    value = float(text)
    seconds = round(value if value <= _LONGEST_DURATION else value / 1000)
    return seconds if 0 < seconds <= _LARGEST else None


def _player(filename: str, number: int, line: str, unreadable: list[UnreadableValue]) -> RawPlayer:
    head, tab, tail = line.partition("\t")
    parts = head.split("\\")
    if len(parts) != 5 or not tab:
        raise ParseError(filename, number, "not a player line: GUID\\name\\rounds\\team\\weapons, a TAB, numbers")
    guid, name, rounds, team, weapons = parts
    earlier = _INTEGER.fullmatch(rounds)
    make_unreadable = partial(UnreadableValue, guid, name, number)
    rounds_before = int(float(rounds)) if earlier and 0 <= float(rounds) <= _LARGEST else None
    if rounds_before is None:
        unreadable.append(make_unreadable("rounds", rounds[:40]))
    side = _SIDES.get(team.removesuffix(".0"))
    if side is None:
        unreadable.append(make_unreadable("team", team[:40]))
    return RawPlayer(
        line=number,
        guid=guid,
        name=name,
        rounds=rounds_before,
        team=SPECTATOR if side is None else side,
        weapons=_weapons(filename, number, weapons),
        fields=_fields(filename, number, tail, make_unreadable, unreadable),
    )


def _weapons(filename: str, number: int, text: str) -> tuple[WeaponStats, ...]:
    if "." in text:
        text = _WHOLE.sub(r"\1", text[: _LONGEST_TEXT + 1])
    # int() accepts more than the game writes: underscores, signs, digits of other scripts.
    if not (text.isascii() and text.replace(" ", "").isdigit()) or len(text) > _LONGEST_TEXT:
        raise ParseError(filename, number, f"weapon numbers {text[:40]!r} are not numbers")
    mask, *counts = map(int, text.split())
    if mask.bit_length() > _MOST_WEAPON_BITS:
        raise ParseError(filename, number, f"weapon mask {mask} has more than {_MOST_WEAPON_BITS} bits")
    names = weapons_of(mask)
    if len(counts) != 5 * len(names):
        raise ParseError(
            filename, number, f"weapon mask {mask} requires {5 * len(names)} numbers, the line has {len(counts)}"
        )
    hits, headshots = counts[0::5], counts[4::5]
    if sum(counts) > _LARGEST:
        raise ParseError(filename, number, f"weapon numbers add up to {sum(counts)}; expected at most {_LARGEST}")
    if any(map(gt, headshots, hits)):
        worst = next(name for name, hit, head in zip(names, hits, headshots, strict=True) if head > hit)
        raise ParseError(filename, number, f"more headshots than hits with {worst}")
    return tuple(map(_weapon, zip(names, hits, counts[1::5], counts[2::5], counts[3::5], headshots, strict=True)))


def _fields(
    filename: str,
    number: int,
    text: str,
    make_unreadable: Callable[[str, str], UnreadableValue],
    unreadable: list[UnreadableValue],
) -> Fields:
    texts = text.split("\t")
    count = min(len(texts), _NEWEST_LAYOUT)
    layout = LAYOUTS.get(count)
    if layout is None:
        known = ", ".join(map(str, LAYOUTS))
        raise ParseError(filename, number, f"{len(texts)} fields; expected one of {known}")
    values: list[float | None] | None = None
    # Fast path for the usual line: no negative value, every text is a plain number.
    if len(texts) == count and "-" not in text and text.isascii() and text.translate(_NO_POINTS).isdigit():
        with suppress(ValueError):
            numbers = list(map(call, NUMBERS[count], texts))
            values = [*numbers] if max(numbers) <= _LARGEST else None
    if values is None:
        values = []
        for field, value in zip(layout, texts[:count], strict=True):
            read = _value(field, value)
            if read is None and field.name in CORE_FIELDS:
                raise ParseError(filename, number, f"{field.name} {value[:20]!r}; expected 0 to {_LARGEST}")
            if read is None and field.behaviour not in (RATIO, SHARE) and field.name != "bullets_fired":
                unreadable.append(make_unreadable(field.name, value[:40]))
            values.append(read)
    for place in MISSING[count]:
        values.insert(place, None)
    return Fields._make(values)


def _value(field: Field, text: str) -> float | None:
    """Return a field's number; None if a round cannot reach it."""
    pattern = _INTEGER if field.number is int else _DECIMAL
    if pattern.fullmatch(text) is None:
        return None
    value = field.number(float(text))
    lowest = -_LARGEST if field.name in _MAY_BE_NEGATIVE else 0
    return value if lowest <= value <= _LARGEST else None
