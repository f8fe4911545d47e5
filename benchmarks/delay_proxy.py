"""A TCP proxy that delays loopback like a long line: each byte arrives half a round trip later.

    with DelayProxy("127.0.0.1", 22, round_trip=0.030) as proxy:
        connect("127.0.0.1", proxy.port)

Delay without loss and without a limit on bandwidth; bytes overtake nothing.
"""

import asyncio
import socket
import threading
from collections import deque
from typing import Self


class DelayProxy:
    """Forwards connections to one address with a delay, in a separate thread; connect to `port`."""

    def __init__(self, host: str, port: int, round_trip: float) -> None:
        self._target = (host, port)
        self._delay = round_trip / 2
        self._sides: list[_Side] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        server = await self._loop.create_server(self._new_side, "127.0.0.1", 0)
        self._server = server
        self.port = server.sockets[0].getsockname()[1]

    def _new_side(self) -> "_Side":
        side = _Side(self._delay, self._target)
        self._sides.append(side)
        return side

    async def _stop(self) -> None:
        self._server.close()
        for side in self._sides:
            side.abort()
        await asyncio.sleep(0)


class _Side(asyncio.Protocol):
    """One end of a connection; received data is sent to `other` after the delay."""

    def __init__(self, delay: float, target: tuple[str, int] | None = None) -> None:
        self._delay = delay
        self._target = target
        self._waiting: deque[bytes] = deque()
        self.other: _Side | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._target is not None:
            self._task = asyncio.ensure_future(self._connect(*self._target))

    async def _connect(self, host: str, port: int) -> None:
        assert self.transport is not None
        loop = asyncio.get_running_loop()
        self.other = _Side(self._delay)
        self.other.other = self
        try:
            await loop.create_connection(lambda: self.other or _Side(self._delay), host, port)
        except OSError:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        # Else the proxy's own delayed acknowledgement would hold back the sender's next small packet.
        if self.transport is not None and hasattr(socket, "TCP_QUICKACK"):
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._later(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._later(b"")

    def abort(self) -> None:
        for side in (self, self.other):
            if side is not None and side.transport is not None:
                side.transport.abort()

    def _later(self, data: bytes) -> None:
        # Timers of equal delay fire in the order in which they were set; the queue keeps it so in any case.
        self._waiting.append(data)
        asyncio.get_running_loop().call_later(self._delay, self._forward)

    def _forward(self) -> None:
        data = self._waiting.popleft()
        out = self.other.transport if self.other is not None else None
        if out is None:
            if data:
                self._waiting.appendleft(data)
                asyncio.get_running_loop().call_later(0.001, self._forward)
        elif data and not out.is_closing():
            out.write(data)
        else:
            out.close()
