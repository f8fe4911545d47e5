"""Delays between retries."""

import random


def delay(failures: int, *, first: float, longest: float) -> float:
    """Return the delay after consecutive failures: `first`, doubled with each failure, at most `longest`."""
    return float(min(first * 2 ** min(failures, 32), longest))


def jittered(pause: float) -> float:
    """Return 80 to 100 % of a delay, so that many processes do not retry at the same time."""
    return pause * random.uniform(0.8, 1.0)  # noqa: S311  # not a secret
