"""Local copies: complete or missing, inside their folder, with the source's mtime."""

import errno
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etstats.domain.files import KnownFile
from etstats.errors import ConfigError, SourceError, TemporaryError
from etstats.sync.local_copies import clear_partials, local_files, write_copy
from tests.support.processes import HANG_SECONDS


def test_copy_has_the_bytes_and_mtime(tmp_path: Path) -> None:
    """The copy equals the file; the folder is created; no other file is left."""
    folder = tmp_path / "gamestats" / "main"
    path = write_copy(folder, "round.txt", b"hello", 1_700_000_000)
    assert path.read_bytes() == b"hello"
    assert path.stat().st_mtime == 1_700_000_000
    assert [entry.name for entry in folder.iterdir()] == ["round.txt"]
    assert local_files(folder) == {"round.txt": KnownFile(size=5, mtime=1_700_000_000)}


def test_missing_folder_is_empty(tmp_path: Path) -> None:
    """A deleted folder is treated as empty."""
    assert local_files(tmp_path / "gone") == {}


@pytest.mark.parametrize("name", ["../up.txt", "/etc/x", "a/b", "..", "", "a\nb"])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, name: str) -> None:
    """Names are checked again before they are joined to a path."""
    with pytest.raises(SourceError, match="not a plain file name"):
        write_copy(tmp_path / "in", name, b"x", 1_700_000_000)
    assert list(tmp_path.iterdir()) == []


def test_reader_never_gets_a_partial_file(tmp_path: Path) -> None:
    """While a file is replaced repeatedly, a reader always gets a complete version."""
    versions = [bytes([letter]) * 200_000 for letter in b"abc"]
    seen: set[bytes] = set()
    write_copy(tmp_path, "round.txt", versions[0], 1_700_000_000)
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add((tmp_path / "round.txt").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        write_copy(tmp_path, "round.txt", versions[number % 3], 1_700_000_000)
    done.set()
    reader.join(HANG_SECONDS)
    assert seen
    assert seen <= set(versions)


@contextmanager
def limited_file_size(size: int) -> Iterator[None]:
    """Limit the file size of this process, to simulate a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_keeps_the_old_copy(tmp_path: Path) -> None:
    """If a write fails, the earlier version is kept and no partial file is left."""
    write_copy(tmp_path, "round.txt", b"whole", 1_700_000_000)
    with limited_file_size(4096), pytest.raises(TemporaryError, match="no space for the local copy"):
        write_copy(tmp_path, "round.txt", bytes(50_000), 1_700_000_000)
    assert [entry.name for entry in tmp_path.iterdir()] == ["round.txt"]
    assert (tmp_path / "round.txt").read_bytes() == b"whole"
    write_copy(tmp_path, "round.txt", bytes(50_000), 1_700_000_000)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_unwritable_folder_is_a_config_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The error for a read-only or foreign folder names the folder and the solution."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(ConfigError, match=f"cannot use the local copy in {tmp_path}.*another data folder"):
        write_copy(tmp_path, "round.txt", b"x", 1_700_000_000)


def test_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    """The error says that the path is not a folder, for reading and writing."""
    (tmp_path / "main").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot use the local copy"):
        write_copy(tmp_path / "main", "round.txt", b"x", 1_700_000_000)
    with pytest.raises(ConfigError):
        local_files(tmp_path / "main")


def test_old_partial_files_are_removed(tmp_path: Path) -> None:
    """Old partial files are removed; recent ones and copies are kept."""
    write_copy(tmp_path, "round.txt", b"x", 1_700_000_000)
    for name in ("tmpold.partial", "tmpyoung.partial"):
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / "tmpold.partial", (1, 1))
    assert local_files(tmp_path).keys() == {"round.txt"}
    assert clear_partials(tmp_path) == 1
    assert {entry.name for entry in tmp_path.iterdir()} == {"round.txt", "tmpyoung.partial"}
