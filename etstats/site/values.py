"""Formats of the values of boards and records."""

from etstats.domain.rules.boards import Board
from etstats.domain.rules.records import RECORDS
from etstats.site.markup import NOTHING, span

_PLACES = {"%": 1, "HP/min": 0}


def board_value(board: Board, value: float | None) -> str:
    """Return a board's value with its unit."""
    if value is None:
        return NOTHING
    if board.unit == "time":
        return span(value)
    number = f"{value:,.{_PLACES.get(board.unit, 2) if board.per else 0}f}"
    return f"{number}%" if board.unit == "%" else number


def board_heading(board: Board) -> str:
    """Return a board's heading, with its unit unless the value shows it."""
    return board.heading + (f" {board.unit}" if board.unit in ("HP", "HP/min") else "")


def sum_value(names: tuple[str, ...], value: float | None) -> str:
    """Return one of the two sums of a ratio as text."""
    if value is None:
        return NOTHING
    return span(value) if names and names[0].endswith("_seconds") else f"{value:,.0f}"


def record_value(record: str, value: float) -> str:
    """Return a record's value with its unit."""
    unit = RECORDS[record].unit
    return f"{value:,.1f} {unit}" if unit in ("%", "HP/min") else f"{value:,.0f} {unit}".strip()
