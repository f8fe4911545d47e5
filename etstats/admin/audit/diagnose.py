"""Where every file is: on the server, in the local folder, in the database; what differs, and what to do about
it."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from etstats.config.locations import location_of
from etstats.config.schema import Config
from etstats.db import archive, inventory
from etstats.db.connection import Connection, database_errors
from etstats.db.scope import server_names
from etstats.domain.files import (
    Counts,
    CountTrend,
    FileFinding,
    FileLocations,
    GapDay,
    KeptFile,
    SeenFile,
    Verdict,
)
from etstats.domain.rounds import RemoteFile, RoundName
from etstats.domain.rules import file_discrepancies as rules
from etstats.errors import ConfigError, EtstatsError
from etstats.importer import anonymize
from etstats.importer.anonymize import Pseudonyms
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.pipeline.database import open_database
from etstats.sync import local_copies, open_source, time_range
from etstats.sync.source import Failed

NEEDS_PERSON = 3

_File = TypeVar("_File")
_Look = dict[str, RemoteFile] | EtstatsError


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredCopies:
    """What came back into the local folder: from the archive, from the server; and what did not, with reasons."""

    from_archive: int
    from_server: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDiagnosis:
    """One server: the sentence that says it all, the counts with their course, findings, days with gaps.

    `problem` is why the server could not be asked; None also when it was left out. `is_anonymized`: no local copy
    can hold a forgotten player.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All servers; owns the exit code."""

    servers: tuple[ServerDiagnosis, ...]
    errors: tuple[EtstatsError, ...]

    @property
    def exit_code(self) -> int:
        """3 when something needs a person; the error's own code when a server could not be asked."""
        asks = any(f.verdict is Verdict.LOOK for server in self.servers for f in server.findings)
        failed = any(server.restored and server.restored.failed for server in self.servers)
        # Refused (4) needs a person more than unreachable (75).
        codes = sorted({error.exit_code for error in self.errors}, key=lambda code: (code == 75, code))
        behind = any(not server.is_anonymized for server in self.servers)
        return next(iter(codes), NEEDS_PERSON if asks or failed or behind else 0)


def diagnose(
    config: Config, *, now: datetime, server: str | None = None, offline: bool = False, restore: bool = False
) -> Diagnosis:
    """Lay the places side by side and record the counts; with `restore`, bring missing local files back first.

    `offline` leaves the servers out. A server that does not answer does so alone. DatabaseError, ConfigError.
    """
    with open_database(config) as conn:
        with database_errors(), conn.transaction():
            in_base = server_names(conn)
        names = _names(config, in_base, server)
        looks = {} if offline else _look(config, names)
        found = tuple(_one(conn, config, name, now=now, look=looks.get(name), restore=restore) for name in names)
    return Diagnosis(
        servers=found, errors=tuple(look for look in looks.values() if isinstance(look, EtstatsError))
    )


def _names(config: Config, in_base: Iterable[str], server: str | None) -> list[str]:
    """The servers to poll: configured ones first, then those that only the database knows."""
    names = list(dict.fromkeys([*(s.name for s in config.servers), *in_base]))
    if server is not None:
        return [server] if server in names else [config.server(server).name]
    if not names:
        raise ConfigError("no game server is configured and nothing was imported yet; run: etstats init")
    return names


def _look(config: Config, names: Collection[str]) -> dict[str, _Look]:
    """List the configured servers side by side."""

    def one(name: str) -> _Look:
        try:
            with open_source(location_of(config.server(name), config)) as source:
                listing = source.look()
        except EtstatsError as error:
            event("server failed", server=name, reason=str(error))
            return error
        assert listing is not None  # noqa: S101  # a first look always lists
        return {file.name: file for file in listing.files}

    asked = [s.name for s in config.servers if s.name in names]
    with ThreadPoolExecutor(max_workers=max(1, min(len(asked), 16))) as pool:
        return dict(zip(asked, pool.map(one, asked), strict=True))


def _one(
    conn: Connection, config: Config, name: str, *, now: datetime, look: _Look | None, restore: bool
) -> ServerDiagnosis:
    folder = config.copies_of(name)
    listed = look if isinstance(look, dict) else None
    with database_errors(), conn.transaction():
        server_id = archive.add_server(conn, name)
        kept = inventory.kept_files(conn, server_id)
        earlier = inventory.counted_before(conn, server_id)
    clock = time_range.server_clock(now, config.timezone(name))
    is_anonymized = anonymize.are_copies_current(Pseudonyms(conn), config.copies_root)
    restored = _restore(conn, config, name, server_id=server_id, kept=kept, listed=listed) if restore else None
    places = _places(name, clock=clock, kept=kept, listed=listed, folder=folder)
    counts, findings = rules.count(places), rules.judge(places, earlier)
    named = {
        "in_folder": counts.in_folder,
        "processed": counts.processed,
        "good": counts.good,
        "duplicates": counts.duplicates,
        "in_quarantine": counts.quarantined,
        "rounds": counts.rounds,
    } | ({} if counts.on_server is None else {"on_server": counts.on_server})
    differing = {str(kind): len(names) for kind, names in rules.differences(places).items()}
    with database_errors(), conn.transaction():
        inventory.record(conn, server_id, named | differing, now)
    return ServerDiagnosis(
        server=name,
        folder=folder,
        headline=rules.headline(places, findings),
        counts=counts,
        courses={what: rules.course(earlier.get(what, ()), number) for what, number in named.items()},
        findings=findings,
        gap_days=rules.gap_days(places),
        problem=str(look) if isinstance(look, EtstatsError) else None,
        restored=restored,
        is_anonymized=is_anonymized,
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
    newest = max((n.stamp for n, f in by_name.items() if f.success and n.stamp <= clock), default=None)
    copies = {n: SeenFile(size=f.size, mtime=f.mtime or 0) for n, f in local_copies.local_files(folder).items()}
    seen = None
    if listed is not None:
        seen = _rounds({name: SeenFile(size=file.size, mtime=file.mtime) for name, file in listed.items()})
    return FileLocations(
        server=server,
        clock=clock,
        window=time_range.default_since(newest),
        on_server=seen,
        in_folder=_rounds(copies),
        kept=by_name,
    )


def _rounds(files: Mapping[str, _File]) -> dict[RoundName, _File]:
    """Those that bear the name of a round file, by that name taken apart."""
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
    """Write missing local files back from the archive, and fetch those that the database lacks."""
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
