"""A table with all kinds of columns, and hostile text."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from etstats.output import Table, clock, day, decimal, name, share, text, when, whole

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07gone",
    "\x9b31m\x90",
    "[bold red]markup[/] [/nothing]",
    "[link=https://evil.example]here[/link]",
    ":smile:",
    "\u202egnihtemos\u2066\u061c",
    "zero\u200bwidth\ufeff\u2060",
    "tag\U000e0041\ufff9",
    "half\ud800",
    "a\rb\nc\td",
    "\u2028line\u2029",
)
UNSEEN = frozenset("\x1b\x07\x9b\x90\u202e\u2066\u061c\u200b\ufeff\u2060\U000e0041\ufff9\ud800\r\t\u2028\u2029")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A player on a map."""

    player_name: str = "^1Ann"
    map: str | None = "supply"
    kills: int = 1234
    kd: Decimal = Decimal("2.50")
    played: float = 754.0
    hits: float | None = 0.3333333
    began_at: datetime = datetime(2025, 10, 2, 21, 30, tzinfo=UTC)
    last_on: date = date(2025, 10, 2)


COLUMNS = (
    name(),
    text("map", "Map"),
    whole("kills", "Kills"),
    decimal("kd", "K/D", 2),
    clock("played", "Time"),
    share("hits", "Acc"),
    when("began_at", "Began"),
    day("last_on", "On"),
)


def table(*rows: Line, title: str = "Players", empty: str = "Nobody yet.", notes: tuple[str, ...] = ()) -> Table:
    """Return a table of these rows with common columns."""
    return Table(title=title, columns=COLUMNS, rows=rows, empty=empty, notes=notes)
