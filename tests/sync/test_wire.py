"""The bytes of SFTP, over a channel that lives in memory and breaks when told to."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rounds import RemoteFile
from etstats.sync.sftp import wire
from etstats.sync.sftp.fetch import WINDOW, pipelined
from etstats.sync.sftp.wire import Answer, NotSftpError, Wire
from etstats.sync.source import Failed, Fetched

FILE = struct.pack(">IQII", 0x1 | 0x8, 4, 0, 7)  # 4 bytes, mtime 7


class MemoryChannel:
    """Serves one four-byte file under every name; `sends_left` counts down to a broken line."""

    def __init__(self, sends_left: int = 1_000) -> None:
        self.sends_left = sends_left
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
        data, self._out = self._out[:nbytes], self._out[nbytes:]
        return data

    def _answer(self, kind: int, number: bytes) -> bytes:
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
def test_what_was_whole_when_the_line_broke_is_kept(sends: int) -> None:
    """Wherever the line breaks, in sending too, the files that were whole come first and then the error."""
    taken: list[Fetched | Failed] = []

    def take() -> None:
        for outcome in pipelined(Wire(MemoryChannel(sends), 1), b"/", files(5_000)):
            taken.append(outcome)

    with pytest.raises((OSError, EOFError)):
        take()
    whole = [outcome.file.name for outcome in taken if isinstance(outcome, Fetched)]
    assert len(whole) == len(taken) == WINDOW * (sends // 2)


def test_a_file_takes_two_flights() -> None:
    """A window of files costs one flight to open and one to read, ask and close."""
    channel = MemoryChannel()
    assert len(list(pipelined(Wire(channel, 1), b"/", files(500)))) == 500
    assert 1_000 - channel.sends_left == 2


@given(st.binary(max_size=200))
def test_no_bytes_of_a_server_do_harm(body: bytes) -> None:
    """Whatever stands in an answer, it is decoded or refused, never anything else."""
    for decode in (wire.handle_of, wire.status_of, wire.attributes_of, wire.names_of):
        try:
            result = decode(Answer(1, 0, body))
            if decode is wire.names_of:
                list(result)
        except NotSftpError:
            continue
