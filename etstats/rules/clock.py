"""The server's wall clock -> a moment."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def moment(stamp: datetime, zone: ZoneInfo, mtime: int | None = None) -> datetime:
    """The moment (UTC) at which a server in `zone` showed `stamp`.

    When clocks go back an hour occurs twice; then the file's mtime (seconds UTC) decides, being the second
    witness, and without one the first of the two is taken.
    """
    first = stamp.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = stamp.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first < second and mtime is not None:
        saved = datetime.fromtimestamp(mtime, UTC)
        return min(first, second, key=lambda moment: abs(moment - saved))
    return first
