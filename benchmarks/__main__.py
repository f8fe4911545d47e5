"""Measure, and keep what came out in docs/benchmarks.md.

python -m benchmarks                      all parts, each the median of several runs
python -m benchmarks importing            one part; the others stay as they were
python -m benchmarks --quick              once and small, shown and not kept
python -m benchmarks scale --largest 400000
"""

import argparse
import importlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measuring import machine

PARTS = {
    "importing": "Importing and deriving again",
    "sync": "Fetching from the game server",
    "nothing_new": "A minute in which nobody played",
    "posting": "From the round to the post",
    "reading": "Reading",
    "scale": "Growing",
}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """\
# Measured

Every number here was written by `make bench`, and anyone can write it again; times are whole processes from start
to end unless something else is said. Machines differ: the ratios matter more than the seconds.
"""


def main(arguments: list[str]) -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all when none is named")
    parser.add_argument("--quick", action="store_true", help="once and small; nothing is kept")
    parser.add_argument("--runs", type=int, default=5, help="of how many runs the median is taken")
    parser.add_argument("--largest", type=int, default=40_000, help="files in the largest base of `scale`")
    given = parser.parse_args(arguments)
    runs = 1 if given.quick else given.runs
    for name in given.parts or PARTS:
        before = machine()
        options = {"largest": 8_000 if given.quick else given.largest} if name == "scale" else {}
        text = importlib.import_module(f"benchmarks.{name}").run(runs, **options)
        section = f"{text.strip()}\n\n{datetime.now(UTC):%Y-%m-%d}, {before}.\n"
        sys.stdout.write(f"## {PARTS[name]}\n\n{section}\n")
        sys.stdout.flush()
        if not given.quick:
            keep(name, section)


def keep(name: str, section: str) -> None:
    """Put one part's section in its place on the page."""
    sections = {}
    if PAGE.exists():
        for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
            title, _, body = part.partition("\n")
            sections[title] = body.strip() + "\n"
    sections[PARTS[name]] = section
    body = "".join(f"\n## {title}\n\n{sections[title]}" for title in PARTS.values() if title in sections)
    PAGE.write_text(HEAD + body, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
