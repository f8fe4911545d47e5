"""How often a webhook may be used: Discord's 5 in 2 seconds and its unwritten 30 in 60, kept by ourselves."""

from collections import deque
from collections.abc import Callable

_WINDOWS = ((5, 2.0), (30, 60.0))


class RateLimit:
    """The memory of one webhook's requests; `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=max(count for count, _ in _WINDOWS))
        self._not_before = 0.0

    def wait(self) -> float:
        """Seconds until the next request may leave; 0 is now."""
        now = self._clock()
        free = [self._not_before]
        free += [self._sent[-count] + seconds for count, seconds in _WINDOWS if len(self._sent) >= count]
        return max(0.0, max(free) - now)

    def count(self) -> None:
        """Remember a request that leaves now."""
        self._sent.append(self._clock())

    def hold(self, seconds: float) -> None:
        """Send nothing for the given number of seconds."""
        self._not_before = max(self._not_before, self._clock() + seconds)
