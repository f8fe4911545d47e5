"""Convert the server's clock to UTC."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# A file is saved within seconds of its stamp; an mtime further off is that of a copy.
_MTIME_TOLERANCE = timedelta(minutes=29)

# Larger than any UTC offset: a file cannot be written so long before the end of its round.
MISDATED = timedelta(days=1)
# The game was released in May 2003: an earlier mtime is invalid.
_FIRST_MTIME = datetime(2003, 5, 29, tzinfo=UTC).timestamp()


def moment(stamp: datetime, zone: ZoneInfo, mtime: int | None = None) -> datetime:
    """Return the time (UTC) of a `stamp` of a server in `zone`.

    When clocks are set back, an hour occurs twice; then the file's mtime (seconds UTC) decides. Without an mtime,
    or if it is near neither time, the first one is used. If the stamp is over a day after the mtime, the clock
    was wrong, and the mtime is returned.
    """
    first = stamp.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if mtime is not None and is_misdated(first, mtime):
        return datetime.fromtimestamp(mtime, UTC)
    second = stamp.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first < second and mtime is not None:
        off_by = second.timestamp() - mtime
        return second if abs(off_by) <= _MTIME_TOLERANCE.total_seconds() else first
    return first


def is_misdated(ended_at: datetime, mtime: int) -> bool:
    """Return whether a file's mtime (seconds UTC) is more than a day before the time in its name."""
    return mtime >= _FIRST_MTIME and ended_at.timestamp() - mtime > MISDATED.total_seconds()
