"""Feed the parser what no game server ever wrote, by the million.

    python -m benchmarks.fuzz                                   200,000 mutants of generated files
    python -m benchmarks.fuzz --count 2000000 --seed 7 --real ~/gamestats
    python -m benchmarks.fuzz --guided 600                      then 600 s guided by coverage (pip install atheris)
    python -m benchmarks.fuzz --count 5000000 --guided 3600 --keep          written into docs/benchmarks.md

A mutant is read, or refused with a ParseError that names line and reason; what is read can be derived, alone and
against a round 1, and keeps every promise that the database's constraints make. Anything else is printed with what
it takes to see it again, and ends with exit code 1.
"""

import argparse
import base64
import random
import re
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.measuring import machine
from benchmarks.page import MUTANTS as TITLE
from benchmarks.page import keep, section
from etstats.demo.generator import generate
from etstats.domain.rounds import RawRound
from etstats.errors import ParseError
from etstats.parser.filename import parse_filename
from etstats.parser.names import clean_name, colour_runs
from etstats.parser.reader import parse
from etstats.parser.rounds import derive

Sample = tuple[str, bytes]

LARGEST = 2**31 - 1
_DIGITS = re.compile(rb"\d+")
# What is likely to be taken for something else by whoever handles it next.
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
        for file in generate(layout, start=start, files=count // 4, layout=layout, players=4)
    ]


def mutant(dice: random.Random, pool: Sequence[Sample]) -> Sample:
    """A file of the pool with one to four things done to it, seldom to its name too."""
    name, content = dice.choice(pool)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 4))):
        content = dice.choice(MUTATIONS)(dice, content, pool)
    if dice.random() < 0.05:
        name = _in_text(dice, name.encode(), pool).decode(errors="replace")
    return name, content


def check(name: str, content: bytes, first: RawRound | None = None) -> RawRound | None:
    """Read a file, and derive what was read; None when it was refused in good order. AssertionError: a fault."""
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
    """AssertionError when what is derived could not be stored, or says what cannot be."""
    derived = derive(raw, round1)
    assert len({p.player_guid for p in derived.players}) == len(derived.players)
    for player in derived.players:
        numbers = [getattr(player, name) for name in player._fields]
        counts = [n for n in numbers if isinstance(n, int | float)]
        assert all(abs(n) <= LARGEST for n in counts)
        assert all(
            getattr(player, name) is None or getattr(player, name) >= 0
            for name in player._fields
            if name not in ("xp", "tank_meatshield") and isinstance(getattr(player, name), int | float)
        ), player
        assert player.time_played_percent is None or 0 <= player.time_played_percent <= 100
        assert player.bullets_fired >= player.shots
        assert player.kills == sum(w.kills for w in player.weapons)
        assert all(0 <= w.headshots <= w.hits and min(w[1:]) >= 0 and max(w[1:]) > 0 for w in player.weapons)
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
    """One value between separators becomes another."""
    separator = dice.choice((b"\t", b" ", b"\\"))
    parts = content.split(separator)
    value = dice.choice(
        (*HOSTILE, b"", b"0", b"1", b"-1", b"100000", b"2147483647", b"0.1", b"35791394.0", b"101.0")
    )
    parts[dice.randrange(len(parts))] = value
    return separator.join(parts)


def _lines(dice: random.Random, content: bytes, pool: Sequence[Sample]) -> bytes:
    """A line is lost, doubled, swapped, or comes from another file."""
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
    """A separator too many, or one too few."""
    separator = dice.choice((b"\t", b" ", b"\\", b"\r\n", b"\n"))
    parts = content.split(separator)
    at = dice.randrange(len(parts))
    parts[at : at + 1] = [parts[at][: len(parts[at]) // 2], parts[at][len(parts[at]) // 2 :]]
    if dice.random() < 0.5 and len(parts) > 2:
        del parts[dice.randrange(len(parts))]
    return separator.join(parts)


def _number(dice: random.Random, content: bytes, _: Sequence[Sample]) -> bytes:
    """One number becomes another that could be one."""
    found = list(_DIGITS.finditer(content))
    if not found:
        return content
    match = dice.choice(found)
    value = dice.choice((0, 1, dice.randrange(100), dice.randrange(10_000), dice.randrange(LARGEST)))
    return content[: match.start()] + str(value).encode() + content[match.end() :]


MUTATIONS: tuple[Callable[[random.Random, bytes, Sequence[Sample]], bytes], ...] = (
    _cut, _flip, _in_text, _in_field, _lines, _columns, _number, _number, _number,
)  # fmt: skip


def run(count: int, seed: int, pool: Sequence[Sample]) -> Counter[str]:
    """Try that many mutants; counts what was read and refused. The first fault is raised as it came."""
    outcome: Counter[str] = Counter()
    firsts: dict[str, RawRound] = {}
    for number in range(seed, seed + count):
        dice = random.Random(number)
        name, content = mutant(dice, pool)
        try:
            raw = check(name, content, dice.choice([*firsts.values()]) if firsts else None)
        except Exception:
            print(f"seed {number}: {name!r} {base64.b64encode(content).decode()}", file=sys.stderr)
            raise
        outcome["read" if raw else "refused"] += 1
        if raw is not None and raw.name.round_number == 1 and len(firsts) < 50:
            firsts[name] = raw
    return outcome


def guided(seconds: int) -> str:
    """Let atheris look for ways into the parser, in a process of its own; returns what it came to.

    RuntimeError: a fault was found, or atheris is not there; what was said is on stderr.
    """
    command = [sys.executable, "-m", "benchmarks.guided", str(seconds)]
    said: deque[str] = deque(maxlen=200)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
    runs = re.search(r"Done (\d+) runs in (\d+) second", "".join(said))
    if process.returncode or not runs:
        sys.stderr.writelines(said)
        raise RuntimeError(f"the guided search ended with {process.returncode}")
    reached = re.findall(r"cov: (\d+)", "".join(said))[-1]
    count, took = int(runs[1]), int(runs[2])
    rate = f"{count / took:,.0f} a second"
    return f"{count:,} inputs guided by coverage, {reached} edges of the parser reached: no fault; {rate}"


def main(arguments: list[str]) -> None:
    """Fuzz as asked."""
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200_000, help="how many mutants; 0: none")
    parser.add_argument("--seed", type=int, default=0, help="of the first one; each next one has the next")
    parser.add_argument("--real", type=Path, help="a folder of real files to mutate as well")
    parser.add_argument(
        "--guided", type=int, metavar="SECONDS", help="then guided by coverage (pip install atheris)"
    )
    parser.add_argument("--keep", action="store_true", help="write what came out into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    pool = samples()
    if given.real:
        pool += [(path.name, path.read_bytes()) for path in sorted(given.real.glob("*-round-?.txt"))]
    before, told = machine(), []
    if given.count:
        began = time.monotonic()
        outcome = run(given.count, given.seed, pool)
        took = time.monotonic() - began
        counts = f"{outcome['read']:,} read, {outcome['refused']:,} refused"
        told.append(
            f"{given.count:,} mutants of {len(pool)} files: {counts}, no fault; {given.count / took:,.0f} a second"
        )
    if given.guided:
        told.append(guided(given.guided))
    body = section("\n".join(f"- {line}" for line in told), before)
    print(f"## {TITLE}\n\n{body}")
    if given.keep:
        keep(TITLE, body)


if __name__ == "__main__":
    main(sys.argv[1:])
