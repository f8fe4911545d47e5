"""Tables as data: rows with their columns, and the output formats."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from etstats.output.columns import Column


class Format(StrEnum):
    """Output format of rows."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows with their columns; `empty` is the sentence for a table without rows."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    empty: str
    notes: Sequence[str] = field(default=())
    zone: str = ""
    """The zone of naive times, such as Europe/Ljubljana."""

    def all_notes(self) -> list[str]:
        """Return the notes, and the zone of the times unless a heading names it."""
        columns = [column for column in self.columns if column.is_moment and "UTC" not in column.heading]
        values = [getattr(row, column.key) for row in self.rows for column in columns]
        zones = {self._zone_name(value) for value in values if isinstance(value, datetime)}
        return [*self.notes, f"Times: {', '.join(sorted(zones))}."] if zones else list(self.notes)

    def _zone_name(self, value: datetime) -> str:
        if value.tzinfo is None:
            return self.zone or "the server's clock"
        name = str(value.tzinfo)  # of a ZoneInfo its key
        return f"{value:%Z}" if name == "localtime" or "." in name else name
