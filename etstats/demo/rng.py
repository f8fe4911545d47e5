"""Random numbers from a seed, equal in every Python version.

Only `random.Random.random` is used, because the standard library guarantees its sequence.
"""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Random:
    """A stream of random numbers; equal seeds give equal streams."""

    __slots__ = ("roll",)

    def __init__(self, seed: int) -> None:
        self.roll: Callable[[], float] = random.Random(seed).random  # noqa: S311 - games, not secrets

    def below(self, end: int) -> int:
        """Return a whole number from 0 to `end` - 1."""
        return int(self.roll() * end)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, inclusive."""
        return low + int(self.roll() * (high - low + 1))

    def happens(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.roll() < probability

    def pick(self, things: Sequence[T]) -> T:
        """Return a random item."""
        return things[int(self.roll() * len(things))]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Return the items in random order."""
        mixed = list(things)
        for index in range(len(mixed) - 1, 0, -1):
            other = int(self.roll() * (index + 1))
            mixed[index], mixed[other] = mixed[other], mixed[index]
        return mixed
