"""The pipeline: fetch -> import -> post, and the report of what came of it."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from logging import WARNING
from zoneinfo import ZoneInfo

from etstats.config.locations import location_of
from etstats.config.schema import Config, ServerConfig
from etstats.db import archive, inventory, known_files
from etstats.db.connection import Connection, collecting_lock, database_errors, is_awaited
from etstats.errors import ConfigError, EtstatsError
from etstats.importer import anonymize
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.importer import Importer, Incoming
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.pipeline import poll_schedule
from etstats.pipeline.database import open_database
from etstats.pipeline.report import SILENT, Report, Watcher, take_in
from etstats.pipeline.site_update import page_of, update_site
from etstats.sync import collect, local_copies, time_range
from etstats.sync.events import FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob, Timing
from etstats.sync.planner import KnownFile

_NAME_STAMP = "%Y-%m-%d-%H%M%S"


def sync(
    config: Config,
    *,
    now: datetime,
    server: str | None = None,
    since: str | None = None,
    timing: Timing | None = None,
    idle_every: timedelta | None = None,
    post: bool = False,
    thorough: bool = False,
    watcher: Watcher = SILENT,
) -> Report:
    """Fetch what is new from every server, import it and, when asked to, post it, as it comes.

    A folder that is as the last run left it is not listed again, unless `since` is given or all is `thorough`.
    A server that fails does so alone; what was fetched before counts. With `idle_every` a server on which nobody
    plays is polled no more often than that. While it polls it ends at a quiet moment when another command waits
    for the whole database. LockedError when another run is running on one of the servers; a run for others goes on
    next to this one.
    """
    servers = _servers(config, server)
    timing = timing or Timing(until=time.monotonic() + config.sync.run_limit)
    with open_database(config) as conn, collecting_lock(conn, [s.name for s in servers]):
        gap = config.sessions.gap
        importers = {s.name: Importer(conn, s.name, ZoneInfo(s.timezone), gap) for s in servers}
        anonymize.update_copies(Pseudonyms(conn), config.copies_root)
        run = _Run(conn=conn, config=config, importers=importers, watcher=watcher)
        grace = timedelta(minutes=config.sync.idle_after_minutes)
        run.report.resting = poll_schedule.due(conn, servers, now, idle_every=idle_every, grace=grace).resting
        routes = [_route(conn, config, s, since, now) for s in servers if s.name not in run.report.resting]
        if thorough:
            routes = [replace(route, mark=None) for route in routes]
        site_is_behind = False
        with collect.started(routes, timing) as all_happenings:
            if post:  # while the lines to the servers are being opened
                run.post()
            for happenings in all_happenings:
                if run.take(happenings):
                    site_is_behind = True
                    if post:
                        run.post()
                elif site_is_behind:  # at a quiet moment: a first import arrives in many parts
                    run.update_site()
                    site_is_behind = False
                if timing.poll is not None and not happenings and is_awaited(conn):
                    event("ending", reason="another command waits for the whole database")
                    timing.stop.set()
        if site_is_behind:
            run.update_site()
        if since is None:
            run.keep_marks(routes)
        run.note_looks(now)
    return run.report


def preview(config: Config, *, now: datetime, server: str | None, since: str | None) -> list[str]:
    """What a sync would fetch, a line each, and the counts of what the layers would hold back."""
    lines: list[str] = []
    with open_database(config) as conn:
        routes = [_route(conn, config, s, since, now) for s in _servers(config, server)]
    for route in routes:
        decided = collect.decide(route)
        files = decided.take
        lines += [f"{route.server}: {file.name} ({file.size:,} bytes)" for file in files]
        held = ", ".join(f"{count:,} skipped by {layer}" for layer, count in decided.counts().items())
        lines.append(f"{route.server}: {len(files):,} to fetch" + (held and f", {held}"))
    return lines


def timing(config: Config, *, poll: str | None, duration: str | None) -> Timing:
    """How often and how long to look, from `5s` and `55s`; never longer than a run may last."""
    every = None if poll is None else seconds(poll, "--poll")
    last = config.sync.run_limit if duration is None else seconds(duration, "--for")
    if poll is None and duration is not None:
        raise ConfigError("--for goes with --poll: sync looks once unless it is told how often")
    return Timing(poll=every, until=time.monotonic() + min(last, config.sync.run_limit))


def seconds(text: str, option: str) -> float:
    """`5s`, `2m` or a bare number of seconds; ConfigError for anything else."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h)?", text.strip(), re.ASCII)
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"{option} {text}: a time such as 5s or 2m is expected")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]


def _servers(config: Config, name: str | None) -> tuple[ServerConfig, ...]:
    if name is not None:
        return (config.server(name),)
    if not config.servers:
        raise ConfigError("no game server is configured; run: etstats init")
    return config.servers


def _route(conn: Connection, config: Config, server: ServerConfig, since: str | None, now: datetime) -> SyncJob:
    """The way from one server, with what the database knows of it in the window of names that matters."""
    zone = ZoneInfo(server.timezone)
    with database_errors(), conn.transaction():
        server_id = archive.server_id(conn, server.name)
        if since is not None:
            start = _asked_start(since, now, zone)
        else:
            clock = time_range.server_clock(now, zone)
            start = _usual_start(conn, server_id, clock, config.sync.lookback_hours) if server_id else None
        taken = (
            known_files.taken_files(conn, server_id, f"{start:{_NAME_STAMP}}" if start else "")
            if server_id
            else []
        )
        mark = None
        if server_id and since is None:
            mark = known_files.folder_mark(conn, server_id, _place_key(server, config))
    return SyncJob(
        server=server.name,
        place=location_of(server, config),
        folder=config.copies_of(server.name),
        known={f.filename: KnownFile(size=f.size, mtime=f.mtime, in_quarantine=f.in_quarantine) for f in taken},
        since=start,
        mark=mark,
    )


def _asked_start(since: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    moment = time_range.parse_when(since, now, zone)
    return None if moment is None else time_range.server_clock(moment, zone)


def _usual_start(conn: Connection, server_id: int, clock: datetime, lookback_hours: int) -> datetime | None:
    """Some hours before the newest file known; a name from beyond tomorrow, of a clock gone wrong, is none."""
    newest = known_files.newest_file(conn, server_id, f"{clock + timedelta(days=1):{_NAME_STAMP}}")
    parsed = parse_filename(newest) if newest else None
    return time_range.default_since(parsed.stamp if parsed else None, lookback_hours)


def _place_key(server: ServerConfig, config: Config) -> str:
    """What a mark depends on: where the folder is, and how far back sync looks."""
    parts = (server.path, server.user, server.host, server.port, server.remote_path, config.sync.lookback_hours)
    return json.dumps(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run of sync: what has happened so far, server by server."""

    conn: Connection
    config: Config
    importers: Mapping[str, Importer]
    watcher: Watcher
    report: Report = field(default_factory=Report)
    looks: dict[str, Listed] = field(default_factory=dict)
    ends: dict[str, Finished] = field(default_factory=dict)
    arrivals: Counter[str] = field(default_factory=Counter)

    def take(self, happenings: Iterable[SyncEvent]) -> bool:
        """Note what happened and import what arrived; whether anything did."""
        arrived: dict[str, list[FileFetched]] = {}
        for happening in happenings:
            match happening:
                case FileFetched():
                    arrived.setdefault(happening.server, []).append(happening)
                case Listed():
                    if happening.server not in self.looks:
                        self.report.skipped.update(happening.skipped)
                    self.looks[happening.server] = happening
                    self.watcher.coming(happening.coming)
                case FetchFailed():
                    self._miss(happening)
                case Finished():
                    self._end(happening)
        for server, files in arrived.items():
            self._import(server, files)
        return bool(arrived)

    def _miss(self, missed: FetchFailed) -> None:
        event("missed", server=missed.server, file=missed.filename, reason=missed.reason)
        if not missed.is_passing:
            self.report.missed[missed.server, missed.filename] = missed.reason

    def _end(self, ended: Finished) -> None:
        self.ends[ended.server] = ended
        if ended.error is not None:
            event("server failed", server=ended.server, reason=str(ended.error))
            self.report.errors.append(ended.error)

    def _import(self, server: str, files: list[FileFetched]) -> None:
        self.arrivals[server] += len(files)
        importer = self.importers[server]
        incoming = (
            Incoming(filename=a.file.name, content=a.content, mtime=a.file.mtime, hash=a.hash, size=a.file.size)
            for a in files
        )
        fetch_ms = {a.file.name: a.fetch_ms for a in files}
        take_in(importer, server, incoming, report=self.report, watcher=self.watcher, fetch_ms=fetch_ms)
        folder = self.config.copies_of(server)
        for fetched in files:
            content = importer.pseudonyms.applied(fetched.content)
            try:
                local_copies.write_copy(folder, fetched.file.name, content, fetched.file.mtime)
            except EtstatsError as error:  # the database has the same bytes: a full disk here loses nothing
                event("no local copy", level=WARNING, server=server, file=fetched.file.name, reason=str(error))

    def post(self) -> None:
        """Post what is due."""
        from etstats.post.publish import post_due  # what posts is loaded by those who post

        settings = self.config.discord
        done = post_due(
            self.conn,
            settings,
            self.config.timezone,
            datetime.now(UTC),
            limit_seconds=settings.run_limit,
            page_of=page_of(self.config),
        )
        self.report.add_posts(done.counts, done.lines, done.exit_code)

    def update_site(self) -> None:
        """Bring the site up to date; what fails is reported, and made good by the next import."""
        try:
            update_site(self.config)
        except EtstatsError as error:
            self.report.errors.append(error)

    def keep_marks(self, routes: Iterable[SyncJob]) -> None:
        """Remember what the last polls left behind: all that they saw is in the database by now."""
        for route in routes:
            mark = self.ends[route.server].mark
            if mark is None or mark is not route.mark:
                with database_errors(), self.conn.transaction():
                    server_id = archive.add_server(self.conn, route.server)
                    key = _place_key(self.config.server(route.server), self.config)
                    known_files.keep_folder_mark(self.conn, server_id, key, mark)

    def note_looks(self, now: datetime) -> None:
        """Write down how many files there are, for `diagnose` to compare with, and what each poll brought."""
        for server, look in self.looks.items():
            if look.listed is not None:
                with database_errors(), self.conn.transaction():
                    server_id = archive.add_server(self.conn, server)
                    counts = asdict(inventory.count_processed(self.conn, server_id))
                    inventory.record(self.conn, server_id, {"on_server": look.listed, **counts}, now)
            missed = sum(name == server for name, _ in self.report.missed)
            poll_schedule.note_look(self.conn, server, now, arrived=self.arrivals[server], missed=missed)
