"""Which clock a game server keeps: its file names carry local time, its mtimes carry UTC. Pure."""

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
    """The zones that explain the most files, likeliest first; `agreeing` of `judged` files fit them.

    `judged` leaves out files whose mtime says nothing, because they were copied without it.
    """

    zones: tuple[str, ...]
    agreeing: int
    judged: int


def propose(files: Iterable[tuple[datetime, int]], *, prefer: Iterable[str] = ()) -> Proposal:
    """Find the zones in which that many stamps (wall clock, no zone) and mtimes (seconds UTC) are one moment.

    Many zones share a clock; of those that fit equally, `prefer` go first, then well-known ones.
    """
    # One day and one offset say the same however many files there were.
    seen: Counter[tuple[int, int]] = Counter()
    for stamp, mtime in files:
        offset = round((stamp.replace(tzinfo=UTC).timestamp() - mtime) / _QUARTER) * _QUARTER
        if abs(stamp.replace(tzinfo=UTC).timestamp() - mtime - offset) <= _SAVED_WITHIN and abs(offset) <= 50400:
            seen[(mtime // 3600 * 3600, offset)] += 1
    judged = seen.total()
    if not judged:
        return Proposal(zones=(), agreeing=0, judged=0)
    scores = {name: _agreeing(name, seen) for name in _candidates(prefer)}
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


def _agreeing(name: str, seen: Counter[tuple[int, int]]) -> int:
    zone = ZoneInfo(name)
    total = 0
    for (mtime, offset), count in seen.items():
        difference = datetime.fromtimestamp(mtime, zone).utcoffset()
        if difference is not None and difference.total_seconds() == offset:
            total += count
    return total
