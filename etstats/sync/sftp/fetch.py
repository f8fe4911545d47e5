"""Many files in flight on one channel: each OPEN, then READ, FSTAT and CLOSE together."""

import stat
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from etstats.domain.rounds import RemoteFile
from etstats.sync.sftp import wire as sftp_wire
from etstats.sync.sftp.wire import Answer, Attributes, Wire
from etstats.sync.source import MAX_FILE_BYTES, Failed, Fetched, outcome, refusal, shown

WINDOW = 512  # files at once; OpenSSH allows about a thousand open handles
_CHUNK = 32_768  # what every server gives in one answer
_MAX_BYTES_IN_FLIGHT = 8 << 20


_UNKNOWN = Attributes(None, None, None)


@dataclass(slots=True)
class _Flight:
    """A file on its way. `alone` and `window` are as they were when its OPEN was sent."""

    file: RemoteFile
    window: int
    alone: bool
    is_open: bool = False
    waiting: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)
    attributes: Attributes = _UNKNOWN
    error: str = ""


def pipelined(wire: Wire, folder: bytes, files: Iterable[RemoteFile]) -> Iterator[Fetched | Failed]:
    """Fetch the files, yielding each as it is whole; what the wire raises comes after what was whole.

    A server that refuses to open more files at once gets half as many, down to one.
    """
    fetch = _Fetch(wire, folder, files)
    try:
        while fetch.is_busy:
            yield from fetch.launch()
            done = fetch.land()
            broken: Exception | None = None
            try:
                done += fetch.launch()
                wire.flush()  # the server works on while the caller does
            except (OSError, EOFError) as error:
                broken = error
            yield from done
            if broken is not None:
                raise broken
    finally:
        wire.abandon(fetch.asked)


class _Fetch:
    def __init__(self, wire: Wire, folder: bytes, files: Iterable[RemoteFile]) -> None:
        self._wire = wire
        self._folder = folder
        self._queue = deque(files)
        self._window = WINDOW
        self._flying = 0
        self._bytes = 0
        self.asked: dict[int, tuple[_Flight, int]] = {}

    @property
    def is_busy(self) -> bool:
        return bool(self._queue or self._flying)

    def launch(self) -> list[Failed]:
        """Queue OPENs up to the window; what may not be asked for fails at once."""
        unfit: list[Failed] = []
        while (
            self._queue
            and self._flying < self._window
            and (not self._flying or self._bytes < _MAX_BYTES_IN_FLIGHT)
        ):
            file = self._queue.popleft()
            reason = refusal(file.name)
            if reason is None and file.size > MAX_FILE_BYTES:
                reason = f"{file.size} bytes is too large for a round"
            if reason is not None:
                unfit.append(Failed(file=file, reason=reason))
                continue
            flight = _Flight(file=file, window=self._window, alone=not self._flying, waiting=1)
            self._ask(
                flight, 0, sftp_wire.OPEN, *sftp_wire.open_for_reading(self._folder + b"/" + file.name.encode())
            )
            self._flying += 1
            self._bytes += file.size
        return unfit

    def land(self) -> list[Fetched | Failed]:
        """Take the answers that have come and return the files they complete."""
        done: list[Fetched | Failed] = []
        if not self._flying:
            return done
        for answer in self._wire.answers():
            flight, offset = self.asked.pop(answer.id, (None, 0))
            if flight is None:
                continue
            flight.waiting -= 1
            if not flight.is_open:
                self._opened(flight, answer)
            elif answer.kind == sftp_wire.DATA:
                self._keep(flight, offset, sftp_wire.data_of(answer))
            elif answer.kind == sftp_wire.ATTRS:
                flight.attributes = sftp_wire.attributes_of(answer)
            else:
                flight.error = flight.error or _words(answer, but=sftp_wire.EOF)
            if not flight.waiting:
                self._flying -= 1
                self._bytes -= flight.file.size
                if flight.is_open or not self._is_put_back(flight, answer):
                    done.append(_judge(flight, answer))
        return done

    def _keep(self, flight: _Flight, offset: int, data: bytes) -> None:
        """Keep the bytes read at an offset; a server that sends more than was asked for would fill the memory."""
        if len(data) > min(_CHUNK, flight.file.size - offset):
            flight.error = flight.error or "the server sent more bytes than requested"
            flight.parts.clear()
        if not flight.error:
            flight.parts[offset] = data

    def _ask(self, flight: _Flight, offset: int, kind: int, *parts: bytes) -> None:
        self.asked[self._wire.ask(kind, *parts)] = flight, offset

    def _opened(self, flight: _Flight, answer: Answer) -> None:
        if answer.kind != sftp_wire.HANDLE:
            flight.error = _words(answer)
            return
        flight.is_open = True
        handle = sftp_wire.handle_of(answer)
        size = flight.file.size
        for offset in range(0, size, _CHUNK):
            self._ask(
                flight, offset, sftp_wire.READ, *sftp_wire.read_at(handle, offset, min(_CHUNK, size - offset))
            )
        self._ask(flight, 0, sftp_wire.FSTAT, sftp_wire.string(handle))
        self._wire.close(handle)
        flight.waiting = -(-size // _CHUNK) + 1

    def _is_put_back(self, flight: _Flight, answer: Answer) -> bool:
        """Queue a file again that was refused for no reason of its own: too many were open."""
        if flight.alone or answer.kind != sftp_wire.STATUS or sftp_wire.status_of(answer)[0] != sftp_wire.FAILURE:
            return False
        # Many are refused at once; only the first of them narrows the window.
        if flight.window == self._window:
            self._window = max(1, self._window // 2)
        self._queue.append(flight.file)
        return True


def _judge(flight: _Flight, answer: Answer) -> Fetched | Failed:
    file = flight.file
    if not flight.is_open and answer.kind == sftp_wire.STATUS:
        code = sftp_wire.status_of(answer)[0]
        if code == sftp_wire.NO_SUCH_FILE:
            return Failed(file=file, reason="vanished after it was listed", is_passing=True)
        if code == sftp_wire.PERMISSION_DENIED:
            return Failed(file=file, reason="permission denied")
    if flight.error:
        return Failed(file=file, reason=flight.error)
    size, mode, mtime = flight.attributes
    if mode is not None and not stat.S_ISREG(mode):
        return Failed(file=file, reason="no regular file any more", is_passing=True)
    content = b"".join(flight.parts[offset] for offset in sorted(flight.parts))
    return outcome(file, content, size, mtime)


def _words(answer: Answer, but: int | None = None) -> str:
    if answer.kind != sftp_wire.STATUS:
        raise sftp_wire.NotSftpError
    code, words = sftp_wire.status_of(answer)
    return "" if code == but else shown(words).lower() or f"the server says no (code {code})"
