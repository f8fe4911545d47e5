"""The source of a game server's folder over SFTP, with as few round trips as the protocol allows.

A listing sends many READDIRs ahead, whose answers include size and mtime; a fetch reads many files at once over
one channel (`fetch.py`). Figures: docs/benchmarks.md.
"""

import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import AccessError, FolderError, SourceError
from etstats.sync.sftp import connect as sftp_connect
from etstats.sync.sftp import known_hosts
from etstats.sync.sftp import wire as sftp_wire
from etstats.sync.sftp.dial import Dial
from etstats.sync.sftp.fetch import DEFAULT_HANDLES, MAX_HANDLES, pipelined
from etstats.sync.sftp.wire import Answer, Attributes, NotSftpError, Wire
from etstats.sync.source import (
    FOLDER,
    MAX_NAMES,
    UNKNOWN_MTIME,
    Failed,
    Fetched,
    Listing,
    Refused,
    SftpSettings,
    is_unchanged,
    next_state,
    refusal,
    shown,
    shown_name,
)

_READDIRS = 64
_MAX_EMPTY_ANSWERS = 100
_LIMITS = b"limits@openssh.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """The folder's mtime and open handle from the handshake, for the first listing."""

    mtime: int
    at: float
    handle: bytes


class SftpSource:
    """The `Source` of a remote folder; created by `connect`."""

    def __init__(self, connection: sftp_connect.Connection, wire: Wire, settings: SftpSettings) -> None:
        self._connection = connection
        self._wire = wire
        self._timeouts = settings.timeouts
        self._path = _remote_path(settings.remote_path)
        self._first: _First | None = None
        self._handles = DEFAULT_HANDLES

    def list_files(self, last: ListingState | None = None) -> Listing | None:
        """List the folder, or return None when nothing can have changed since `last`."""
        with self._mapped():
            now = time.time()
            first, self._first = self._first, None
            if first is not None and last is None:
                now, mtime, handle = first.at, first.mtime, first.handle
            else:
                if first is not None:
                    self._wire.close(first.handle)
                mtime, is_same = self._stat(last.recent if last is not None else ())
                if last is not None and is_same and is_unchanged(last, mtime, now):
                    return None
                opened = self._wire.ask(sftp_wire.OPENDIR, sftp_wire.string(self._path))
                handle = self._handle(self._collect({opened})[opened])
            files, refused = self._list(handle)
        return Listing(files=tuple(files), refused=tuple(refused), state=next_state(last, mtime, now, files))

    def fetch(self, files: Iterable[RemoteFile]) -> Iterator[Fetched | Failed]:
        """Read many files at once; yield each file as soon as it is complete."""
        with self._mapped():
            yield from pipelined(self._wire, self._path, files, self._handles)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def greet(self) -> None:
        """Negotiate the protocol, stat the folder and open it, in one round trip."""
        with self._mapped():
            self._wire.hello()
            now = time.time()
            folder = sftp_wire.string(self._path)
            requested, opened = self._wire.ask(sftp_wire.STAT, folder), self._wire.ask(sftp_wire.OPENDIR, folder)
            limits = self._wire.ask(sftp_wire.EXTENDED, sftp_wire.string(_LIMITS))
            try:
                answers = self._collect({requested, opened, limits})
            except (EOFError, OSError) as error:
                if isinstance(error, TimeoutError) or not self._connection.is_alive():
                    raise
                raise self._connection.no_sftp() from error
            self._handles = _handles(answers[limits])
            mtime = self._folder_mtime(answers[requested])
            self._first = _First(mtime=mtime, at=now, handle=self._handle(answers[opened]))

    def _stat(self, recent: Iterable[RemoteFile]) -> tuple[int, bool]:
        """Return the folder's mtime, and whether the recent files are unchanged, in one round trip."""
        folder = self._wire.ask(sftp_wire.STAT, sftp_wire.string(self._path))
        requests = {
            self._wire.ask(sftp_wire.STAT, sftp_wire.string(self._path + b"/" + file.name.encode())): file
            for file in recent
        }
        answers = self._collect({folder, *requests})
        is_same = all(_is_same(answers[number], file) for number, file in requests.items())
        return self._folder_mtime(answers[folder]), is_same

    def _folder_mtime(self, answer: Answer) -> int:
        if answer.kind != sftp_wire.ATTRS:
            raise self._folder_error(answer)
        found = sftp_wire.attributes_of(answer)
        if found.mode is not None and not stat.S_ISDIR(found.mode):
            raise FolderError(
                f"{self._location} is not a folder: set remote_path to the folder of the round files"
            )
        return UNKNOWN_MTIME if found.mtime is None else found.mtime

    def _handle(self, answer: Answer) -> bytes:
        if answer.kind != sftp_wire.HANDLE:
            raise self._folder_error(answer)
        return sftp_wire.handle_of(answer)

    def _list(self, handle: bytes) -> tuple[list[RemoteFile], list[Refused]]:
        files: list[RemoteFile] = []
        refused: list[Refused] = []
        pending: set[int] = set()
        empty, is_done = 0, False
        deadline = time.monotonic() + self._timeouts.listing
        # A removed folder reads as empty through an open handle: request its path as well.
        still = self._wire.ask(sftp_wire.STAT, sftp_wire.string(self._path))
        while not is_done:
            while len(pending) < _READDIRS:
                pending.add(self._wire.ask(sftp_wire.READDIR, sftp_wire.string(handle)))
            for answer in self._wire.answers():
                if answer.id == still:
                    self._folder_mtime(answer)
                    continue
                pending.discard(answer.id)
                if answer.kind != sftp_wire.NAME:
                    if answer.kind != sftp_wire.STATUS or sftp_wire.status_of(answer)[0] != sftp_wire.EOF:
                        raise self._folder_error(answer)
                    is_done = True
                    continue
                before = len(files) + len(refused)
                for raw, attributes in sftp_wire.names_of(answer):
                    _sort_in(raw, attributes, files, refused)
                empty = empty + 1 if len(files) + len(refused) == before else 0
            if len(files) + len(refused) > MAX_NAMES or empty > _MAX_EMPTY_ANSWERS or time.monotonic() > deadline:
                raise SourceError(
                    f"the listing of {self._location} does not end; is it the folder of the round files?"
                )
        self._wire.abandon(pending)
        self._wire.close(handle)
        # A folder that changes during the listing may return a name twice; the later entry counts.
        return list({file.name: file for file in files}.values()), refused

    def _collect(self, requests: set[int]) -> dict[int, Answer]:
        found: dict[int, Answer] = {}
        while len(found) < len(requests):
            found.update({answer.id: answer for answer in self._wire.answers() if answer.id in requests})
        return found

    @property
    def _location(self) -> str:
        return f"{shown(self._path.decode(errors='replace'))} on {self._connection.endpoint}"

    def _folder_error(self, answer: Answer) -> SourceError | AccessError:
        if answer.kind != sftp_wire.STATUS:
            raise NotSftpError
        code, words = sftp_wire.status_of(answer)
        if code == sftp_wire.NO_SUCH_FILE:
            return FolderError(f"the folder {self._location} does not exist: correct remote_path")
        if code == sftp_wire.PERMISSION_DENIED:
            return AccessError(
                f"no permission to read the folder {self._location}: have its owner grant permission"
            )
        return FolderError(f"cannot read the folder {self._location}: {shown(words) or f'code {code}'}")

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        with sftp_connect.mapped(self._connection.endpoint):
            try:
                yield
            except NotSftpError as error:
                raise SourceError(
                    f"{self._connection.endpoint} sent an answer that is not SFTP; "
                    "check that the account's shell start-up prints nothing"
                ) from error


def connect(settings: SftpSettings, dial: Dial | None = None) -> SftpSource:
    """Open the source of a game server; raises SourceError, AccessError, HostKeyError or ConfigError.

    `dial` is a connection to it that was started before.
    """
    connection = sftp_connect.connect(settings, dial)
    try:
        with sftp_connect.mapped(connection.endpoint):
            channel = connection.open_channel(settings.timeouts)
        source = SftpSource(connection, Wire(channel, settings.timeouts.answer), settings)
        source.greet()
    except BaseException:
        connection.close()
        raise
    return source


def probe_host_key(settings: SftpSettings) -> known_hosts.HostKey:
    """Return the server's host key without logging in to it (only to jump hosts)."""
    return sftp_connect.probe(settings)


def trust(settings: SftpSettings, key: known_hosts.HostKey) -> Path:
    """Write a host key that the administrator confirmed to known_hosts; return the path of the file."""
    return sftp_connect.trust(settings, key)


def _remote_path(text: str) -> bytes:
    """Remove a leading `~/`: SFTP paths are relative to the home folder, and SFTP does not expand a tilde."""
    path = text.rstrip("/") or "/"
    path = "." if path in {"~", "."} else path.removeprefix("~/")
    return path.encode()


def _sort_in(raw: bytes, attributes: Attributes, files: list[RemoteFile], refused: list[Refused]) -> None:
    if raw in {b".", b".."}:
        return
    try:
        name = raw.decode()
        reason = refusal(name)
    except UnicodeDecodeError:
        name, reason = raw.decode(errors="backslashreplace"), "not UTF-8"
    size, mode, mtime = attributes
    if reason is None and mode is not None and not stat.S_ISREG(mode):
        reason = "a link" if stat.S_ISLNK(mode) else FOLDER if stat.S_ISDIR(mode) else "not a regular file"
    if reason is None and (size is None or mtime is None):
        reason = "the server sent no size or time"
    if reason is not None or size is None or mtime is None:
        refused.append(Refused(name=shown_name(name), reason=reason or ""))
    else:
        files.append(RemoteFile(name=name, size=size, mtime=mtime))


def _handles(answer: Answer) -> int:
    """Return how many files to open at once: 90% of the server's limit, if it sends one."""
    if answer.kind != sftp_wire.EXTENDED_REPLY:
        return DEFAULT_HANDLES
    allowed = sftp_wire.max_handles_of(answer)
    return max(1, min(MAX_HANDLES, allowed * 9 // 10)) if allowed else DEFAULT_HANDLES


def _is_same(answer: Answer, file: RemoteFile) -> bool:
    if answer.kind != sftp_wire.ATTRS:
        return False
    found = sftp_wire.attributes_of(answer)
    return (found.size, found.mtime) == (file.size, file.mtime)
