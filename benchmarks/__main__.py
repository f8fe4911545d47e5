"""Measure, and write the results into docs/benchmarks.md.

python -m benchmarks                      all parts, each the median of several runs
python -m benchmarks importing            one part; the others stay as they were
python -m benchmarks --quick              once and small, shown and not kept
python -m benchmarks scale league --largest 400000
python -m benchmarks importing --baseline v1.0     next to the import of another revision
"""

import argparse
import importlib
import sys

from benchmarks.measuring import machine
from benchmarks.page import PARTS, keep, section


def main(arguments: list[str]) -> None:
    """Run the requested parts."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all when none is named")
    parser.add_argument("--quick", action="store_true", help="once and small; nothing is kept")
    parser.add_argument("--runs", type=int, default=5, help="of how many runs the median is taken")
    parser.add_argument(
        "--largest", type=int, default=40_000, help="files in the largest base of `scale` and `league`"
    )
    parser.add_argument("--baseline", help="a revision of git whose import `importing` compares with this one's")
    given = parser.parse_args(arguments)
    runs = 1 if given.quick else given.runs
    for name in given.parts or PARTS:
        before = machine()
        smallest = {"scale": 8_000, "league": 3_700}
        options: dict[str, object] = {}
        if name in smallest:
            options["largest"] = smallest[name] if given.quick else given.largest
        if name == "importing":
            options["baseline"] = given.baseline
        text = importlib.import_module(f"benchmarks.{name}").run(runs, **options)
        body = section(text, before)
        print(f"## {PARTS[name]}\n\n{body}", flush=True)
        if not given.quick:
            keep(PARTS[name], body)


if __name__ == "__main__":
    main(sys.argv[1:])
