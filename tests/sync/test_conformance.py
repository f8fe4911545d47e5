"""The contract of `Source`, tested for every kind of source."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.errors import SourceError
from etstats.sync.opening import open_source
from etstats.sync.source import MAX_FILE_BYTES, Failed, Fetched, SftpSettings, Source
from tests.support.listings import listed, name_of, write
from tests.support.sftp_server import SSHD, OpenSshServer, TestServer

KINDS = ["folder", "asyncssh", *(["openssh"] if SSHD else [])]


@contextlib.contextmanager
def opened(kind: str, root: Path, keys: Path) -> Iterator[Source]:
    """Open the same folder with each kind of source."""
    with contextlib.ExitStack() as stack:
        place: Path | SftpSettings = root
        if kind != "folder":
            server = {"asyncssh": TestServer, "openssh": OpenSshServer}[kind](root, keys)
            place = stack.enter_context(server).settings()
        yield stack.enter_context(open_source(place))


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, root: Path, keys: Path) -> Iterator[Source]:
    """Each kind of source, for `root`."""
    with opened(request.param, root, keys) as opened_source:
        yield opened_source


@pytest.fixture(scope="module")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 10,000 files."""
    folder = tmp_path_factory.mktemp("crowd")
    for number in range(10_000):
        (folder / name_of(number)).touch()
    return folder


def test_listing_has_name_size_and_mtime(source: Source, root: Path) -> None:
    """A listing has the size and mtime of each file as from stat."""
    files = [write(root, name_of(number), b"x" * number, 1_700_000_000 + number) for number in range(250)]
    assert listed(source) == {file.name: file for file in files}


def test_empty_folder_is_an_empty_listing(source: Source) -> None:
    """An empty folder is not an error."""
    assert listed(source) == {}


def test_files_are_fetched_completely(source: Source, root: Path) -> None:
    """Empty files, one byte, more than one READ, and more files than one window are fetched completely."""
    sizes = [0, 1, 32_767, 32_768, 32_769, 100_001, *([700] * 600)]
    contents = {name_of(number): os.urandom(size) for number, size in enumerate(sizes)}
    for name, content in contents.items():
        write(root, name, content)
    outcomes = list(source.fetch(listed(source).values()))
    assert {outcome.file.name: outcome.content for outcome in outcomes if isinstance(outcome, Fetched)} == contents
    assert len(outcomes) == len(contents)


def test_fetch_without_files_yields_nothing(source: Source) -> None:
    """Fetching no files yields no outcomes."""
    assert list(source.fetch([])) == []


def test_deleted_file_does_not_affect_others(source: Source, root: Path) -> None:
    """A deleted file fails by name; the others are fetched."""
    for number in range(5):
        write(root, name_of(number))
    files = listed(source)
    (root / name_of(2)).unlink()
    outcomes = {outcome.file.name: outcome for outcome in source.fetch(files.values())}
    failed = outcomes.pop(name_of(2))
    assert isinstance(failed, Failed)
    assert failed.is_passing
    assert "deleted" in failed.reason
    assert all(isinstance(outcome, Fetched) for outcome in outcomes.values())


@pytest.mark.parametrize("content", [b"", b"short", b"as long as", b"longer than it was"])
def test_changed_file_is_not_fetched(source: Source, root: Path, content: bytes) -> None:
    """A file that shrank, grew, was emptied or has a new mtime is not fetched."""
    file = write(root, name_of(1), b"ten bytes!")
    files = listed(source)
    write(root, name_of(1), content, file.mtime + 1)
    (outcome,) = source.fetch(files.values())
    assert isinstance(outcome, Failed)
    assert outcome.is_passing
    assert isinstance(next(iter(source.fetch(listed(source).values()))), Fetched)


def test_links_folders_and_pipes_are_refused(source: Source, root: Path) -> None:
    """Links, folders and pipes are refused with a reason, whatever their names."""
    write(root, name_of(1))
    (root / name_of(2)).symlink_to(root / name_of(1))
    (root / name_of(3)).mkdir()
    os.mkfifo(root / name_of(4))
    listing = source.list_files()
    assert listing is not None
    assert [file.name for file in listing.files] == [name_of(1)]
    assert {refused.name: refused.reason for refused in listing.refused} == {
        name_of(2): "a link",
        name_of(3): "a folder",
        name_of(4): "not a regular file",
    }


def test_hostile_names_are_refused_and_escaped(source: Source, root: Path) -> None:
    """Escape sequences, line breaks, backslashes and invalid text are never printed raw."""
    for name in (b"\x1b[31mred-round-1.txt", b"two\nlines", b"back\\slash", b"\xff\xfe", b"\xe2\x80\xae.txt"):
        (root / os.fsdecode(name)).write_bytes(b"x")
    listing = source.list_files()
    assert listing is not None
    assert listing.files == ()
    assert len(listing.refused) == 5
    assert all(refused.name.isprintable() and refused.reason for refused in listing.refused)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "a/b", "..", "", "a\0b"])
def test_name_with_a_path_is_not_requested(source: Source, root: Path, name: str) -> None:
    """A name that leaves the folder fails before a request is sent."""
    (root.parent / "outside.txt").write_bytes(b"secret")
    (outcome,) = source.fetch([RemoteFile(name=name, size=6, mtime=0)])
    assert isinstance(outcome, Failed)


def test_huge_file_is_refused_by_its_size(source: Source, root: Path) -> None:
    """A file of two gigabytes is refused by its listed size."""
    with (root / name_of(1)).open("wb") as huge:
        huge.truncate(2 << 30)
    (outcome,) = source.fetch(listed(source).values())
    assert isinstance(outcome, Failed)
    assert "too large" in outcome.reason
    assert outcome.file.size > MAX_FILE_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_folder_of_10000_files_is_listed(kind: str, large_folder: Path, keys: Path) -> None:
    """A folder of 10,000 files is listed completely."""
    with opened(kind, large_folder, keys) as source:
        assert len(listed(source)) == 10_000


def test_source_is_usable_after_an_abandoned_fetch(source: Source, root: Path) -> None:
    """Answers to an abandoned fetch do not disturb later requests."""
    for number in range(50):
        write(root, name_of(number), b"%d" % number)
    files = listed(source)
    for _ in range(3):
        next(iter(source.fetch(files.values())))
    assert listed(source) == files
    assert {outcome.file.name for outcome in source.fetch(files.values())} == set(files)


def test_unchanged_folder_is_not_listed(source: Source, root: Path) -> None:
    """An unchanged folder is not listed; new, deleted and rewritten recent files are found."""
    os.utime(root, (1_700_000_000, 1_700_000_000))
    young = write(root, name_of(1), mtime=1_700_000_000)
    os.utime(root, (1_700_000_000, 1_700_000_000))
    source.list_files()  # the first may go by the mtime of the moment the connection was made
    first = source.list_files()
    assert first is not None
    settled = ListingState(
        mtime=first.state.mtime,
        first_seen=first.state.listed - 5,
        listed=first.state.listed,
        recent=(young,),
    )
    assert source.list_files(settled) is None
    write(root, young.name, b"rewritten", young.mtime + 3)  # which does not move the folder's mtime
    os.utime(root, (1_700_000_000, 1_700_000_000))
    assert listed(source, settled)[young.name].size == len(b"rewritten")
    write(root, name_of(2))
    assert set(listed(source, settled)) == {name_of(1), name_of(2)}


def test_deleted_folder_is_an_error(source: Source, root: Path) -> None:
    """A deleted folder is an error, not an empty listing."""
    root.rmdir()
    with pytest.raises(SourceError, match="does not exist"):
        source.list_files()


def test_source_can_be_closed_twice(source: Source) -> None:
    """A source can be closed twice."""
    source.close()
    source.close()
