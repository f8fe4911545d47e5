"""Write docs/benchmarks.md: one section per part; writing a section keeps the others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PARTS = {
    "importing": "Import and rebuild",
    "sync": "Fetching from the game server",
    "nothing_new": "Poll without new files",
    "posting": "Delay from round to post",
    "messages": "Posts",
    "reading": "Reading",
    "rating": "Ratings",
    "site": "The site",
    "scale": "Scaling",
    "league": "A league",
}
"""The parts of `make bench`: module -> title."""

TITLES: Sequence[str] = (
    *PARTS.values(),
    "Kills at random times",
    "Kills at chosen times",
    "Attacks",
    "Fuzzing",
)
KILLS, MOMENTS, ATTACKS, MUTANTS = TITLES[-4:]

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

`make bench`, `make chaos`, `make attack` and `make fuzz` write this page. Times are of whole processes from start
to end unless noted. They depend on the machine; the ratios matter more than the seconds.
"""


def section(text: str, machine: str) -> str:
    """Return the text of a section: results, date and machine."""
    return f"{text.strip()}\n\n{datetime.now(UTC):%Y-%m-%d}, {machine}.\n"


def keep(title: str, body: str) -> None:
    """Write one section of the page."""
    kept = {**_sections(), title: body}
    text = "".join(f"\n## {known}\n\n{kept[known]}" for known in TITLES if known in kept)
    PAGE.write_text(HEAD + text, encoding="utf-8")


def kept_rows(title: str) -> dict[str, list[str]]:
    """Return the rows of a section's table: first cell -> other cells."""
    lines = [line for line in _sections().get(title, "").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {first: rest for first, *rest in cells}


def _sections() -> dict[str, str]:
    if not PAGE.exists():
        return {}
    parts = [part.partition("\n") for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]]
    return {title: body.strip() + "\n" for title, _, body in parts}
