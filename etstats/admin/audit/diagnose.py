"""Compare the files on the server, in the local folder and in the database, and say what to do."""

import logging
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from etstats.config.locations import location_of
from etstats.config.schema import Config
from etstats.db import archive, inventory
from etstats.db.connection import Connection
from etstats.db.scope import server_names
from etstats.domain.files import (
    Counts,
    CountTrend,
    FileFinding,
    FileLocations,
    GapDay,
    KeptFile,
    KnownFile,
    Verdict,
)
from etstats.domain.rounds import RemoteFile, RoundName
from etstats.domain.rules import file_discrepancies as rules
from etstats.errors import ConfigError, EtstatsError
from etstats.importer.anonymize import Pseudonyms
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.pipeline.anonymized_copies import are_copies_current
from etstats.pipeline.database import open_database, stopwatch_hints
from etstats.post.publish.destinations import has_webhook
from etstats.post.publish.manual import unresolved
from etstats.sync import local_copies, time_range
from etstats.sync.opening import open_source
from etstats.sync.planner import refused_names
from etstats.sync.source import Failed

NEEDS_PERSON = 3

_File = TypeVar("_File")


class _Listed(NamedTuple):
    """The files of a server by name, and the refused names with their reasons."""

    files: dict[str, RemoteFile]
    refused_names: dict[str, str]


_Listing = _Listed | EtstatsError


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredCopies:
    """Files restored into the local folder from the archive and the server, and failures with reasons."""

    from_archive: int
    from_server: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDiagnosis:
    """A server: headline, counts with their trends, findings, days with gaps.

    `problem` is the error of the listing; None also without a listing. `is_anonymized`: no local copy can contain
    a forgotten player. `refused_names`: names that end like a round file but are invalid, with the reasons.
    """

    server: str
    folder: Path
    headline: str
    counts: Counts
    courses: Mapping[str, CountTrend]
    findings: tuple[FileFinding, ...]
    gap_days: tuple[GapDay, ...]
    problem: str | None
    restored: RestoredCopies | None
    is_anonymized: bool
    refused_names: Mapping[str, str]
    hint: str | None
    """A setting that should be reviewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All servers, and the posts, with the exit code."""

    servers: tuple[ServerDiagnosis, ...]
    errors: tuple[EtstatsError, ...]
    posts: tuple[str, ...] = ()
    """Posts and channels that need a decision, one line each."""

    @property
    def exit_code(self) -> int:
        """Return 3 if something needs attention, or the exit code of a failed listing."""
        asks = any(file.verdict is Verdict.PROBLEM for server in self.servers for file in server.findings)
        failed = any(server.restored and server.restored.failed for server in self.servers)
        # Refused (4) is more important than unreachable (75).
        codes = sorted({error.exit_code for error in self.errors}, key=lambda code: (code == 75, code))
        behind = any(
            not server.is_anonymized or server.refused_names or server.hint is not None for server in self.servers
        )
        return next(iter(codes), NEEDS_PERSON if asks or failed or behind or self.posts else 0)


def diagnose(
    config: Config, *, now: datetime, server: str | None = None, offline: bool = False, restore: bool = False
) -> Diagnosis:
    """Compare the locations and record the counts; with `restore`, first restore missing local files.

    `offline` skips the servers. A failed server does not affect the others. Raises DatabaseError, ConfigError.
    """
    with open_database(config) as conn:
        with conn.transaction():
            stored = server_names(conn)
        names = _names(config, stored, server)
        listings = {} if offline else _list_servers(config, names)
        found = tuple(
            _one(conn, config, name, now=now, listing=listings.get(name), restore=restore) for name in names
        )
        posts = unresolved(conn, config.discord, config.timezone, now).lines if has_webhook(config.discord) else []
    errors = tuple(listing for listing in listings.values() if isinstance(listing, EtstatsError))
    return Diagnosis(servers=found, errors=errors, posts=tuple(posts))


def _names(config: Config, stored: Iterable[str], server: str | None) -> list[str]:
    """Return the server names: configured ones first, then those only in the database."""
    names = list(dict.fromkeys([*(server.name for server in config.servers), *stored]))
    if server is not None:
        return [server] if server in names else [config.server(server).name]
    if not names:
        raise ConfigError("no game server is configured and nothing was imported yet; run: etstats init")
    return names


def _list_servers(config: Config, names: Collection[str]) -> dict[str, _Listing]:
    """List the configured servers in parallel."""

    def one(name: str) -> _Listing:
        try:
            with open_source(location_of(config.server(name), config)) as source:
                listing = source.list_files()
        except EtstatsError as error:
            event("server failed", level=logging.ERROR, server=name, reason=str(error))
            return error
        assert listing is not None  # noqa: S101  # the first poll always lists
        return _Listed({file.name: file for file in listing.files}, refused_names(listing))

    asked = [server.name for server in config.servers if server.name in names]
    with ThreadPoolExecutor(max_workers=max(1, min(len(asked), 16))) as pool:
        return dict(zip(asked, pool.map(one, asked), strict=True))


def _one(
    conn: Connection, config: Config, name: str, *, now: datetime, listing: _Listing | None, restore: bool
) -> ServerDiagnosis:
    folder = config.copies_of(name)
    listed = listing.files if isinstance(listing, _Listed) else None
    with conn.transaction():
        server_id = archive.add_server(conn, name)
        kept = inventory.kept_files(conn, server_id)
        earlier = inventory.counted_before(conn, server_id)
    clock = time_range.server_clock(now, config.timezone(name))
    is_anonymized = are_copies_current(Pseudonyms(conn), config.copies_root)
    restored = _restore(conn, config, name, server_id=server_id, kept=kept, listed=listed) if restore else None
    places = _places(name, clock=clock, kept=kept, listed=listed, folder=folder)
    counts, findings = rules.count(places), rules.find_discrepancies(places, earlier)
    named = {
        "in_folder": counts.in_folder,
        "processed": counts.processed,
        "good": counts.good,
        "duplicates": counts.duplicates,
        "in_quarantine": counts.quarantined,
        "rounds": counts.rounds,
    } | ({} if counts.on_server is None else {"on_server": counts.on_server})
    differing = {str(kind): len(names) for kind, names in rules.differences(places).items()}
    with conn.transaction():
        inventory.record(conn, server_id, named | differing, now)
    return ServerDiagnosis(
        server=name,
        folder=folder,
        headline=rules.headline(places, findings),
        counts=counts,
        courses={what: rules.trend_of(earlier.get(what, ()), number) for what, number in named.items()},
        findings=findings,
        gap_days=rules.gap_days(places),
        problem=str(listing) if isinstance(listing, EtstatsError) else None,
        restored=restored,
        is_anonymized=is_anonymized,
        refused_names=listing.refused_names if isinstance(listing, _Listed) else {},
        hint=stopwatch_hints(conn, config).get(name),
    )


def _places(
    server: str,
    *,
    clock: datetime,
    kept: Iterable[KeptFile],
    listed: Mapping[str, RemoteFile] | None,
    folder: Path,
) -> FileLocations:
    by_name = _rounds({file.filename: file for file in kept})
    newest = max(
        (name.stamp for name, file in by_name.items() if file.success and name.stamp <= clock), default=None
    )
    on_server = None
    if listed is not None:
        on_server = _rounds({name: KnownFile(size=file.size, mtime=file.mtime) for name, file in listed.items()})
    return FileLocations(
        server=server,
        clock=clock,
        window=time_range.default_since(newest),
        on_server=on_server,
        in_folder=_rounds(local_copies.local_files(folder)),
        kept=by_name,
    )


def _rounds(files: Mapping[str, _File]) -> dict[RoundName, _File]:
    """Return the files with a valid round file name, by their parsed name."""
    return {parsed: file for name, file in files.items() if (parsed := parse_filename(name)) is not None}


def _restore(
    conn: Connection,
    config: Config,
    server: str,
    *,
    server_id: int,
    kept: Iterable[KeptFile],
    listed: Mapping[str, RemoteFile] | None,
) -> RestoredCopies:
    """Restore missing local files from the archive, and fetch those that the archive does not have."""
    folder = config.copies_of(server)
    local = local_copies.local_files(folder)
    known = {file.filename for file in kept}
    from_archive = 0
    for content in inventory.contents(conn, server_id, sorted(known - local.keys())):
        file = RemoteFile(name=content.filename, size=len(content.content), mtime=content.mtime)
        local_copies.write_copy(folder, file.name, content.content, file.mtime)
        from_archive += 1
    missing = (listed or {}).keys() - known - local.keys()
    wanted = [file for name, file in (listed or {}).items() if name in missing and parse_filename(name)]
    failed: list[str] = []
    if wanted:
        pseudonyms = Pseudonyms(conn)
        with open_source(location_of(config.server(server), config)) as source:
            for outcome in source.fetch(wanted):
                if isinstance(outcome, Failed):
                    failed.append(f"{outcome.file.name}: {outcome.reason}")
                else:
                    anonymized = pseudonyms.applied(outcome.content)
                    local_copies.write_copy(folder, outcome.file.name, anonymized, outcome.file.mtime)
    return RestoredCopies(from_archive=from_archive, from_server=len(wanted) - len(failed), failed=tuple(failed))
