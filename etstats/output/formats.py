"""Format rows as JSON, CSV and Markdown."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from etstats.domain.names import clean_name
from etstats.output.columns import Column
from etstats.output.sanitize import in_json, in_markdown, in_spreadsheet, printable_lines

_UNITS = {
    "_seconds": "seconds",
    "_minutes": "minutes",
    "_ms": "milliseconds",
    "_bytes": "bytes",
    "_percent": "percent",
    "_share": "share from 0 to 1",
    "_dpm": "damage per minute",
    "_kd": "kills per death",
    "_at": "time, ISO 8601",
    "_seen": "time, ISO 8601",
    "_since": "time, ISO 8601",
    "_accuracy": "percent",
    "_damage": "hit points",
    "_damage_given": "hit points",
    "_damage_received": "hit points",
}
"""Units by the endings of keys."""


def as_json(value: object, *, ascii_only: bool = False) -> str:
    """Return a JSON document: dataclasses and named tuples as objects, times in ISO 8601, decimals as numbers."""
    return in_json(json.dumps(_plain(value), ensure_ascii=ascii_only, indent=2, allow_nan=False)) + "\n"


def plain_fields(value: Any) -> dict[str, object]:
    """Return the fields of a dataclass that are neither None nor False."""
    return {
        field.name: found for field in fields(value) if (found := getattr(value, field.name)) not in {None, False}
    }


def units(value: object) -> dict[str, str]:
    """Return the units of a document's keys, at any depth, derived from the endings of the keys."""
    found: dict[str, str] = {}
    _note_units(_plain(value), found)
    return dict(sorted(found.items()))


def _note_units(value: Any, found: dict[str, str]) -> None:
    if isinstance(value, list):
        for inner in value:
            _note_units(inner, found)
    elif isinstance(value, dict):
        for key, inner in value.items():
            unit = next((unit for ending, unit in _UNITS.items() if f"_{key}".endswith(ending)), None)
            if unit is not None and not isinstance(inner, dict | list):
                found[key] = unit
            _note_units(inner, found)


def as_csv(columns: Sequence[Column], rows: Sequence[Any]) -> str:
    """Return a header line and a line per row: plain numbers, empty for None, formulas escaped."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(column, getattr(row, column.key)) for column in columns])
    return written.getvalue()


def as_markdown(columns: Sequence[Column], rows: Sequence[Any], empty: str) -> str:
    """Return a Markdown table, or the sentence for an empty table."""
    if not rows:
        return in_markdown(empty) + "\n"
    headings = [in_markdown(column.heading) or " " for column in columns]
    rules = ["---:" if column.justify == "right" else "---" for column in columns]
    cells = [[in_markdown(column.cell(getattr(row, column.key))) for column in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in [headings, rules, *cells])


def _csv_cell(column: Column, value: object) -> object:
    plain = _plain(value)
    if isinstance(plain, list | dict):
        return in_spreadsheet(column.cell(value))
    if isinstance(plain, str):
        return in_spreadsheet(clean_name(plain) if column.is_name else printable_lines(plain))
    return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):  # a named tuple
        value = value._asdict()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    return value
