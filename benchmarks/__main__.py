"""Measure, and write the results into docs/benchmarks.md.

python -m benchmarks                      all parts; medians of several runs
python -m benchmarks importing            one part; the other sections are kept
python -m benchmarks --quick              one run on small databases; the page is not changed
python -m benchmarks scale league --largest 400000
python -m benchmarks league --largest 400000 --keep /var/tmp/league     its databases are kept and used again
python -m benchmarks importing --baseline v1.0     compared with the import of another revision
"""

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks.measuring import machine
from benchmarks.page import PARTS, keep, section


def main(arguments: list[str]) -> None:
    """Run the requested parts."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; default: all")
    parser.add_argument("--quick", action="store_true", help="one run on small databases; the page is not changed")
    parser.add_argument("--runs", type=int, default=5, help="measure the median of this many runs")
    parser.add_argument(
        "--largest", type=int, default=40_000, help="files in the largest database of `scale` and `league`"
    )
    parser.add_argument("--keep", type=Path, help="a folder in which the databases of `league` are kept")
    parser.add_argument("--baseline", help="a revision of git whose import `importing` compares with this one's")
    given = parser.parse_args(arguments)
    runs = 1 if given.quick else given.runs
    for name in given.parts or PARTS:
        before = machine()
        smallest = {"scale": 8_000, "league": 3_700}
        options: dict[str, object] = {}
        if name in smallest:
            options["largest"] = smallest[name] if given.quick else given.largest
        if name == "league":
            options["keep"] = given.keep and given.keep.resolve()
        if name == "importing":
            options["baseline"] = given.baseline
        text = importlib.import_module(f"benchmarks.{name}").run(runs, **options)
        body = section(text, before)
        print(f"## {PARTS[name]}\n\n{body}", flush=True)
        if not given.quick:
            keep(PARTS[name], body)


if __name__ == "__main__":
    main(sys.argv[1:])
