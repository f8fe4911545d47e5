"""A stand-in of the game server with all faults of a query."""

import socket
from collections.abc import Sequence

from etstats.demo.game import HEAD, GameServer


class Game(GameServer):
    """A game that counts the queries and sends the replies that a test sets.

    `names` are the people, else `people` of them. `answer` replaces every answer, this many `flood` packets
    come before it, `elsewhere` sends it from another port, `is_late` when the next question comes.
    """

    def __init__(
        self,
        *,
        people: int = 0,
        bots: int = 0,
        names: Sequence[str] | None = None,
        sides: str = "",
        map_name: str = "supply",
        answer: bytes | None = None,
        silent_for: int = 0,
        flood: int = 0,
        elsewhere: bool = False,
        is_late: bool = False,
    ) -> None:
        super().__init__(names=names or (), bots=bots, sides=sides, map_name=map_name)
        if names is None:
            self.people = people
        self.asked = 0
        self.silent_for = silent_for
        self._replaced = answer
        self._is_late = is_late
        self._before: bytes | None = None
        self._flood = flood
        self._other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if elsewhere else self._socket

    @property
    def people(self) -> int:
        """The number of people."""
        return len(self.names)

    @people.setter
    def people(self, number: int) -> None:
        self.names = [f"^3player {index}" for index in range(number)]

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(None, None, None)
        self._other.close()

    def answer(self, question: bytes, place: tuple[str, int]) -> None:
        self.asked += 1
        if self.asked <= self.silent_for:
            return
        for _ in range(self._flood):
            self._other.sendto(HEAD + b"\\challenge\\of another\n", place)
        answer = self._replaced if self._replaced is not None else self.status(question)
        now, self._before = (self._before, answer) if self._is_late else (answer, None)
        if now is not None:
            self._other.sendto(now, place)
