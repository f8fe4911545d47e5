"""Headings and number formats of leaderboards and records."""

from etstats import output
from etstats.domain.rules.boards import Board
from etstats.domain.rules.records import RECORDS
from etstats.output import Column

_PLACES = {"%": 1, "HP/min": 1}


def heading(board: Board) -> str:
    """Return the board's heading, with its unit unless the heading has it."""
    return board.heading + (f" {board.unit}" if board.unit in ("%", "HP", "HP/min") else "")


def value_text(board: Board, value: float | None) -> str:
    """Return a value as text for a table."""
    if value is None:
        return output.NOTHING
    if board.unit == "time":
        return output.minutes_seconds(value)
    return f"{value:,.{_PLACES.get(board.unit, 2) if board.per else 0}f}"


def value_column(board: Board) -> Column:
    """Return the column of a board's values."""
    return Column(
        key="value", heading=heading(board), text=lambda value: value_text(board, value), justify="right"
    )


def sum_column(key: str, title: str, names: tuple[str, ...]) -> Column:
    """Return the column of a sum that is part of a ratio."""
    return output.clock(key, title) if names[0].endswith("_seconds") else output.whole(key, title)


def record_text(record: str, value: float) -> str:
    """Return a record's value with its unit."""
    unit = RECORDS[record].unit
    return f"{value:,.1f} {unit}" if unit in ("%", "HP/min") else f"{value:,.0f} {unit}".strip()


def match_count(number: int) -> str:
    """Return `1 match`, `2,000 matches`."""
    return f"{number:,} {'match' if number == 1 else 'matches'}"
