"""The current time and the remaining time of a run."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class Deadline:
    """A limit of `limit` seconds from `began`; `clock` returns monotonic seconds."""

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
        """Return the current time."""
        return self._began + timedelta(seconds=self.clock() - self._started)

    def left(self) -> float:
        """Return the remaining seconds; 0 after the limit."""
        return max(0.0, self._limit - (self.clock() - self._started))
