"""What is taken and why the rest is left; and a local copy that nobody ever sees half."""

import errno
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import ConfigError, SourceError, TemporaryError
from etstats.sync import planner
from etstats.sync.planner import KnownFile, SkipReason, clear_partials, local_files, plan, store_local
from etstats.sync.source import Listing, Refused

MARK = ListingState(mtime=0, first_seen=0, listed=0)


def at(text: str) -> datetime:
    """A moment of the server's clock, which has no zone."""
    return datetime.fromisoformat(text)


def remote(name: str, size: int = 10, mtime: int = 100) -> RemoteFile:
    return RemoteFile(name=name, size=size, mtime=mtime)


def listing(*files: RemoteFile, refused: tuple[Refused, ...] = ()) -> Listing:
    return Listing(files=files, refused=refused, mark=MARK)


def stamp_of(name: str) -> datetime | None:
    """Names like `2025-10-02-232818-supply-round-1.txt`; the pattern is not this room's business."""
    try:
        return datetime.strptime(name[:17], "%Y-%m-%d-%H%M%S") if name.endswith(".txt") else None  # noqa: DTZ007
    except ValueError:
        return None


OLD = remote("2025-10-01-200000-supply-round-1.txt")
NEW = remote("2025-10-02-200000-supply-round-1.txt")


def reasons(todo: planner.FetchPlan) -> dict[str, tuple[SkipReason, str]]:
    return {skipped.name: (skipped.layer, skipped.reason) for skipped in todo.skipped}


def test_takes_everything_new_oldest_first() -> None:
    """Whatever the order of the listing."""
    todo = plan(listing(NEW, OLD), stamp_of=stamp_of, known={})
    assert todo.take == (OLD, NEW)
    assert todo.here == ()
    assert todo.skipped == ()


def test_names_that_are_no_rounds_are_left_with_a_reason() -> None:
    """Junk, and what the listing refused already."""
    refused = (Refused(name="../evil", reason="not a plain file name"),)
    todo = plan(listing(remote("x_ws.dat"), refused=refused), stamp_of=stamp_of, known={})
    assert todo.take == ()
    assert reasons(todo) == {
        "../evil": (SkipReason.NAME, "not a plain file name"),
        "x_ws.dat": (SkipReason.NAME, "not the name of a round file"),
    }


def test_the_window_begins_inside_and_ends_outside() -> None:
    """`since` is the first moment taken, `until` the first one left."""
    since, until = at("2025-10-01 20:00"), at("2025-10-02 20:00")
    todo = plan(listing(OLD, NEW), stamp_of=stamp_of, known={}, since=since, until=until)
    assert todo.take == (OLD,)
    assert reasons(todo) == {NEW.name: (SkipReason.WINDOW, "not before 2025-10-02 20:00")}
    todo = plan(listing(OLD, NEW), stamp_of=stamp_of, known={}, since=at("2025-10-01 20:00:01"))
    assert reasons(todo) == {OLD.name: (SkipReason.WINDOW, "older than 2025-10-01 20:00")}


@pytest.mark.parametrize("mtime", [100, None])
def test_what_is_known_and_unchanged_is_left(mtime: int | None) -> None:
    """Imported from here, or from elsewhere and of the same size; with no local copy, it stays known."""
    todo = plan(listing(OLD), stamp_of=stamp_of, known={OLD.name: KnownFile(size=10, mtime=mtime)})
    assert todo.take == ()
    assert reasons(todo) == {OLD.name: (SkipReason.PROCESSED, "imported, and unchanged since")}


@pytest.mark.parametrize(
    "was", [KnownFile(size=9, mtime=100), KnownFile(size=10, mtime=99), KnownFile(size=9, mtime=None)]
)
def test_what_changed_is_taken_again(was: KnownFile) -> None:
    """Another size or mtime, older ones too; even when its round is stored and the old copy is here."""
    todo = plan(listing(OLD), stamp_of=stamp_of, known={OLD.name: was}, local={OLD.name: was}, rounds={OLD.name})
    assert todo.take == (OLD,)


def test_quarantine_waits_for_a_change() -> None:
    """A bad file is not fetched again and again."""
    known = {OLD.name: KnownFile(size=10, mtime=100, in_quarantine=True)}
    todo = plan(listing(OLD), stamp_of=stamp_of, known=known)
    assert reasons(todo) == {OLD.name: (SkipReason.PROCESSED, "in quarantine, and unchanged since")}
    assert plan(listing(remote(OLD.name, 11)), stamp_of=stamp_of, known=known).take != ()


def test_the_cheapest_layer_that_knows_a_file_decides() -> None:
    """Name, window, memory, local file, processed files, rounds: in this order."""
    known = {OLD.name: KnownFile(size=10, mtime=100)}
    every = {"known": known, "local": known, "memory": {OLD}, "rounds": {OLD.name}}

    def layer(**given: object) -> SkipReason:
        (skipped,) = plan(listing(OLD), stamp_of=stamp_of, **given).skipped  # type: ignore[arg-type]
        return skipped.layer

    assert layer(**every, since=at("2026-01-01")) is SkipReason.WINDOW
    assert layer(**every) is SkipReason.MEMORY
    assert layer(**every | {"memory": ()}) is SkipReason.LOCAL
    assert layer(**every | {"memory": (), "local": {}}) is SkipReason.PROCESSED
    assert layer(**every | {"memory": (), "local": {}, "known": {}}) is SkipReason.ROUNDS


def test_a_copy_that_was_never_imported_is_read_here() -> None:
    """A run that died between copy and import loses nothing and fetches nothing again."""
    todo = plan(listing(OLD), stamp_of=stamp_of, known={}, local={OLD.name: KnownFile(size=10, mtime=100)})
    assert todo.here == (OLD,)
    assert todo.take == ()


def test_a_file_that_changed_after_it_was_dealt_with_in_this_run() -> None:
    """Memory holds what was seen, not names."""
    changed = remote(OLD.name, 11)
    assert plan(listing(changed), stamp_of=stamp_of, known={}, memory={OLD}).take == (changed,)


def test_counts_the_layers_in_their_order() -> None:
    """The summary of a run."""
    known = {OLD.name: KnownFile(size=10, mtime=100)}
    todo = plan(listing(OLD, remote("a"), remote("b"), NEW), stamp_of=stamp_of, known=known)
    assert list(todo.counts().items()) == [(SkipReason.NAME, 2), (SkipReason.PROCESSED, 1)]


def test_stores_bytes_and_mtime(tmp_path: Path) -> None:
    """The copy is what the server has, in a folder that is made when missing; nothing else is left."""
    folder = tmp_path / "gamestats" / "main"
    path = store_local(folder, remote("round.txt", 5, 1_700_000_000), b"hello")
    assert path.read_bytes() == b"hello"
    assert path.stat().st_mtime == 1_700_000_000
    assert [entry.name for entry in folder.iterdir()] == ["round.txt"]
    assert local_files(folder) == {"round.txt": KnownFile(size=5, mtime=1_700_000_000)}


def test_no_folder_holds_no_copies(tmp_path: Path) -> None:
    """A folder that was deleted is empty, not an error."""
    assert local_files(tmp_path / "gone") == {}


def test_stores_only_what_is_whole(tmp_path: Path) -> None:
    """A size that does not agree writes nothing."""
    with pytest.raises(SourceError, match="4 bytes came where 5 were listed"):
        store_local(tmp_path, remote("round.txt", 5), b"hell")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../up.txt", "/etc/x", "a/b", "..", "", "a\nb"])
def test_never_writes_outside_its_folder(tmp_path: Path, name: str) -> None:
    """A name is checked again where it becomes a path."""
    with pytest.raises(SourceError, match="not a plain file name"):
        store_local(tmp_path / "in", remote(name, 1), b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """While one file is replaced over and over, whoever reads it gets one version whole."""
    versions = [bytes([letter]) * 200_000 for letter in b"abc"]
    seen: set[bytes] = set()
    store_local(tmp_path, remote("round.txt", 200_000), versions[0])
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add((tmp_path / "round.txt").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        store_local(tmp_path, remote("round.txt", 200_000), versions[number % 3])
    done.set()
    reader.join(10)
    assert seen
    assert seen <= set(versions)


@contextmanager
def a_disk_with_room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow past `size`, as a full disk would not."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_old_copy_and_no_rest(tmp_path: Path) -> None:
    """The write fails in its middle: the earlier version stays whole, and nothing half is left behind."""
    store_local(tmp_path, remote("round.txt", 5), b"whole")
    with a_disk_with_room_for(4096), pytest.raises(TemporaryError, match="no room for the local copy"):
        store_local(tmp_path, remote("round.txt", 50_000), bytes(50_000))
    assert [entry.name for entry in tmp_path.iterdir()] == ["round.txt"]
    assert (tmp_path / "round.txt").read_bytes() == b"whole"
    store_local(tmp_path, remote("round.txt", 50_000), bytes(50_000))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_may_not_be_written_is_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Read-only file systems and foreign folders name the folder and the way out."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(ConfigError, match=f"cannot use the local copy in {tmp_path}.*another data folder"):
        store_local(tmp_path, remote("round.txt", 1), b"x")


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """Said as what it is, for reading and for writing."""
    (tmp_path / "main").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot use the local copy"):
        store_local(tmp_path / "main", remote("round.txt", 1), b"x")
    with pytest.raises(ConfigError):
        local_files(tmp_path / "main")


def test_clears_what_killed_runs_left(tmp_path: Path) -> None:
    """Old leftovers go, young ones may be another run's, and copies are never touched."""
    store_local(tmp_path, remote("round.txt", 1, 1), b"x")
    for name in ("tmpold.partial", "tmpyoung.partial"):
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / "tmpold.partial", (1, 1))
    assert local_files(tmp_path).keys() == {"round.txt"}
    assert clear_partials(tmp_path) == 1
    assert {entry.name for entry in tmp_path.iterdir()} == {"round.txt", "tmpyoung.partial"}
