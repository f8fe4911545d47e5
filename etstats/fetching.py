"""One game server's part of a run: connect, look, decide, fetch, and look again until the time is up.

Each server has a thread of its own, so that a slow or dead one holds up nobody. What is whole is handed on at
once; the base is none of this module's business.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from logging import DEBUG, WARNING
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread

from etstats.errors import AccessError, ConfigError, EtstatsError, ParseError, SourceError
from etstats.logs import event
from etstats.model import RemoteFile
from etstats.parser.filename import parse_filename
from etstats.parser.reader import parse
from etstats.settings import Config, ServerConfig
from etstats.sync import mirror, open_source
from etstats.sync.mirror import KnownFile, Layer, Plan
from etstats.sync.remote import Failed, Fetched, Listing, Mark, SftpSettings, Source, Timeouts

_RECONNECT_SECONDS = 2.0
_STOP_SECONDS = 0.25  # how long it may take to notice `stop` while the kernel is waited for
# The game writes a file in several small writes: one that is not whole gets this long, and another look.
_SETTLE_SECONDS = 2.0
_YOUNG_SECONDS = 600
_AHEAD = 512  # files fetched and not yet imported: some 2 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """From where to where: a source, its local copy, what is known of it, the window of names (server clock).

    `mark`: what an earlier run's last look left behind, when everything it saw was dealt with.
    """

    server: str
    place: SftpSettings | Path
    folder: Path
    known: Mapping[str, KnownFile]
    since: datetime | None
    until: datetime | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A look is over: how many round files there are, how many will come, and how many each layer held back.

    `listed` is None when the folder was as an earlier run had left it, and was not listed.
    """

    server: str
    listed: int | None
    coming: int
    skipped: Mapping[Layer, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A whole file, with what it took to bring it (ms since the look, shared by all files of the look)."""

    server: str
    file: RemoteFile
    content: bytes
    fetch_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A file that could not be had this time."""

    server: str
    filename: str
    reason: str
    is_passing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A server is done with, in good order or by an error; `mark` when all that was seen was handed on."""

    server: str
    error: EtstatsError | None
    mark: Mark | None = None


Happening = Looked | Arrived | Missed | Ended


@dataclass(slots=True, kw_only=True)
class Timing:
    """How often to look (seconds; None: once) and until when (`time.monotonic`); `stop` ends it early."""

    poll: float | None = None
    until: float = field(default_factory=lambda: time.monotonic() + 600)
    stop: Event = field(default_factory=Event)

    @property
    def is_over(self) -> bool:
        """Whether no further look is wished."""
        return self.stop.is_set() or time.monotonic() >= self.until

    def wait(self, seconds: float, changed: Event | None = None) -> None:
        """Pause, not past the end; `changed`, which is cleared, ends the pause at once."""
        end = min(time.monotonic() + seconds, self.until)
        if changed is None:
            self.stop.wait(max(0.0, end - time.monotonic()))
            return
        while not self.is_over and (rest := end - time.monotonic()) > 0:
            if changed.wait(min(rest, _STOP_SECONDS)):
                changed.clear()
                return


@contextmanager
def started(routes: list[Route], timing: Timing) -> Iterator[Iterator[list[Happening]]]:
    """Fetch from all servers side by side, from the beginning of the block on.

    Gives what happens, gathered as it comes, until all have ended; leaving the block ends them.
    """
    queue: Queue[Happening] = Queue(maxsize=_AHEAD)
    threads = [Thread(target=_serve, args=(route, timing, queue.put), daemon=True) for route in routes]
    for thread in threads:
        thread.start()
    try:
        yield _gathered(queue, len(routes))
    finally:
        timing.stop.set()
        while any(thread.is_alive() for thread in threads):
            _drain(queue)
            threads[0].join(0.05)
            threads = [thread for thread in threads if thread.is_alive()]


def _gathered(queue: Queue[Happening], open_routes: int) -> Iterator[list[Happening]]:
    while open_routes:
        happenings = [queue.get()]
        while len(happenings) < _AHEAD:
            try:
                happenings.append(queue.get_nowait())
            except Empty:
                break
        open_routes -= sum(isinstance(h, Ended) for h in happenings)
        yield happenings


def _drain(queue: Queue[Happening]) -> None:
    """Let a thread that waits for room go on to its end."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return


@dataclass(slots=True)
class _Memory:
    """What a run remembers of a server: the mark of its last look, files dealt with, and those that were not
    whole, with when that was."""

    mark: Mark | None
    has_looked: bool = False
    done: set[RemoteFile] = field(default_factory=set)
    unfinished: dict[RemoteFile, float] = field(default_factory=dict)

    def may_still_grow(self, file: RemoteFile, content: bytes) -> bool:
        """Whether a young file is not whole and has not stood like that for a while."""
        try:
            parse(file.name, content)
        except ParseError:
            return time.monotonic() - self.unfinished.setdefault(file, time.monotonic()) < _SETTLE_SECONDS
        return False


def _serve(route: Route, timing: Timing, deliver: Callable[[Happening], None]) -> None:
    error: EtstatsError | None = None
    memory = _Memory(route.mark)
    try:
        while True:
            error = _connected(route, timing, memory, deliver)
            if error is None or timing.poll is None or timing.is_over:
                break
            event("connection lost", server=route.server, reason=str(error))
            timing.wait(_RECONNECT_SECONDS)
    except EtstatsError as refused:  # nothing that another try in this run would mend
        error = refused
    except Exception as fault:  # noqa: BLE001  # a fault of ours in a thread must reach the report, not vanish
        error = EtstatsError(f"{route.server}: {type(fault).__name__}: {fault}; this is a fault of etstats")
    deliver(Ended(server=route.server, error=error, mark=memory.mark if error is None else None))


def _connected(
    route: Route, timing: Timing, memory: _Memory, deliver: Callable[[Happening], None]
) -> SourceError | None:
    """Look and fetch over one connection until the time is up; what broke it, if anything did."""
    try:
        with open_source(route.place) as source, _changes(route.place, timing) as changed:
            while True:
                began = time.monotonic()
                listing = source.look(memory.mark)
                if listing is None and not memory.has_looked:
                    deliver(Looked(server=route.server, listed=None, coming=0, skipped={}))
                    event("unchanged", server=route.server)
                memory.has_looked = True
                if listing is not None:
                    # After a file was missed the next look must list it again, whatever the folder's mtime says.
                    memory.mark = None
                    if _take(route, source, listing, memory, timing=timing, deliver=deliver):
                        memory.mark = listing.mark
                if timing.poll is not None:
                    timing.wait(timing.poll - (time.monotonic() - began), changed)
                elif memory.mark is None and memory.unfinished.keys() - memory.done:
                    timing.wait(_SETTLE_SECONDS)
                else:
                    return None
                if timing.is_over:
                    return None
    except (AccessError, ConfigError):
        raise
    except SourceError as error:
        return error


def _changes(place: SftpSettings | Path, timing: Timing) -> AbstractContextManager[Event | None]:
    """The kernel's word of new files, where there is one to be had and somebody waits for it."""
    if timing.poll is None or not isinstance(place, Path):
        return nullcontext()
    from etstats.sync.events import folder_events  # watchdog is loaded only by those who wait

    return folder_events(place)


def _take(
    route: Route,
    source: Source,
    listing: Listing,
    memory: _Memory,
    *,
    timing: Timing,
    deliver: Callable[[Happening], None],
) -> bool:
    """Bring what one listing shows to be new; False when the next look must list everything again.

    When the time of the run is up, the rest is left for the next one.
    """
    started = time.monotonic()
    decided = _plan(route, listing, memory.done)
    coming = len(decided.take) + len(decided.here)
    skipped = decided.counts()
    listed = coming + sum(skipped.values()) - skipped.get(Layer.NAME, 0)
    deliver(Looked(server=route.server, listed=listed, coming=coming, skipped=skipped))
    for held in decided.skipped:
        event("skipped", level=DEBUG, server=route.server, file=held.name, layer=held.layer, reason=held.reason)
    young = max((file.mtime for file in listing.files), default=0) - _YOUNG_SECONDS
    complete = True
    for number, outcome in enumerate(_bring(route, source, decided)):
        if timing.is_over:
            event("time is up", server=route.server, left=coming - number)
            return False
        file = outcome.file
        if isinstance(outcome, Failed):
            complete = False
            deliver(
                Missed(
                    server=route.server, filename=file.name, reason=outcome.reason, is_passing=outcome.is_passing
                )
            )
        elif file.mtime >= young and memory.may_still_grow(file, outcome.content):
            complete = False
            event("not whole yet", server=route.server, file=file.name, bytes=file.size)
        else:
            memory.done.add(file)
            _keep_copy(route, file, outcome.content)
            took = 1000 * (time.monotonic() - started)
            deliver(Arrived(server=route.server, file=file, content=outcome.content, fetch_ms=took))
    if decided.take:
        with suppress(OSError):  # the next run tries again
            mirror.clear_partials(route.folder)
    return complete


def _bring(route: Route, source: Source, decided: Plan) -> Iterator[Fetched | Failed]:
    """First the copies that an earlier run did not live to import, then what has to come over the line."""
    unreadable: list[RemoteFile] = []
    for file in decided.here:
        try:
            content = (route.folder / file.name).read_bytes()
        except OSError:
            unreadable.append(file)
        else:
            yield Fetched(file=file, content=content)
    yield from source.fetch([*unreadable, *decided.take])


def decide(route: Route) -> Plan:
    """What a run would take now, and what it would leave; fetches nothing."""
    with open_source(route.place) as source:
        listing = source.look()
    assert listing is not None  # noqa: S101  # a first look always lists
    return _plan(route, listing, ())


def _plan(route: Route, listing: Listing, done: Collection[RemoteFile]) -> Plan:
    return mirror.plan(
        listing,
        stamp_of=_stamp_of,
        known=route.known,
        local=_local(route),
        memory=done,
        since=route.since,
        until=route.until,
    )


def _local(route: Route) -> dict[str, KnownFile]:
    """The local copies; a folder that cannot be read holds none, since nothing depends on it."""
    try:
        return mirror.local_files(route.folder)
    except EtstatsError as error:
        event("no local copies", level=WARNING, server=route.server, reason=str(error))
        return {}


def _keep_copy(route: Route, file: RemoteFile, content: bytes) -> None:
    """The local copy is a convenience: the base archives the same bytes, so a full disk here loses nothing."""
    try:
        mirror.store_local(route.folder, file, content)
    except EtstatsError as error:
        event("no local copy", level=WARNING, server=route.server, file=file.name, reason=str(error))


def place_of(server: ServerConfig, config: Config) -> SftpSettings | Path:
    """A server of the settings as sync wants it: how to reach it, or the folder on this machine."""
    if server.path is not None:
        return Path(server.path).expanduser()
    return SftpSettings(
        host=server.host or "",
        remote_path=server.remote_path or "",
        port=server.port,
        user=server.user,
        key_file=Path(server.key_file).expanduser() if server.key_file else None,
        known_hosts=Path(server.known_hosts).expanduser() if server.known_hosts else None,
        timeouts=Timeouts(connect=config.sync.connect_timeout, answer=config.sync.read_timeout),
    )


def _stamp_of(name: str) -> datetime | None:
    parsed = parse_filename(name)
    return parsed.stamp if parsed else None
