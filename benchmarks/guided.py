"""Coverage-guided fuzzing: atheris explores the parser with the mutations of `benchmarks.fuzz`.

    pip install atheris; python -m benchmarks.fuzz --guided 600

Runs for that many seconds and ends the process by itself. A fault ends it with a traceback; its input is kept
in /tmp.
"""

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["etstats.parser", "etstats.domain.rounds"]):
    from etstats.domain.rounds import RawRound
    from etstats.parser.reader import parse
    from tests.support import mutants


def fuzz(seconds: int) -> None:
    """Run atheris; does not return."""
    pool = mutants.samples()
    firsts = {name: parse(name, content) for name, content in pool if "-round-1" in name}

    def one(data: bytes) -> None:
        # The first byte selects the name of the file and the round 1 that a round 2 follows.
        which = data[0] if data else 0
        first: RawRound = list(firsts.values())[which % len(firsts)]
        mutants.check(pool[which % len(pool)][0], data[1:], first)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        dice = random.Random(seed)
        if not data or dice.random() < 0.3:
            return bytes(atheris.Mutate(data, most))
        return (data[:1] + dice.choice(mutants.MUTATIONS)(dice, data[1:], pool))[:most]

    with tempfile.TemporaryDirectory(prefix="etstats-fuzz-") as corpus:
        for number, (_, content) in enumerate(pool):
            Path(corpus, str(number)).write_bytes(bytes([number]) + content)
        options = [
            f"-max_total_time={seconds}",
            "-max_len=16384",
            "-print_final_stats=1",
            f"-artifact_prefix={corpus}-",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    fuzz(int(sys.argv[1]))
