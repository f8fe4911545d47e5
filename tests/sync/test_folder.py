"""Faults of a local folder."""

import errno
import os
from pathlib import Path

import pytest

from etstats.errors import AccessError, SourceError
from etstats.sync import folder
from etstats.sync.source import Failed, Fetched
from tests.support.listings import name_of, write


def test_missing_folder_is_reported(tmp_path: Path) -> None:
    """A wrong path, or a disk that is not mounted."""
    with pytest.raises(SourceError, match=r"the folder .*gone does not exist"):
        folder.open_folder(tmp_path / "gone")


def test_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    """The error says that the path is a file."""
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="is not a folder"):
        folder.open_folder(tmp_path / "file")


def test_unreadable_folder_is_an_access_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the OSError is simulated."""

    def refuse(path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AccessError, match="no permission to read the folder"):
        folder.open_folder(tmp_path)


def test_unreadable_file_does_not_affect_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other files are fetched."""
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


def test_link_or_pipe_in_place_of_a_file_is_rejected(root: Path, tmp_path: Path) -> None:
    """A link is not followed, and a pipe does not block."""
    files = [write(root, name_of(number), b"secret") for number in range(2)]
    (root / "secret").write_bytes(b"secret")
    for file in files:
        (root / file.name).unlink()
    (root / files[0].name).symlink_to(root / "secret")
    os.mkfifo(root / files[1].name)
    with folder.open_folder(root) as source:
        assert all(isinstance(outcome, Failed) for outcome in source.fetch(files))


def test_folder_with_too_many_names_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with too many names is an error."""
    for number in range(11):
        write(root, name_of(number))
    monkeypatch.setattr(folder, "MAX_NAMES", 10)
    with folder.open_folder(root) as source, pytest.raises(SourceError, match="more than 10 names"):
        source.list_files()
