"""A local folder that is not as it should be."""

import errno
import os
from pathlib import Path

import pytest

from etstats.errors import AccessError, SourceError
from etstats.sync import folder
from etstats.sync.source import Failed, Fetched
from tests.sync.test_conformance import name_of, write


def test_no_such_folder(tmp_path: Path) -> None:
    """A wrong path, or a disk that is not mounted."""
    with pytest.raises(SourceError, match=r"there is no folder .*gone"):
        folder.open_folder(tmp_path / "gone")


def test_a_file_for_a_folder(tmp_path: Path) -> None:
    """Named as what it is."""
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="is not a folder"):
        folder.open_folder(tmp_path / "file")


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is played."""

    def refuse(path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AccessError, match="may not be read by this user"):
        folder.open_folder(tmp_path)


def test_a_file_that_may_not_be_read_fails_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others come."""
    files = [write(root, name_of(number)) for number in range(3)]
    honest = os.open

    def refuse(path: os.PathLike[str], flags: int) -> int:
        if Path(path).name == files[1].name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return honest(path, flags)

    with folder.open_folder(root) as source, monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        first, second, third = source.fetch(files)
    assert isinstance(first, Fetched)
    assert second == Failed(file=files[1], reason="permission denied")
    assert isinstance(third, Fetched)


def test_a_link_or_a_pipe_that_took_a_files_place(root: Path, tmp_path: Path) -> None:
    """Neither followed nor waited for."""
    files = [write(root, name_of(number), b"secret") for number in range(2)]
    (root / "secret").write_bytes(b"secret")
    for file in files:
        (root / file.name).unlink()
    (root / files[0].name).symlink_to(root / "secret")
    os.mkfifo(root / files[1].name)
    with folder.open_folder(root) as source:
        assert all(isinstance(outcome, Failed) for outcome in source.fetch(files))


def test_an_endless_folder_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More names than any folder of rounds has."""
    for number in range(11):
        write(root, name_of(number))
    monkeypatch.setattr(folder, "MAX_NAMES", 10)
    with folder.open_folder(root) as source, pytest.raises(SourceError, match="more than 10 names"):
        source.look()
