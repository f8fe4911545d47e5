"""The name of a round file: `YYYY-MM-DD-HHMMSS-<map>-round-<N>.txt`, the stamp in the server's own clock."""

import re
from datetime import datetime
from functools import lru_cache

from etstats.domain.rounds import RoundName

# A name is joined to a path only after it matched and `_is_plain`.
_NAME = re.compile(r"(\d{4})-(\d\d)-(\d\d)-(\d\d)(\d\d)(\d\d)-(.+)-round-([12])\.txt", re.ASCII)
_LONGEST = 255
# A server whose clock was never set says 1970; outside these years a moment in UTC may not exist at all.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


@lru_cache(maxsize=1024)
def parse_filename(name: str) -> RoundName | None:
    """Take a round file's name apart; None for everything else that lies in the folder."""
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


def _is_plain(map_name: str) -> bool:
    """Whether a map's name is printable, has no path or field separator, and does not begin with a dot."""
    return map_name.isprintable() and not map_name.startswith(".") and not set(map_name) & {"/", "\\"}
