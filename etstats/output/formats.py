"""Rows as text for programs: JSON, CSV and Markdown."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from etstats.output.columns import Column
from etstats.output.sanitize import in_json, in_markdown, in_spreadsheet, printable_lines
from etstats.parser.names import clean_name


def as_json(value: object, *, ascii_only: bool = False) -> str:
    """One document: dataclasses and named tuples as objects, moments in ISO 8601, decimals as numbers."""
    return in_json(json.dumps(_plain(value), ensure_ascii=ascii_only, indent=2, allow_nan=False)) + "\n"


def as_csv(columns: Sequence[Column], rows: Sequence[Any]) -> str:
    """A line of keys and a line for each row: plain numbers, nothing for none, no cell that is a formula."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(column, getattr(row, column.key)) for column in columns])
    return written.getvalue()


def as_markdown(columns: Sequence[Column], rows: Sequence[Any], empty: str) -> str:
    """A table of what people read, or the sentence that says why it is empty."""
    if not rows:
        return in_markdown(empty) + "\n"
    headings = [in_markdown(column.heading) or " " for column in columns]
    rules = ["---:" if column.justify == "right" else "---" for column in columns]
    cells = [[in_markdown(c.cell(getattr(row, c.key))) for c in columns] for row in rows]
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
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if hasattr(value, "_asdict"):  # a tuple with names
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
