"""Decide which files of a listing to fetch, and why the others are skipped. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from etstats.domain.files import KnownFile
from etstats.domain.rounds import RemoteFile
from etstats.parser.filename import has_round_ending, parse_filename, refusal_of
from etstats.sync.source import Listing


class SkipReason(StrEnum):
    """The checks that skip a file, cheapest first; the first check that matches is reported.

    The rounds need no check of their own: each round references its row of `processed_files`.
    """

    NAME = "name"
    WINDOW = "age window"
    MEMORY = "memory"
    LOCAL = "local file"
    PROCESSED = "processed files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that is not fetched, the check that skipped it, and the reason."""

    name: str
    layer: SkipReason
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPlan:
    """The files to fetch, oldest first, and the files that are skipped."""

    to_fetch: tuple[RemoteFile, ...]
    skipped: tuple[Skipped, ...]

    def counts(self) -> dict[SkipReason, int]:
        """Count the skipped files of each check, in the order of the checks."""
        counted = Counter(skipped.layer for skipped in self.skipped)
        return {layer: counted[layer] for layer in SkipReason if counted[layer]}


def plan(
    listing: Listing,
    *,
    stamp_of: Callable[[str], datetime | None],
    known: Mapping[str, KnownFile],
    local: Mapping[str, KnownFile] | None = None,
    processed: Collection[RemoteFile] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    since_mtime: int | None = None,
    latest_mtime: int | None = None,
) -> FetchPlan:
    """Decide for each listed file whether to fetch it.

    `stamp_of` returns the time in a round file's name, or None for another file. `since` (inclusive) and `until`
    (exclusive) are such times: the server's clock, without zone. `processed`: files processed earlier in this run.
    `local`: the local copies. `known`: files in the database, quarantine included; a changed size or mtime means:
    fetch again. A file written at `since_mtime` or later (seconds UTC) is never too old. An mtime after
    `latest_mtime` comes from a wrong clock and is not compared.
    """
    local = local or {}
    to_fetch: list[tuple[datetime, RemoteFile]] = []
    skipped = [
        Skipped(name=refused.name, layer=SkipReason.NAME, reason=refused.reason) for refused in listing.refused
    ]
    for file in listing.files:
        stamp = stamp_of(file.name)
        if stamp is None:
            skipped.append(Skipped(name=file.name, layer=SkipReason.NAME, reason="not the name of a round file"))
            continue
        is_late = since_mtime is not None and file.mtime >= since_mtime
        found = _outside(stamp, None if is_late else since, until)
        known_file = known.get(file.name)
        if known_file is not None and latest_mtime is not None and file.mtime > latest_mtime:
            known_file = replace(known_file, mtime=None)
        found = found or _known(file, known_file, local, processed)
        if found is not None:
            skipped.append(Skipped(name=file.name, layer=found[0], reason=found[1]))
        else:
            to_fetch.append((stamp, file))
    return FetchPlan(to_fetch=_oldest_first(to_fetch), skipped=tuple(skipped))


def refused_names(listing: Listing) -> dict[str, str]:
    """Return the refused names that end like a round file, with the reasons."""
    found = {
        refused.name: refused.reason
        for refused in listing.refused
        if has_round_ending(refused.name) and parse_filename(refused.name) is None
    }
    found |= {file.name: reason for file in listing.files if (reason := refusal_of(file.name))}
    return dict(sorted(found.items()))  # a source lists in any order


def _outside(stamp: datetime, since: datetime | None, until: datetime | None) -> tuple[SkipReason, str] | None:
    if since is not None and stamp < since:
        return SkipReason.WINDOW, f"older than {since:%Y-%m-%d %H:%M}"
    if until is not None and stamp >= until:
        return SkipReason.WINDOW, f"not before {until:%Y-%m-%d %H:%M}"
    return None


def _known(
    file: RemoteFile,
    known_file: KnownFile | None,
    local: Mapping[str, KnownFile],
    processed: Collection[RemoteFile],
) -> tuple[SkipReason, str] | None:
    if file in processed:
        return SkipReason.MEMORY, "processed earlier in this run"
    if known_file is None:
        return None  # a local copy is no proof of an import: only an archived file is
    if not known_file.is_same(file):
        return None
    if known_file.in_quarantine:
        return SkipReason.PROCESSED, "in quarantine, and unchanged since"
    if file.name in local and local[file.name].is_same(file):
        return SkipReason.LOCAL, "in the local folder, imported, and unchanged since"
    return SkipReason.PROCESSED, "imported, and unchanged since"


def _oldest_first(files: list[tuple[datetime, RemoteFile]]) -> tuple[RemoteFile, ...]:
    return tuple(file for _, file in sorted(files, key=lambda pair: (pair[0], pair[1].name)))
