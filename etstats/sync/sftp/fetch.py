"""Fetch many files at once over one channel: OPEN each file, then send READ, FSTAT and CLOSE together."""

import stat
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from etstats.domain.rounds import RemoteFile
from etstats.sync.sftp import wire as sftp_wire
from etstats.sync.sftp.wire import Answer, Attributes, Wire
from etstats.sync.source import MAX_FILE_BYTES, Failed, Fetched, outcome, refusal, shown

DEFAULT_HANDLES = 512  # open files, if the server sends no limit
MAX_HANDLES = 4_096
_CHUNK = 32_768  # every server can return this many bytes in one answer
_MAX_BYTES_IN_FLIGHT = 24 << 20
_MIN_COST = 2_048  # counted for a smaller file, so that the number of empty files is limited too


_UNKNOWN = Attributes(None, None, None)


@dataclass(slots=True)
class _Flight:
    """A file being fetched. `alone` and `window` have their values from when its OPEN was sent."""

    file: RemoteFile
    window: int
    alone: bool
    is_open: bool = False
    waiting: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)
    attributes: Attributes = _UNKNOWN
    error: str = ""


def pipelined(
    wire: Wire, folder: bytes, files: Iterable[RemoteFile], handles: int = DEFAULT_HANDLES
) -> Iterator[Fetched | Failed]:
    """Fetch the files with at most `handles` open at once; yield each file when it is complete.

    A connection error is raised after the complete files were yielded. If the server refuses to open so many
    files, the number is halved, down to one.
    """
    fetch = _Fetch(wire, folder, files, handles)
    try:
        while fetch.is_busy:
            yield from fetch.launch()
            done = fetch.land()
            broken: Exception | None = None
            try:
                done += fetch.launch()
                wire.flush_if_idle()  # the server continues while the caller works
            except (OSError, EOFError) as error:
                broken = error
            yield from done
            if broken is not None:
                raise broken
    finally:
        wire.abandon(fetch.asked)


class _Fetch:
    def __init__(self, wire: Wire, folder: bytes, files: Iterable[RemoteFile], handles: int) -> None:
        self._wire = wire
        self._folder = folder
        self._queue = deque(files)
        self._window = handles
        # A server answers in order: after a queued CLOSE, the handle is free for a later OPEN.
        self._open = 0
        self._flying = 0
        self._bytes = 0
        self.asked: dict[int, tuple[_Flight, int]] = {}

    @property
    def is_busy(self) -> bool:
        return bool(self._queue or self._flying)

    def launch(self) -> list[Failed]:
        """Queue OPENs up to the window; refused names and too large files fail at once."""
        unfit: list[Failed] = []
        while (
            self._queue and self._open < self._window and (not self._flying or self._bytes < _MAX_BYTES_IN_FLIGHT)
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
            self._open += 1
            self._flying += 1
            self._bytes += max(file.size, _MIN_COST)
        return unfit

    def land(self) -> list[Fetched | Failed]:
        """Process the received answers and return the files that they complete."""
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
                self._bytes -= max(flight.file.size, _MIN_COST)
                if flight.is_open or not self._is_put_back(flight, answer):
                    done.append(_outcome(flight, answer))
        return done

    def _keep(self, flight: _Flight, offset: int, data: bytes) -> None:
        """Store the bytes read at an offset; more bytes than requested are an error, to limit the memory."""
        if len(data) > min(_CHUNK, flight.file.size - offset):
            flight.error = flight.error or "the server sent more bytes than requested"
            flight.parts.clear()
        if not flight.error:
            flight.parts[offset] = data

    def _ask(self, flight: _Flight, offset: int, kind: int, *parts: bytes) -> None:
        self.asked[self._wire.ask(kind, *parts)] = flight, offset

    def _opened(self, flight: _Flight, answer: Answer) -> None:
        self._open -= 1
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
        """Queue a file again if it was refused because too many files were open; return whether it was."""
        if flight.alone or answer.kind != sftp_wire.STATUS or sftp_wire.status_of(answer)[0] != sftp_wire.FAILURE:
            return False
        # Many files are refused together; only the first of them reduces the window.
        if flight.window == self._window:
            self._window = max(1, self._window // 2)
        self._queue.append(flight.file)
        return True


def _outcome(flight: _Flight, answer: Answer) -> Fetched | Failed:
    file = flight.file
    if not flight.is_open and answer.kind == sftp_wire.STATUS:
        code = sftp_wire.status_of(answer)[0]
        if code == sftp_wire.NO_SUCH_FILE:
            return Failed(file=file, reason="deleted after it was listed", is_passing=True)
        if code == sftp_wire.PERMISSION_DENIED:
            return Failed(file=file, reason="permission denied")
    if flight.error:
        return Failed(file=file, reason=flight.error)
    size, mode, mtime = flight.attributes
    if mode is not None and not stat.S_ISREG(mode):
        return Failed(file=file, reason="no longer a regular file", is_passing=True)
    content = b"".join(flight.parts[offset] for offset in sorted(flight.parts))
    return outcome(file, content, size, mtime)


def _words(answer: Answer, but: int | None = None) -> str:
    if answer.kind != sftp_wire.STATUS:
        raise sftp_wire.NotSftpError
    code, words = sftp_wire.status_of(answer)
    return "" if code == but else shown(words).lower() or f"the server returned an error (code {code})"
