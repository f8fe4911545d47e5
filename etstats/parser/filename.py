"""The name of a round file: `YYYY-MM-DD-HHMMSS-<map>-round-<N>.txt`, the stamp in the server's own clock."""

import re
from datetime import datetime

from etstats.model import RoundName

# The whole pattern is also the guard: a name is joined to a path only after it matched.
_NAME = re.compile(r"(\d{4}-\d\d-\d\d-\d{6})-([A-Za-z0-9_.+-]+)-round-([12])\.txt", re.ASCII)
_LONGEST = 255
# A server whose clock was never set says 1970; outside these years a moment in UTC may not exist at all.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def parse_filename(name: str) -> RoundName | None:
    """Take a round file's name apart; None for everything else that lies in the folder."""
    match = _NAME.fullmatch(name)
    if match is None or len(name) > _LONGEST or ".." in name:
        return None
    try:
        stamp = datetime.strptime(match[1], "%Y-%m-%d-%H%M%S")  # noqa: DTZ007  # the server's clock has no zone here
    except ValueError:
        return None
    if not _FIRST_YEAR <= stamp.year <= _LAST_YEAR:
        return None
    return RoundName(stamp=stamp, map_name=match[2], round_number=int(match[3]), filename=name)
