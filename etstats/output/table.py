"""Tables as data: rows with their columns, and the formats they can be written in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from etstats.output.columns import Column


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows with their columns; `empty` says why there are none and what would fill them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: str
    notes: Sequence[str] = field(default=())
