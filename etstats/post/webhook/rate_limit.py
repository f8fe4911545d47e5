"""Client-side rate limit of a webhook: 5 requests in 2 seconds, and the undocumented 30 in 60."""

from collections import deque
from collections.abc import Callable

_WINDOWS = ((5, 2.0), (30, 60.0))


class RateLimit:
    """The recent requests of a webhook; `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=max(count for count, _ in _WINDOWS))
        self._not_before = 0.0

    def wait(self) -> float:
        """Return the seconds until the next request is allowed; 0 is now."""
        now = self._clock()
        free = [self._not_before]
        free += [self._sent[-count] + seconds for count, seconds in _WINDOWS if len(self._sent) >= count]
        return max(0.0, max(free) - now)

    def count(self) -> None:
        """Record a request that is sent now."""
        self._sent.append(self._clock())

    def hold(self, seconds: float) -> None:
        """Allow no requests for the given number of seconds."""
        self._not_before = max(self._not_before, self._clock() + seconds)
