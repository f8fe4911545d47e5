"""A game server's UDP port on loopback, which replies to status queries like ET:Legacy."""

import socket
from collections.abc import Sequence
from threading import Thread
from types import TracebackType
from typing import Self

HEAD = b"\xff\xff\xff\xffstatusResponse\n"
_STOP = b"stop"


class GameServer:
    """Replies to `getstatus` in the `with` block.

    `names` are the players, with colours; `sides` is the value of `P`: the side of each player, then of the bots.
    """

    def __init__(
        self, *, names: Sequence[str] = (), bots: int = 0, sides: str = "", map_name: str = "supply"
    ) -> None:
        self.names = names
        self.bots = bots
        self.sides = sides
        self.map_name = map_name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        """Return its address as host:port."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(_STOP, self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def answer(self, question: bytes, place: tuple[str, int]) -> None:
        """Send the reply to a query to its sender."""
        self._socket.sendto(self.status(question), place)

    def status(self, question: bytes) -> bytes:
        """Return the reply to `getstatus CHALLENGE`."""
        challenge = question.split()[1].decode()
        info = f"\\challenge\\{challenge}\\sv_hostname\\^1The ^7Old Barn\\mapname\\{self.map_name}"
        info += "\\sv_maxclients\\20\\timelimit\\12.000"
        info += f"\\P\\{self.sides}" if self.sides else ""
        players = [f'{number} {40 + number} "{name}"' for number, name in enumerate(self.names)]
        players += [f'0 0 "bot {number}"' for number in range(self.bots)]
        return HEAD + "\n".join([info, *players, ""]).encode()

    def _serve(self) -> None:
        while (asked := self._socket.recvfrom(4096))[0] != _STOP:
            self.answer(*asked)
