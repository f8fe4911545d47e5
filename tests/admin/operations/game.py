"""A game server's UDP side on loopback, which says what it is told to."""

import socket
from threading import Thread
from typing import Self


class Game:
    """Answers `getstatus`; counts the questions."""

    def __init__(
        self, *, people: int = 0, bots: int = 0, answer: bytes | None = None, silent_for: int = 0
    ) -> None:
        self.people = people
        self.bots = bots
        self.answer = answer
        self.asked = 0
        self._silent_for = silent_for
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while (asked := self._socket.recvfrom(4096))[0] != b"end":
            self.asked += 1
            if self.asked > self._silent_for:
                question, place = asked
                self._socket.sendto(self.answer if self.answer is not None else self._status(question), place)

    def _status(self, question: bytes) -> bytes:
        challenge = question.split()[1].decode()
        info = f"\\challenge\\{challenge}\\sv_hostname\\^1The ^7Barn\\mapname\\supply"
        info += "\\sv_maxclients\\20\\timelimit\\12.000"
        players = [f'{n} {40 + n} "^3player {n}"' for n in range(self.people)]
        players += [f'0 0 "bot {n}"' for n in range(self.bots)]
        return b"\xff\xff\xff\xffstatusResponse\n" + "\n".join([info, *players, ""]).encode()
