"""The result of importing a file."""

from dataclasses import dataclass
from enum import StrEnum


class ImportStatus(StrEnum):
    """The status of a file after an import; `whole` is for files that were only checked."""

    WHOLE = "whole"
    IMPORTED = "imported"
    REPLACED = "replaced"
    DUPLICATE = "duplicate"
    KNOWN = "known"
    QUARANTINED = "quarantined"
    STILL_QUARANTINED = "still in quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """The status of one file with the reason; `parse_ms` and `store_ms` are the times taken."""

    filename: str
    status: ImportStatus
    reason: str = ""
    parse_ms: float = 0.0
    store_ms: float = 0.0
