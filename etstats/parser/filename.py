"""Parse the name of a round file: `YYYY-MM-DD-HHMMSS-<map>-round-<N>.txt`, the time by the server's clock."""

import re
from datetime import datetime
from functools import lru_cache

from etstats.domain.rounds import RoundName

# A name is joined to a path only if it matches and `_is_plain` is true.
_NAME = re.compile(r"(\d{4})-(\d\d)-(\d\d)-(\d\d)(\d\d)(\d\d)-(.+)-round-([12])\.txt", re.ASCII)
_ENDING = re.compile(r"-round-\d+\.txt\Z", re.ASCII | re.IGNORECASE)
# Other files that the game server writes next to the round files.
_COMPANION = re.compile(r"[-_](ws|endstats)\.txt\Z", re.ASCII | re.IGNORECASE)
_LONGEST = 255
# A server whose clock was never set reports 1970; outside these years, converting to UTC may overflow.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


@lru_cache(maxsize=1024)
def parse_filename(name: str) -> RoundName | None:
    """Parse a round file's name; None for any other name."""
    match = _NAME.fullmatch(name)
    if match is None or len(name.encode(errors="replace")) > _LONGEST or not _is_plain(match[7]):
        return None
    *clock, map_name, number = match.groups()
    try:
        year, month, day, hour, minute, second = map(int, clock)
        # The server's clock has no zone here.
        stamp = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None
    if not _FIRST_YEAR <= stamp.year <= _LAST_YEAR:
        return None
    return RoundName(stamp=stamp, map_name=map_name, round_number=int(number), filename=name)


def has_round_ending(name: str) -> bool:
    """Return whether a name ends like that of a round file."""
    return _ENDING.search(name) is not None


def refusal_of(name: str) -> str | None:
    """Return why a name that ends like a round file's is not accepted; None for any other name."""
    if not has_round_ending(name) or parse_filename(name) is not None:
        return None
    match = _NAME.fullmatch(name)
    if not name.isprintable():
        return "the name holds control characters"
    if "/" in name or "\\" in name:
        return "the name holds a path separator"
    if len(name.encode(errors="replace")) > _LONGEST:
        return f"the name is longer than {_LONGEST} bytes"
    if match is not None and match[7].startswith("."):
        return "the map name starts with a dot"
    return "the name is not YYYY-MM-DD-HHMMSS-<map>-round-<1 or 2>.txt with a valid date and time"


def is_companion(name: str) -> bool:
    """Return whether a name is that of another file of the game server: weapon dumps, awards."""
    return _COMPANION.search(name) is not None


def _is_plain(map_name: str) -> bool:
    """Return whether a map name is printable, without path or field separators, and without a leading dot."""
    return map_name.isprintable() and not map_name.startswith(".") and not set(map_name) & {"/", "\\"}
