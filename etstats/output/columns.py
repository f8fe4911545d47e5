"""The kinds of columns, and the text of their values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Literal

from etstats.domain.names import clean_name
from etstats.output.sanitize import printable

NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: the row's attribute, its heading with unit, and the text of its values.

    `is_name`: the value is a raw player name, shown in its in-game colours.
    """

    key: str
    heading: str
    text: Callable[[Any], str] = str
    justify: Literal["left", "right"] = "left"
    is_name: bool = False
    shrinks: bool = False
    """Long text may be shortened in a narrow terminal; numbers never are."""
    least: int | None = None
    """Minimum cells when shortening; None: the default of the kind."""
    importance: int = 0
    """A narrow terminal drops the columns of the lowest importance first, of equal ones the last."""
    is_moment: bool = False
    """The values are times: their zone is named below the table."""
    wraps: bool = False
    """Long text is wrapped, not shortened."""
    loses_middle: bool = False
    """Text is shortened in the middle, because the start and end of file names differ most."""

    def cell(self, value: object) -> str:
        """Return a value as one line of printable text; a dash for None."""
        if value is None:
            return NOTHING
        return clean_name(str(value)) if self.is_name else printable(self.text(value))


def name(key: str = "player_name", heading: str = "Player", *, importance: int = 0) -> Column:
    """Return a column of player names in their colours."""
    return Column(key=key, heading=heading, is_name=True, shrinks=True, importance=importance)


def text(key: str, heading: str, *, least: int | None = None, importance: int = 0) -> Column:
    """Return a column of plain text."""
    return Column(key=key, heading=heading, shrinks=True, least=least, importance=importance)


def sentence(key: str, heading: str, *, least: int = 24, importance: int = 0) -> Column:
    """Return a column of text that is wrapped in a narrow terminal."""
    return Column(key=key, heading=heading, shrinks=True, wraps=True, least=least, importance=importance)


def filename() -> Column:
    """Return a column of file names, shortened in the middle."""
    return Column(key="filename", heading="File", shrinks=True, least=30, importance=2, loses_middle=True)


def whole(key: str, heading: str) -> Column:
    """Return a column of whole numbers, grouped by thousands."""
    return Column(key=key, heading=heading, text=lambda number: f"{number:,.0f}", justify="right")


def decimal(key: str, heading: str, places: int = 1) -> Column:
    """Return a column of numbers with a fixed number of decimals."""
    return Column(key=key, heading=heading, text=lambda number: f"{number:,.{places}f}", justify="right")


def clock(key: str, heading: str) -> Column:
    """Return a column of seconds, written M:SS."""
    return Column(key=key, heading=heading, text=minutes_seconds, justify="right")


def when(key: str, heading: str) -> Column:
    """Return a column of days or times."""
    return Column(key=key, heading=heading, text=moment, is_moment=True)


def day(key: str, heading: str) -> Column:
    """Return a column of times that shows only the day."""
    return Column(key=key, heading=heading, text=lambda value: f"{value:%Y-%m-%d}")


def share(key: str, heading: str) -> Column:
    """Return a column of shares from 0 to 1, written in per cent."""
    return Column(key=key, heading=heading, text=lambda number: f"{100 * number:.0f} %", justify="right")


def minutes_seconds(seconds: float) -> str:
    """Return `M:SS`, or `H:MM:SS` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def moment(value: date | datetime) -> str:
    """Return a day, or a time to the minute in its own zone."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"


def server_time(clock: datetime, zone: tzinfo) -> str:
    """Return a naive time of a server's clock with its zone: `2025-10-02 20:00 CEST`."""
    return f"{clock.replace(tzinfo=zone):%Y-%m-%d %H:%M %Z}"


def sparkline(values: Iterable[float], average: float) -> str:
    """Return a bar per value: half height at the average, full height at twice the average."""
    bars = "▁▂▃▄▅▆▇█"
    return "".join(bars[min(7, int(4 * value / average))] if average else bars[0] for value in values)
