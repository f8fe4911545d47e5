"""The page of what was measured: each part has a section, and writing one leaves the others as they were."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PARTS = {
    "importing": "Importing and deriving again",
    "sync": "Fetching from the game server",
    "nothing_new": "A minute in which nobody played",
    "posting": "From the round to the post",
    "reading": "Reading",
    "site": "The site",
    "scale": "Growing",
}
"""What `make bench` measures: module -> title."""

TITLES: Sequence[str] = (*PARTS.values(), "Killed at random moments", "Files that no game server wrote")
STORMS, MUTANTS = TITLES[-2:]

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """\
# Measured

Every number here was written by `make bench`, `make chaos` or `make fuzz`, and anyone can write it again; times
are whole processes from start to end unless something else is said. Machines differ: the ratios matter more than
the seconds.
"""


def section(text: str, machine: str) -> str:
    """A section's body: what came out, and when and where."""
    return f"{text.strip()}\n\n{datetime.now(UTC):%Y-%m-%d}, {machine}.\n"


def keep(title: str, body: str) -> None:
    """Put one section in its place on the page."""
    kept = {**_sections(), title: body}
    text = "".join(f"\n## {known}\n\n{kept[known]}" for known in TITLES if known in kept)
    PAGE.write_text(HEAD + text, encoding="utf-8")


def kept_rows(title: str) -> dict[str, list[str]]:
    """The rows of a section's table: first cell -> the others."""
    lines = [line for line in _sections().get(title, "").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {first: rest for first, *rest in cells}


def _sections() -> dict[str, str]:
    if not PAGE.exists():
        return {}
    parts = [part.partition("\n") for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]]
    return {title: body.strip() + "\n" for title, _, body in parts}
