"""Chance from a seed, the same on every Python.

Only `random.Random.random` is used: its sequence is the one thing the standard library promises not to change.
"""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Random:
    """One stream of chance; equal seeds give equal streams."""

    __slots__ = ("roll",)

    def __init__(self, seed: int) -> None:
        self.roll: Callable[[], float] = random.Random(seed).random  # noqa: S311 - games, not secrets

    def below(self, end: int) -> int:
        """Return a whole number from 0 to `end` - 1."""
        return int(self.roll() * end)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self.roll() * (high - low + 1))

    def happens(self, probability: float) -> bool:
        """Return True with this probability; 1.0 is always and 0.0 never."""
        return self.roll() < probability

    def rounded(self, expected: float) -> int:
        """Return one of the two whole numbers around `expected`, which it meets on average."""
        return int(expected + self.roll())

    def pick(self, things: Sequence[T]) -> T:
        """Return one of the things."""
        return things[int(self.roll() * len(things))]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Return the things in a random order."""
        mixed = list(things)
        for i in range(len(mixed) - 1, 0, -1):
            j = int(self.roll() * (i + 1))
            mixed[i], mixed[j] = mixed[j], mixed[i]
        return mixed
