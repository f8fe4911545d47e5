"""Feed the parser millions of mutated files.

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
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import machine
from benchmarks.page import MUTANTS as TITLE
from benchmarks.page import keep, section
from etstats.domain.rounds import RawRound
from tests.support.mutants import Sample, check, harmless, mutant, samples


def run(count: int, seed: int, pool: Sequence[Sample]) -> Counter[str]:
    """Parse this many mutants; count the accepted and rejected ones. The first fault is raised."""
    outcome: Counter[str] = Counter()
    firsts: dict[str, RawRound] = {}
    for number in range(seed, seed + count):
        dice = random.Random(number)
        is_harmless = number % 4 == 0
        name, content = harmless(dice, pool) if is_harmless else mutant(dice, pool)
        try:
            raw = check(name, content, dice.choice([*firsts.values()]) if firsts else None)
            assert raw is not None or not is_harmless, "an odd value refused the file"
        except Exception:
            print(f"seed {number}: {name!r} {base64.b64encode(content).decode()}", file=sys.stderr)
            raise
        outcome["read" if raw else "refused"] += 1
        if raw is not None and raw.name.round_number == 1 and len(firsts) < 50:
            firsts[name] = raw
    return outcome


def guided(seconds: int) -> str:
    """Let atheris search for faults of the parser, in a separate process; return its result.

    Raises RuntimeError if a fault was found or atheris is not installed; its output is on stderr.
    """
    command = [sys.executable, "-m", "benchmarks.guided", str(seconds)]
    output: deque[str] = deque(maxlen=200)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            output.append(line)
    runs = re.search(r"Done (\d+) runs in (\d+) second", "".join(output))
    if process.returncode or not runs:
        sys.stderr.writelines(output)
        raise RuntimeError(f"the guided search ended with {process.returncode}")
    reached = re.findall(r"cov: (\d+)", "".join(output))[-1]
    count, took = int(runs[1]), int(runs[2])
    rate = f"{count / took:,.0f} a second"
    return f"{count:,} inputs guided by coverage, {reached} edges of the parser reached: no fault; {rate}"


def main(arguments: list[str]) -> None:
    """Run the requested searches."""
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=200_000, help="number of mutants; 0: none")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first mutant; each next one has the next")
    parser.add_argument("--real", type=Path, help="a folder of real files to mutate as well")
    parser.add_argument(
        "--guided", type=int, metavar="SECONDS", help="then search guided by coverage (pip install atheris)"
    )
    parser.add_argument("--keep", action="store_true", help="write the result into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    pool = samples()
    if given.real:
        pool += [(path.name, path.read_bytes()) for path in sorted(given.real.glob("*-round-?.txt"))]
    before, lines = machine(), []
    if given.count:
        began = time.monotonic()
        outcome = run(given.count, given.seed, pool)
        took = time.monotonic() - began
        counts = f"{outcome['read']:,} read, {outcome['refused']:,} refused"
        lines.append(
            f"{given.count:,} mutants of {len(pool)} files: {counts}, no fault; {given.count / took:,.0f} a second"
        )
    if given.guided:
        lines.append(guided(given.guided))
    body = section("\n".join(f"- {line}" for line in lines), before)
    print(f"## {TITLE}\n\n{body}")
    if given.keep:
        keep(TITLE, body)


if __name__ == "__main__":
    main(sys.argv[1:])
