"""SFTP version 3 as bytes: many requests in one flight, answers as they come.

Paramiko's own client sends one request and waits for its answer, which costs a round trip each. This module speaks
the same protocol over a paramiko channel and uses nothing of it but the public `sendall`, `recv`, `settimeout`.
(draft-ietf-secsh-filexfer-02)
"""

import struct
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

INIT, OPEN, CLOSE, READ, FSTAT, OPENDIR, READDIR, STAT = 1, 3, 4, 5, 8, 11, 12, 17
VERSION, STATUS, HANDLE, DATA, NAME, ATTRS = 2, 101, 102, 103, 104, 105
EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = 1, 2, 3, 4

# OpenSSH sends no packet above 256 KiB, the protocol asks for 34,000 bytes; a longer packet is not SFTP.
_MAX_PACKET = 1 << 20
_RECEIVE = 1 << 17
_MAX_HANDLE = 256  # the protocol's own bound; a handle is sent back with each request
_OUR_VERSION = 3
# A request is answered by this kind of packet or by a STATUS.
_ANSWER_KINDS = {OPEN: HANDLE, OPENDIR: HANDLE, READ: DATA, FSTAT: ATTRS, STAT: ATTRS, READDIR: NAME}


class NotSftpError(Exception):
    """The other side does not speak SFTP, or breaks its rules."""


class Channel(Protocol):
    """The three things that are used of a channel; bounded in time by `settimeout`, TimeoutError past it."""

    def settimeout(self, timeout: float | None) -> None:
        """Bound each of the two others, in seconds."""

    def sendall(self, data: bytes) -> None:
        """Send all of it, or raise OSError."""

    def recv(self, nbytes: int) -> bytes:
        """Return what has come, at most `nbytes`; b"" at the end."""


class Answer(NamedTuple):
    """One packet from the server: the id of the request it answers, its kind, and its body."""

    id: int
    kind: int
    body: bytes


class Attributes(NamedTuple):
    """A file's attributes; None where the server does not send them. `mode` includes the kind of file."""

    size: int | None
    mode: int | None
    mtime: int | None


class Wire:
    """One SFTP conversation; requests gather until `flush`."""

    def __init__(self, channel: Channel, answer_seconds: float) -> None:
        self._channel = channel
        self._answer_seconds = answer_seconds
        self._next_id = 0
        self._out = bytearray()
        self._in = bytearray()
        self._asked: dict[int, int] = {}
        self._abandoned: set[int] = set()
        self._is_greeted = False

    def hello(self) -> None:
        """Queue the INIT; requests may follow at once, since every server speaks version 3."""
        self._out += struct.pack(">IBI", 5, INIT, _OUR_VERSION)

    def ask(self, kind: int, *parts: bytes) -> int:
        """Queue a request and return its id, which the answer will carry."""
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        body = b"".join(parts)
        self._out += struct.pack(">IBI", 5 + len(body), kind, self._next_id) + body
        self._asked[self._next_id] = kind
        return self._next_id

    def close(self, handle: bytes) -> None:
        """Queue the closing of a handle; nobody waits for the answer."""
        self._abandoned.add(self.ask(CLOSE, string(handle)))

    def abandon(self, ids: Iterable[int]) -> None:
        """Drop the answers still to come for these requests; a handle among them is closed."""
        self._abandoned.update(ids)

    def flush(self) -> None:
        """Send what was queued."""
        if self._out:
            out, self._out = bytes(self._out), bytearray()
            self._channel.settimeout(self._answer_seconds)
            self._channel.sendall(out)

    def answers(self) -> list[Answer]:
        """Return all answers that have come, at least one.

        Raises TimeoutError when no whole answer comes in time, EOFError when the connection is closed, and
        NotSftpError for a packet that answers no open request or is of a kind that cannot answer it.
        """
        self.flush()
        deadline = time.monotonic() + self._answer_seconds
        while True:
            if arrived := [answer for answer in self._packets() if self._is_awaited(answer)]:
                return arrived
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
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
        if answer.kind == VERSION:  # its number is the version instead of an id
            if answer.id < _OUR_VERSION or self._is_greeted:
                raise NotSftpError
            self._is_greeted = True
            return False
        asked = self._asked.pop(answer.id, None)
        if asked is None or answer.kind not in (STATUS, _ANSWER_KINDS.get(asked)):
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
    """Decode a STATUS: code, and the server's words for it."""
    code = _unpack(">I", answer.body, 0)[0]
    words = _string(answer.body, 4)[0] if len(answer.body) >= 8 else b""
    return code, words.decode(errors="replace")


def attributes_of(answer: Answer) -> Attributes:
    """Decode an ATTRS."""
    return _attributes(answer.body, 0)[0]


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
