"""Fixtures of the sync tests: a folder of round files, and servers for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sftp_server import TestServer


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A private folder for keys and known_hosts."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The served folder."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    return folder


@pytest.fixture
def server(root: Path, keys: Path) -> Iterator[TestServer]:
    """An in-process server for `root`, with faults on request."""
    with TestServer(root, keys) as running:
        yield running
