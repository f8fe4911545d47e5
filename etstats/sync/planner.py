"""Decide which files of a listing to fetch, and why the others are skipped. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from etstats.domain.rounds import RemoteFile
from etstats.sync.source import Listing


class SkipReason(StrEnum):
    """The layers against doing a file twice, cheapest first; the first that knows a file decides."""

    NAME = "name"
    WINDOW = "age window"
    MEMORY = "memory"
    LOCAL = "local file"
    PROCESSED = "processed files"
    ROUNDS = "rounds"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file's size and mtime when it was last taken; mtime None when it came from elsewhere than this source."""

    size: int
    mtime: int | None
    in_quarantine: bool = False

    def is_same(self, file: RemoteFile) -> bool:
        """Say whether the listing still shows the file that was taken."""
        return self.size == file.size and self.mtime in (None, file.mtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that is not taken, by which layer, and why."""

    name: str
    layer: SkipReason
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPlan:
    """The files to fetch, oldest first, and the files that are skipped."""

    take: tuple[RemoteFile, ...]
    skipped: tuple[Skipped, ...]

    def counts(self) -> dict[SkipReason, int]:
        """Count the skipped files of each layer, in the order of the layers."""
        counted = Counter(skipped.layer for skipped in self.skipped)
        return {layer: counted[layer] for layer in SkipReason if counted[layer]}


def plan(
    listing: Listing,
    *,
    stamp_of: Callable[[str], datetime | None],
    known: Mapping[str, KnownFile],
    rounds: Collection[str] = (),
    local: Mapping[str, KnownFile] | None = None,
    memory: Collection[RemoteFile] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> FetchPlan:
    """Decide for each listed file whether to take it. Pure: same input, same answer.

    `stamp_of` gives the time in a round file's name, None when it is not a round file; `since` (inclusive) and
    `until` (exclusive) are of the same kind, the server's clock without zone. `memory`: files dealt with earlier
    in this run. `local`: what the local folder holds. `known`: what the database has, quarantine included; a size
    or mtime that moved since means: take again. `rounds`: names of files whose round is stored.
    """
    local = local or {}
    take: list[tuple[datetime, RemoteFile]] = []
    skipped = [
        Skipped(name=refused.name, layer=SkipReason.NAME, reason=refused.reason) for refused in listing.refused
    ]
    for file in listing.files:
        stamp = stamp_of(file.name)
        if stamp is None:
            skipped.append(Skipped(name=file.name, layer=SkipReason.NAME, reason="not the name of a round file"))
            continue
        found = _outside(stamp, since, until) or _known(file, known.get(file.name), local, memory, rounds)
        if found is not None:
            skipped.append(Skipped(name=file.name, layer=found[0], reason=found[1]))
        else:
            take.append((stamp, file))
    return FetchPlan(take=_oldest_first(take), skipped=tuple(skipped))


def _outside(stamp: datetime, since: datetime | None, until: datetime | None) -> tuple[SkipReason, str] | None:
    if since is not None and stamp < since:
        return SkipReason.WINDOW, f"older than {since:%Y-%m-%d %H:%M}"
    if until is not None and stamp >= until:
        return SkipReason.WINDOW, f"not before {until:%Y-%m-%d %H:%M}"
    return None


def _known(
    file: RemoteFile,
    taken: KnownFile | None,
    local: Mapping[str, KnownFile],
    memory: Collection[RemoteFile],
    rounds: Collection[str],
) -> tuple[SkipReason, str] | None:
    if file in memory:
        return SkipReason.MEMORY, "dealt with earlier in this run"
    if taken is None:
        # A local copy alone proves nothing: only an archived file counts as imported.
        return (SkipReason.ROUNDS, "its round is stored") if file.name in rounds else None
    if not taken.is_same(file):
        return None
    if taken.in_quarantine:
        return SkipReason.PROCESSED, "in quarantine, and unchanged since"
    if file.name in local and local[file.name].is_same(file):
        return SkipReason.LOCAL, "in the local folder, imported, and unchanged since"
    return SkipReason.PROCESSED, "imported, and unchanged since"


def _oldest_first(files: list[tuple[datetime, RemoteFile]]) -> tuple[RemoteFile, ...]:
    return tuple(file for _, file in sorted(files, key=lambda pair: (pair[0], pair[1].name)))
