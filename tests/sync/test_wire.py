"""SFTP packets over an in-memory channel that fails on request."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rounds import RemoteFile
from etstats.sync.sftp import wire
from etstats.sync.sftp.fetch import DEFAULT_HANDLES, pipelined
from etstats.sync.sftp.wire import Answer, NotSftpError, Wire
from etstats.sync.source import Failed, Fetched

FILE = struct.pack(">IQII", 0x1 | 0x8, 4, 0, 7)  # 4 bytes, mtime 7


class MemoryChannel:
    """Serves one four-byte file under every name; fails after `sends_left` sends."""

    def __init__(self, sends_left: int = 1_000, receive: int = 1 << 20) -> None:
        self.sends_left = sends_left
        self.most_open = 0
        self._open = 0
        self._receive = receive
        self._in = b""
        self._out = b""

    def settimeout(self, timeout: float | None) -> None:
        assert timeout is None or timeout > 0

    def sendall(self, data: bytes) -> None:
        if not self.sends_left:
            raise OSError("Socket is closed")
        self.sends_left -= 1
        self._in += data
        while len(self._in) >= 4 and len(self._in) >= (end := 4 + int.from_bytes(self._in[:4], "big")):
            packet, self._in = self._in[4:end], self._in[end:]
            self._out += self._answer(packet[0], packet[1:5])

    def recv(self, nbytes: int) -> bytes:
        size = min(nbytes, self._receive)
        data, self._out = self._out[:size], self._out[size:]
        return data

    def recv_ready(self) -> bool:
        return bool(self._out)

    def _answer(self, kind: int, number: bytes) -> bytes:
        self._open += {wire.OPEN: 1, wire.CLOSE: -1}.get(kind, 0)
        self.most_open = max(self.most_open, self._open)
        body = {
            wire.OPEN: (wire.HANDLE, wire.string(b"h")),
            wire.READ: (wire.DATA, wire.string(b"data")),
            wire.FSTAT: (wire.ATTRS, FILE),
            wire.CLOSE: (wire.STATUS, bytes(12)),
        }[kind]
        return struct.pack(">IB", 5 + len(body[1]), body[0]) + number + body[1]


def files(count: int) -> list[RemoteFile]:
    return [RemoteFile(name=f"{number}", size=4, mtime=7) for number in range(count)]


@pytest.mark.parametrize("sends", range(1, 8))
def test_complete_files_are_returned_before_a_connection_error(sends: int) -> None:
    """When the connection fails at any point, complete files are returned before the error."""
    taken: list[Fetched | Failed] = []

    def take() -> None:
        for outcome in pipelined(Wire(MemoryChannel(sends), 1), b"/", files(20 * DEFAULT_HANDLES)):
            taken.append(outcome)

    with pytest.raises((OSError, EOFError)):
        take()
    whole = [outcome.file.name for outcome in taken if isinstance(outcome, Fetched)]
    assert whole == [str(number) for number in range(len(taken))]
    assert bool(whole) == (sends > 1)


def test_file_takes_two_round_trips() -> None:
    """A window of files takes one round trip to open, and one to read, stat and close."""
    channel = MemoryChannel()
    assert len(list(pipelined(Wire(channel, 1), b"/", files(200)))) == 200
    assert 1_000 - channel.sends_left == 2


@given(count=st.integers(1, 300), receive=st.integers(1, 5_000), handles=st.integers(1, 300))
def test_requests_are_sent_before_waiting(count: int, receive: int, handles: int) -> None:
    """However the answers arrive in pieces, queued requests are sent before a wait, within the allowed handles.

    The channel ends the connection when it is read while the server has nothing left to answer.
    """
    channel = MemoryChannel(sends_left=10_000, receive=receive)
    taken = list(pipelined(Wire(channel, 1), b"/", files(count), handles))
    assert [outcome.file.name for outcome in taken] == [str(number) for number in range(count)]
    assert channel.most_open <= handles


@given(st.binary(max_size=200))
def test_any_server_bytes_are_decoded_or_refused(body: bytes) -> None:
    """Any bytes are decoded or raise NotSftpError."""
    for decode in (wire.handle_of, wire.status_of, wire.attributes_of, wire.names_of):
        try:
            result = decode(Answer(1, 0, body))
            if decode is wire.names_of:
                list(result)
        except NotSftpError:
            continue
