"""What can become of a file."""

from dataclasses import dataclass
from enum import StrEnum


class ImportStatus(StrEnum):
    """The result of importing a file; `whole` is for those that were only checked."""

    WHOLE = "whole"
    IMPORTED = "imported"
    REPLACED = "replaced"
    DUPLICATE = "duplicate"
    KNOWN = "known"
    QUARANTINED = "quarantined"
    STILL_QUARANTINED = "still in quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of one file, and why; `parse_ms` and `store_ms` are what it took."""

    filename: str
    status: ImportStatus
    reason: str = ""
    parse_ms: float = 0.0
    store_ms: float = 0.0
