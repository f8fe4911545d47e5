"""Detect a game server's time zone: file names have local time, mtimes have UTC. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

_REGIONS = ("Europe/", "America/", "Asia/", "Australia/", "Pacific/", "Atlantic/", "Indian/", "Africa/")
_WELL_KNOWN = (
    "UTC Europe/London Europe/Berlin Europe/Helsinki America/New_York America/Chicago America/Denver"
    " America/Los_Angeles America/Sao_Paulo Asia/Tokyo Australia/Sydney"
).split()
_QUARTER = 900
_SAVED_WITHIN = 120  # seconds between the stamp in the name and the file's mtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The zones that match the most files, most likely first; `agreeing` of `judged` files match.

    `judged` excludes files copied without their mtime.
    """

    zones: tuple[str, ...]
    agreeing: int
    judged: int


def propose(files: Iterable[tuple[datetime, int]], *, prefer: Iterable[str] = ()) -> Proposal:
    """Return the zones in which the stamps (naive local time) match the mtimes (seconds UTC).

    Many zones have equal offsets; of equal matches, `prefer` come first, then well-known zones.
    """
    # Files of one hour and offset give the same result.
    counts: Counter[tuple[int, int]] = Counter()
    for stamp, mtime in files:
        offset = round((stamp.replace(tzinfo=UTC).timestamp() - mtime) / _QUARTER) * _QUARTER
        if abs(stamp.replace(tzinfo=UTC).timestamp() - mtime - offset) <= _SAVED_WITHIN and abs(offset) <= 50400:
            counts[(mtime // 3600 * 3600, offset)] += 1
    judged = counts.total()
    if not judged:
        return Proposal(zones=(), agreeing=0, judged=0)
    scores = {name: _agreeing(name, counts) for name in _candidates(prefer)}
    best = max(scores.values())
    first = [*prefer, *_WELL_KNOWN]
    rank = {name: number for number, name in reversed(list(enumerate(first)))}
    fitting = [name for name, score in scores.items() if score == best]
    fitting.sort(key=lambda name: (rank.get(name, len(first)), _region(name), name))
    return Proposal(zones=tuple(fitting) if best else (), agreeing=best, judged=judged)


def _region(name: str) -> int:
    return next((number for number, region in enumerate(_REGIONS) if name.startswith(region)), len(_REGIONS))


def _candidates(prefer: Iterable[str]) -> set[str]:
    known = available_timezones()
    return {name for name in known if name.startswith(_REGIONS)} | {"UTC"} | (set(prefer) & known)


def _agreeing(name: str, counts: Counter[tuple[int, int]]) -> int:
    zone = ZoneInfo(name)
    total = 0
    for (mtime, offset), count in counts.items():
        difference = datetime.fromtimestamp(mtime, zone).utcoffset()
        if difference is not None and difference.total_seconds() == offset:
            total += count
    return total
