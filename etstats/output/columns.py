"""The kinds of columns, and how each writes its values for people."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from etstats.output.sanitize import printable
from etstats.parser.names import clean_name

NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: the row's attribute, its heading with unit, and how its values are written for people.

    `is_name`: the value is a raw player name and is drawn in its in-game colours.
    """

    key: str
    heading: str
    text: Callable[[Any], str] = str
    justify: Literal["left", "right"] = "left"
    is_name: bool = False
    shrinks: bool = False
    """Long text may be shortened in a narrow terminal; numbers never are."""

    def cell(self, value: object) -> str:
        """A value as people read it, in one line and printable; a dash for none."""
        if value is None:
            return NOTHING
        return clean_name(str(value)) if self.is_name else printable(self.text(value))


def name(key: str = "player_name", heading: str = "Player") -> Column:
    """A column of player names in their colours."""
    return Column(key=key, heading=heading, is_name=True, shrinks=True)


def text(key: str, heading: str) -> Column:
    """A column of plain text."""
    return Column(key=key, heading=heading, shrinks=True)


def whole(key: str, heading: str) -> Column:
    """A column of whole numbers, grouped by thousands."""
    return Column(key=key, heading=heading, text=lambda n: f"{n:,.0f}", justify="right")


def decimal(key: str, heading: str, places: int = 1) -> Column:
    """A column of numbers with a fixed number of decimals."""
    return Column(key=key, heading=heading, text=lambda n: f"{n:,.{places}f}", justify="right")


def clock(key: str, heading: str) -> Column:
    """A column of seconds, written M:SS."""
    return Column(key=key, heading=heading, text=minutes_seconds, justify="right")


def when(key: str, heading: str) -> Column:
    """A column of days or moments."""
    return Column(key=key, heading=heading, text=moment)


def day(key: str, heading: str) -> Column:
    """A column of moments of which only the day matters."""
    return Column(key=key, heading=heading, text=lambda value: f"{value:%Y-%m-%d}")


def share(key: str, heading: str) -> Column:
    """A column of shares from 0 to 1, written in per cent."""
    return Column(key=key, heading=heading, text=lambda n: f"{100 * n:.0f} %", justify="right")


def minutes_seconds(seconds: float) -> str:
    """`M:SS`, or `H:MM:SS` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def moment(value: date | datetime) -> str:
    """A day, or a moment to the minute in the zone that it carries."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"


def sparkline(values: Iterable[float], average: float) -> str:
    """A bar for each value, half as high as it can be where the value is the average, full at twice that."""
    bars = "▁▂▃▄▅▆▇█"
    return "".join(bars[min(7, int(4 * value / average))] if average else bars[0] for value in values)
