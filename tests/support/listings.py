"""Round files in a folder, and the listing of a source."""

import os
from pathlib import Path

from etstats.domain.rounds import ListingState, RemoteFile
from etstats.sync.source import Source


def name_of(number: int) -> str:
    return f"2025-10-02-{number:06d}-supply-round-{1 + number % 2}.txt"


def write(root: Path, name: str, content: bytes = b"header\n", mtime: int = 1_700_000_000) -> RemoteFile:
    path = root / name
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return RemoteFile(name=name, size=len(content), mtime=mtime)


def listed(source: Source, last: ListingState | None = None) -> dict[str, RemoteFile]:
    listing = source.list_files(last)
    assert listing is not None
    return {file.name: file for file in listing.files}
