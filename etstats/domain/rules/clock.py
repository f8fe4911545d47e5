"""The server's wall clock -> a moment."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# A file is saved within seconds of its stamp; an mtime further off is a copy's and says nothing of the round.
_WITNESS_REACH = timedelta(minutes=29)


def moment(stamp: datetime, zone: ZoneInfo, mtime: int | None = None) -> datetime:
    """The moment (UTC) at which a server in `zone` showed `stamp`.

    When clocks go back an hour occurs twice; then the file's mtime (seconds UTC) decides, being the second
    witness. Without one, or when it lies near neither, the first of the two is taken.
    """
    first = stamp.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = stamp.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first < second and mtime is not None:
        off_by = second.timestamp() - mtime
        return second if abs(off_by) <= _WITNESS_REACH.total_seconds() else first
    return first
