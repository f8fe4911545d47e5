"""Encode and decode SFTP version 3 (draft-ietf-secsh-filexfer-02), with many requests in flight.

Paramiko's client waits for the answer to each request, which costs a round trip each. This module speaks the
protocol over a paramiko channel and uses only the public methods listed in `Channel`.
"""

import struct
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

INIT, OPEN, CLOSE, READ, FSTAT, OPENDIR, READDIR, STAT = 1, 3, 4, 5, 8, 11, 12, 17
EXTENDED = 200
VERSION, STATUS, HANDLE, DATA, NAME, ATTRS = 2, 101, 102, 103, 104, 105
EXTENDED_REPLY = 201
EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = 1, 2, 3, 4

# A longer packet is not SFTP: OpenSSH sends at most 256 KiB, the protocol requires support of 34,000 bytes.
_MAX_PACKET = 1 << 20
_RECEIVE = 1 << 17
_FLUSH_BYTES = 8192
_MAX_HANDLE = 256  # the protocol's limit; a handle is sent with each request
_OUR_VERSION = 3
# The kind of packet that answers a request, unless the answer is a STATUS.
_ANSWER_KINDS = {
    OPEN: HANDLE,
    OPENDIR: HANDLE,
    READ: DATA,
    FSTAT: ATTRS,
    STAT: ATTRS,
    READDIR: NAME,
    EXTENDED: EXTENDED_REPLY,
}


class NotSftpError(Exception):
    """The server does not speak SFTP or violates the protocol."""


class Channel(Protocol):
    """The methods used of a channel; `sendall` and `recv` raise TimeoutError after the `settimeout` time."""

    def settimeout(self, timeout: float | None) -> None:
        """Set the timeout of `sendall` and `recv`, in seconds."""

    def sendall(self, data: bytes) -> None:
        """Send all bytes, or raise OSError."""

    def recv(self, nbytes: int) -> bytes:
        """Return the received bytes, at most `nbytes`; b"" at the end."""

    def recv_ready(self) -> bool:
        """Return whether `recv` would return at once."""


class Answer(NamedTuple):
    """A packet from the server: the id of the answered request, the kind, and the body."""

    id: int
    kind: int
    body: bytes


class Attributes(NamedTuple):
    """A file's attributes; None if the server does not send them. `mode` includes the file type."""

    size: int | None
    mode: int | None
    mtime: int | None


class Wire:
    """An SFTP connection; requests are queued until `flush`."""

    def __init__(self, channel: Channel, answer_seconds: float) -> None:
        self._channel = channel
        self._answer_seconds = answer_seconds
        self._next_id = 0
        self._out = bytearray()
        self._in = bytearray()
        self._pending: dict[int, int] = {}
        self._abandoned: set[int] = set()
        self._is_greeted = False

    def hello(self) -> None:
        """Queue the INIT; requests may follow at once, since every server supports version 3."""
        self._out += struct.pack(">IBI", 5, INIT, _OUR_VERSION)

    def ask(self, kind: int, *parts: bytes) -> int:
        """Queue a request and return its id, which the answer repeats."""
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        body = b"".join(parts)
        self._out += struct.pack(">IBI", 5 + len(body), kind, self._next_id) + body
        self._pending[self._next_id] = kind
        return self._next_id

    def close(self, handle: bytes) -> None:
        """Queue the closing of a handle; its answer is ignored."""
        self._abandoned.add(self.ask(CLOSE, string(handle)))

    def abandon(self, ids: Iterable[int]) -> None:
        """Ignore the pending answers to these requests; a handle among them is closed."""
        self._abandoned.update(ids)

    def flush(self) -> None:
        """Send the queued requests."""
        if self._out:
            out, self._out = bytes(self._out), bytearray()
            self._channel.settimeout(self._answer_seconds)
            self._channel.sendall(out)

    def flush_if_idle(self) -> None:
        """Send the queued requests if they fill a few packets, or if no answer is waiting to be read.

        Each send costs an encryption and a system call, so requests are queued while answers can be read.
        """
        if len(self._out) >= _FLUSH_BYTES or not self._channel.recv_ready():
            self.flush()

    def answers(self) -> list[Answer]:
        """Return all received answers, at least one.

        Raises TimeoutError if no complete answer arrives in time, EOFError if the connection is closed, and
        NotSftpError for a packet that does not answer an open request.
        """
        deadline = time.monotonic() + self._answer_seconds
        while True:
            if arrived := [answer for answer in self._packets() if self._is_awaited(answer)]:
                return arrived
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.flush_if_idle()  # before each wait: ignored answers may have queued requests
            self._channel.settimeout(left)
            data = self._channel.recv(_RECEIVE)
            if not data:
                raise EOFError
            self._in += data

    def _packets(self) -> Iterator[Answer]:
        start, end = 0, len(self._in)
        while end - start >= 9:
            length, kind, number = struct.unpack_from(">IBI", self._in, start)
            if not 5 <= length <= _MAX_PACKET:
                raise NotSftpError
            if end - start < 4 + length:
                break
            yield Answer(number, kind, bytes(self._in[start + 9 : start + 4 + length]))
            start += 4 + length
        del self._in[:start]

    def _is_awaited(self, answer: Answer) -> bool:
        if answer.kind == VERSION:  # it contains the version instead of an id
            if answer.id < _OUR_VERSION or self._is_greeted:
                raise NotSftpError
            self._is_greeted = True
            return False
        kind = self._pending.pop(answer.id, None)
        if kind is None or answer.kind not in (STATUS, _ANSWER_KINDS.get(kind)):
            raise NotSftpError
        if answer.id not in self._abandoned:
            return True
        self._abandoned.discard(answer.id)
        if answer.kind == HANDLE:
            self.close(handle_of(answer))
        return False


def string(value: bytes) -> bytes:
    """Encode a string: length, then bytes."""
    return struct.pack(">I", len(value)) + value


def open_for_reading(path: bytes) -> tuple[bytes, ...]:
    """Encode the body of OPEN: the path, the flag for reading, no attributes."""
    return string(path), struct.pack(">II", 1, 0)


def read_at(handle: bytes, offset: int, length: int) -> tuple[bytes, ...]:
    """Encode the body of READ."""
    return string(handle), struct.pack(">QI", offset, length)


def handle_of(answer: Answer) -> bytes:
    """Decode a HANDLE."""
    handle = _string(answer.body, 0)[0]
    if len(handle) > _MAX_HANDLE:
        raise NotSftpError
    return handle


def data_of(answer: Answer) -> bytes:
    """Decode a DATA: the bytes read."""
    return _string(answer.body, 0)[0]


def status_of(answer: Answer) -> tuple[int, str]:
    """Decode a STATUS: the code and the server's message."""
    code = _unpack(">I", answer.body, 0)[0]
    words = _string(answer.body, 4)[0] if len(answer.body) >= 8 else b""
    return code, words.decode(errors="replace")


def attributes_of(answer: Answer) -> Attributes:
    """Decode an ATTRS."""
    return _attributes(answer.body, 0)[0]


def max_handles_of(answer: Answer) -> int:
    """Decode the reply to `limits@openssh.com`: open handles, 0 if unlimited. (OpenSSH PROTOCOL, 4.8)"""
    return _unpack(">QQQQ", answer.body, 0)[3]


def names_of(answer: Answer) -> Iterator[tuple[bytes, Attributes]]:
    """Decode a NAME: raw names with their attributes; the `ls -l` line is skipped."""
    position = 4
    for _ in range(_unpack(">I", answer.body, 0)[0]):
        name, position = _string(answer.body, position)
        position = _string(answer.body, position)[1]
        attributes, position = _attributes(answer.body, position)
        yield name, attributes


def _attributes(body: bytes, position: int) -> tuple[Attributes, int]:
    flags = _unpack(">I", body, position)[0]
    position += 4
    size = mode = mtime = None
    if flags & 0x1:
        size = _unpack(">Q", body, position)[0]
        position += 8
    if flags & 0x2:
        position += 8
    if flags & 0x4:
        mode = _unpack(">I", body, position)[0]
        position += 4
    if flags & 0x8:
        mtime = _unpack(">II", body, position)[1]
        position += 8
    if flags & 0x80000000:
        count = _unpack(">I", body, position)[0]
        position += 4
        for _ in range(2 * count):
            position = _string(body, position)[1]
    return Attributes(size, mode, mtime), position


def _string(body: bytes, position: int) -> tuple[bytes, int]:
    start = position + 4
    end = start + _unpack(">I", body, position)[0]
    if end > len(body):
        raise NotSftpError
    return body[start:end], end


def _unpack(form: str, body: bytes, position: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, body, position)
    except struct.error as error:
        raise NotSftpError from error
