"""The time of one run: what moment it is, and how much of it is left."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class Deadline:
    """Counts from `began`, for `limit` seconds; `clock` gives seconds that only go forward."""

    def __init__(
        self,
        began: datetime,
        limit: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock, self.sleep = clock, sleep
        self._began, self._limit, self._started = began, limit, clock()

    def now(self) -> datetime:
        """The moment."""
        return self._began + timedelta(seconds=self.clock() - self._started)

    def left(self) -> float:
        """Seconds that are left; 0 when the time is over."""
        return max(0.0, self._limit - (self.clock() - self._started))
