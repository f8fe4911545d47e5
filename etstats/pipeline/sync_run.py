"""Run sync: fetch, import and publish."""

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from logging import ERROR, WARNING
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from etstats.config.locations import location_of
from etstats.config.schema import Config, ServerConfig
from etstats.db import archive, inventory, known_files, notices, sealing, server_status
from etstats.db.connection import Connection, collecting_lock, has_waiters
from etstats.domain.durations import seconds
from etstats.domain.files import hash_of
from etstats.domain.rules.clock import is_misdated
from etstats.domain.text import pluralize
from etstats.errors import ConfigError, EtstatsError
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.importer import Importer, Incoming
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.pipeline import anonymized_copies, poll_schedule, server_names
from etstats.pipeline.database import open_database, stopwatch_hints, store_settings
from etstats.pipeline.report import SILENT, Progress, Report, import_files
from etstats.pipeline.site_update import is_outdated, mark_outdated, page_of, update_site, zone_of
from etstats.post import publish
from etstats.sync import collect, local_copies, time_range
from etstats.sync.events import ConnectionChanged, FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob, Timing

if TYPE_CHECKING:
    from etstats.pipeline.live import LiveBoard

_NOTE_SECONDS = 20.0  # between two records of which servers are polled
_LONG_RUN = 10.0  # seconds; a run that polls also seals what a large import left
_NAME_STAMP = "%Y-%m-%d-%H%M%S"
_LEFT_OUT = "left_out"  # the name under which these files are counted


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
    patience: float = 0.0,
    progress: Progress = SILENT,
) -> Report:
    """Fetch new files from all servers, import them and, with `post`, publish them as they arrive.

    A folder unchanged since the last run is not listed again, unless `since` or `thorough` is given. A failing
    server does not affect the others; its files fetched before the failure are kept. With `idle_every`, an idle
    server is polled at most at this interval. While polling, the run ends early if another command waits for the
    lock of the database or of one of the servers. Raises LockedError if another run holds the lock of one of the
    servers for longer than `patience` seconds; runs for other servers are possible in parallel.
    """
    began, servers = time.monotonic(), _servers(config, server)
    timing = timing or Timing(until=time.monotonic() + config.sync.run_limit)
    names = [server.name for server in servers]
    with (
        open_database(config) as conn,
        collecting_lock(conn, names, patience=patience, on_wait=progress.waiting_for_lock),
    ):
        progress.started()
        register_servers(conn, servers)
        gap = config.sessions.gap
        importers = {
            server.name: Importer(conn, server.name, ZoneInfo(server.timezone), gap) for server in servers
        }
        store_settings(conn, config)
        anonymized_copies.update_copies(Pseudonyms(conn), config.copies_root)
        refused = {name: status.refused_names for name, status in server_status.statuses(conn).items()}
        run = _Run(conn=conn, config=config, importers=importers, progress=progress, known_refused=refused)
        grace = timedelta(minutes=config.sync.idle_after_minutes)
        run.report.idle_servers = poll_schedule.due(conn, servers, now, idle_every=idle_every, grace=grace).idle
        jobs = [
            _job(conn, config, server, since, now)
            for server in servers
            if server.name not in run.report.idle_servers
        ]
        run.window_starts.update(
            (job.server, job.since) for job in jobs if job.since is not None and job.since_mtime is not None
        )
        if thorough:
            jobs = [replace(job, listing_state=None) for job in jobs]
        site_is_behind = is_outdated(config)
        noted = time.monotonic()
        with collect.run_workers(jobs, timing) as all_events:
            board = _live_board(conn, config, servers) if post else None
            if post:  # while the connections to the servers are being opened
                run.show_live(board.tick() if board else None)
                run.post()
            for events in all_events:
                run.show_live(board.tick() if board else None)
                if run.handle(events):
                    site_is_behind = True
                    if post:
                        run.post()
                elif site_is_behind:  # not after each batch: a first import has many
                    run.update_site()
                    site_is_behind = False
                if time.monotonic() - noted > _NOTE_SECONDS:
                    noted = time.monotonic()
                    run.record_connections()
                if timing.poll is not None and not events and has_waiters(conn, names):
                    event("ending", reason="another command waits for the database")
                    timing.stop.set()
        run.show_live(board.finish() if board else None)
        if site_is_behind:
            run.update_site()
        if since is None:
            run.save_listing_states(jobs)
        run.record_polls(now)
        if run.fetched_counts:
            run.report.hints += stopwatch_hints(conn, config).values()
        if run.fetched_counts or time.monotonic() - began > _LONG_RUN:
            sealing.seal_some(conn, time.monotonic() - began)
    return run.report


def _live_board(conn: Connection, config: Config, servers: Sequence[ServerConfig]) -> "LiveBoard | None":
    """Return the live board; None if no server has a `query`."""
    if not any(server.query for server in servers):
        return None
    from etstats.pipeline.live import LiveBoard  # noqa: PLC0415  # the HTTP library

    return LiveBoard(conn, config, servers)


def preview(config: Config, *, now: datetime, server: str | None, since: str | None) -> list[str]:
    """Return a line for each file that a sync would fetch, and one per server with the counts of skipped files."""
    lines: list[str] = []
    with open_database(config) as conn:
        jobs = [_job(conn, config, known, since, now) for known in _servers(config, server)]
    for job in jobs:
        decided = collect.plan_fetch(job)
        files = decided.to_fetch
        lines += [f"{job.server}: {file.name} ({file.size:,} bytes)" for file in files]
        skipped = ", ".join(f"{count:,} skipped by {layer}" for layer, count in decided.counts().items())
        lines.append(f"{job.server}: {len(files):,} to fetch" + (skipped and f", {skipped}"))
    return lines


def register_servers(conn: Connection, servers: Iterable[ServerConfig]) -> None:
    """Store the servers' names, so that publishing can start before the first file of a new server."""
    with conn.transaction():
        for server in servers:
            archive.add_server(conn, server.name)


def begin_posting(config: Config, now: datetime) -> datetime | None:
    """Publish only rounds that end from now on, if not started yet; return the start time (None: no webhook)."""
    with open_database(config) as conn:
        register_servers(conn, config.servers)
        return publish.begin_posting(conn, config.discord, now)


def timing(config: Config, *, poll: str | None, duration: str | None) -> Timing:
    """Return the timing from `--poll` and `--for`; the duration is at most the configured run limit."""
    every = None if poll is None else seconds(poll, "--poll")
    last = config.sync.run_limit if duration is None else seconds(duration, "--for")
    if poll is None and duration is not None:
        raise ConfigError("--for goes with --poll: sync polls once unless --poll gives an interval")
    return Timing(poll=every, until=time.monotonic() + min(last, config.sync.run_limit))


def _servers(config: Config, name: str | None) -> tuple[ServerConfig, ...]:
    if name is not None:
        return (config.server(name),)
    if not config.servers:
        raise ConfigError("no game server is configured; run: etstats init")
    return config.servers


def _job(conn: Connection, config: Config, server: ServerConfig, since: str | None, now: datetime) -> SyncJob:
    """Return the job of one server, with the files known in its time range."""
    zone = ZoneInfo(server.timezone)
    with conn.transaction():
        server_id = archive.server_id(conn, server.name)
        if since is not None:
            start = _requested_start(since, now, zone)
        else:
            clock = time_range.server_clock(now, zone)
            start = _usual_start(conn, server_id, clock, config.sync.lookback_hours) if server_id else None
        since_mtime = None
        if since is None and start is not None:  # if the server's clock was set back, new files have older names
            since_mtime = int(start.replace(tzinfo=zone).timestamp())
        known = (
            known_files.files_since(conn, server_id, f"{start:{_NAME_STAMP}}" if start else "", since_mtime)
            if server_id
            else {}
        )
        listing_state = None
        if server_id and since is None:
            listing_state = known_files.listing_state(conn, server_id, _source_key(server, config))
    return SyncJob(
        server=server.name,
        location=location_of(server, config),
        folder=config.copies_of(server.name),
        known=known,
        since=start,
        since_mtime=since_mtime,
        listing_state=listing_state,
    )


def _listed_text(listed: Listed) -> str:
    if listed.listed is None:
        return "connected; the folder is unchanged"
    return f"connected; {pluralize(listed.listed, 'round file')}, {listed.to_fetch:,} new"


def _requested_start(since: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    moment = time_range.parse_when(since, now, zone)
    return None if moment is None else time_range.server_clock(moment, zone)


def _usual_start(conn: Connection, server_id: int, clock: datetime, lookback_hours: int) -> datetime | None:
    """Return `lookback_hours` before the newest known file; names dated later than tomorrow are ignored."""
    newest = known_files.newest_file(conn, server_id, f"{clock + timedelta(days=1):{_NAME_STAMP}}")
    parsed = parse_filename(newest) if newest else None
    return time_range.default_since(parsed.stamp if parsed else None, lookback_hours)


def _source_key(server: ServerConfig, config: Config) -> str:
    """Return the settings that a listing state depends on: the location of the folder and the lookback hours."""
    parts = (server.path, server.user, server.host, server.port, server.remote_path, config.sync.lookback_hours)
    return json.dumps(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The state of one sync run, by server."""

    conn: Connection
    config: Config
    importers: dict[str, Importer]
    progress: Progress
    known_refused: Mapping[str, Collection[str]]
    report: Report = field(default_factory=Report)
    listings: dict[str, Listed] = field(default_factory=dict)
    window_starts: dict[str, datetime] = field(default_factory=dict)
    """The start of each server's time range (server clock), without `--since`."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """New files whose names are too old, so that they are not fetched."""
    finished: dict[str, Finished] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    """Servers whose connection is lost."""
    fetched_counts: Counter[str] = field(default_factory=Counter)

    def handle(self, events: Iterable[SyncEvent]) -> bool:
        """Process events and import fetched files; return whether a file was fetched."""
        fetched: dict[str, list[FileFetched]] = {}
        for event_ in events:
            match event_:
                case FileFetched():
                    fetched.setdefault(event_.server, []).append(event_)
                case Listed():
                    if event_.server not in self.listings:
                        self.report.skipped.update(event_.skipped)
                    self.listings[event_.server] = event_
                    self._report_refused(event_)
                    self.progress.connected(event_.server, _listed_text(event_))
                    self.progress.files_expected(event_.to_fetch)
                case FetchFailed():
                    self._handle_failure(event_)
                case ConnectionChanged():
                    self._handle_connection(event_)
                case Finished():
                    self._handle_end(event_)
        if fetched:
            mark_outdated(self.config)
        for server, files in fetched.items():
            self._import(server, files)
        return bool(fetched)

    def _report_refused(self, listed: Listed) -> None:
        """Report refused names that were not refused in an earlier listing of the server."""
        known = self.known_refused.get(listed.server, ())
        new = {name: reason for name, reason in listed.refused_names.items() if name not in known}
        self.report.refuse_names(new)

    def _handle_failure(self, failed: FetchFailed) -> None:
        event("missed", level=WARNING, server=failed.server, file=failed.filename, reason=failed.reason)
        if not failed.is_passing:
            self.progress.fetch_failed(failed.server, failed.filename, failed.reason)
            self.report.missed[failed.server, failed.filename] = failed.reason

    def _handle_connection(self, changed: ConnectionChanged) -> None:
        self.record_connection(changed.server, changed.error)
        if changed.error is None:
            self.progress.connected(changed.server, "connected again")
        else:
            self.progress.connection_lost(changed.server, f"{changed.error}; trying again")

    def record_connection(self, server: str, error: EtstatsError | None) -> None:
        """Record for `health` that a server is connected, or its error."""
        self.failed.discard(server)
        if error is not None:
            self.failed.add(server)
        server_status.record_connection(self.conn, server, datetime.now(UTC), error)

    def record_connections(self) -> None:
        """Record for `health` that the polled servers are still connected."""
        for server in self.listings.keys() - self.failed - self.finished.keys():
            self.record_connection(server, None)

    def _handle_end(self, finished: Finished) -> None:
        self.finished[finished.server] = finished
        self.record_connection(finished.server, finished.error)
        if finished.error is not None:
            event("server failed", level=ERROR, server=finished.server, reason=str(finished.error))
            self.progress.connection_lost(finished.server, str(finished.error))
            self.report.errors.append(finished.error)

    def _import(self, server: str, files: list[FileFetched]) -> None:
        self._recognize(server, files)
        self._check_dates(server, files)
        self.fetched_counts[server] += len(files)
        importer = self.importers[server]
        incoming = (
            Incoming(
                filename=fetched.file.name,
                content=fetched.content,
                mtime=fetched.file.mtime,
                hash=fetched.hash,
                size=fetched.file.size,
            )
            for fetched in files
        )
        fetch_ms = {fetched.file.name: fetched.fetch_ms for fetched in files}
        import_files(importer, server, incoming, report=self.report, progress=self.progress, fetch_ms=fetch_ms)
        folder = self.config.copies_of(server)
        for fetched in files:
            content = importer.pseudonyms.applied(fetched.content)
            try:
                local_copies.write_copy(folder, fetched.file.name, content, fetched.file.mtime)
            except EtstatsError as error:  # not fatal: the database has the same bytes
                event("no local copy", level=WARNING, server=server, file=fetched.file.name, reason=str(error))

    def _check_dates(self, server: str, files: list[FileFetched]) -> None:
        """Report files whose mtime is on another day than the date in the name: the server's clock is wrong."""
        zone, since = ZoneInfo(self.config.server(server).timezone), self.window_starts.get(server)
        for fetched in files:
            name = parse_filename(fetched.file.name)
            if name is None:
                continue
            is_ahead = is_misdated(name.stamp.replace(tzinfo=zone), fetched.file.mtime)
            is_behind = since is not None and name.stamp < since
            if is_ahead or is_behind:
                event("misdated", level=WARNING, server=server, file=fetched.file.name, mtime=fetched.file.mtime)
                self.report.misdated.setdefault(server, []).append(fetched.file.name)

    def _recognize(self, server: str, files: list[FileFetched]) -> None:
        """If a server was renamed in the settings, rename it in the database before importing its first files."""
        if server in self.fetched_counts:
            return
        hashes = {fetched.hash or hash_of(fetched.content) for fetched in files}
        former = server_names.recognize(self.conn, self.config, server, hashes)
        if former is not None:
            self.report.renamed[server] = former
            zone, gap = ZoneInfo(self.config.server(server).timezone), self.config.sessions.gap
            self.importers[server] = Importer(self.conn, server, zone, gap)

    def post(self) -> None:
        """Publish the pending posts."""
        settings = self.config.discord
        done = publish.post_due(
            self.conn,
            settings,
            self.config.timezone,
            datetime.now(UTC),
            limit_seconds=settings.run_limit,
            page_of=page_of(self.config),
        )
        if notices.outdated(self.conn):
            from etstats.post.publish.calendar import correct  # noqa: PLC0415  # the HTTP library

            zone = zone_of(self.config)
            done.merge(correct(self.conn, settings, datetime.now(UTC), zone, limit_seconds=settings.run_limit))
        self.report.add_posts(done.counts, done.lines, done.exit_code)
        self.progress.posted([*(f"posted {title}" for title in done.sent), *done.lines])

    def show_live(self, done: publish.PostReport | None) -> None:
        """Add the result of publishing the server status to the report."""
        if done is not None:
            self.report.add_live(done.counts, done.lines, done.exit_code)

    def update_site(self) -> None:
        """Update the site; an error is reported, and the next run retries."""
        try:
            update_site(self.config)
        except EtstatsError as error:
            self.report.errors.append(error)

    def save_listing_states(self, jobs: Iterable[SyncJob]) -> None:
        """Store the listing states of the last polls, since all listed files are in the database now."""
        for job in jobs:
            listing_state = self.finished[job.server].listing_state
            if listing_state is None or listing_state is not job.listing_state:
                with self.conn.transaction():
                    server_id = archive.add_server(self.conn, job.server)
                    key = _source_key(self.config.server(job.server), self.config)
                    known_files.save_listing_state(self.conn, server_id, key, listing_state)

    def record_polls(self, now: datetime) -> None:
        """Record the number of files, for `diagnose`, and the result of each server's polls."""
        for server, listing in self.listings.items():
            if listing.listed is not None:
                with self.conn.transaction():
                    server_id = archive.add_server(self.conn, server)
                    counts = inventory.count_processed(self.conn, server_id)._asdict()
                    counts |= {"on_server": listing.listed, _LEFT_OUT: self._left_out(server, server_id, listing)}
                    inventory.record(self.conn, server_id, counts, now)
            missed = sum(name == server for name, _ in self.report.missed)
            refused = None if listing.listed is None else list(listing.refused_names)
            misdated = [*self.report.misdated.get(server, ()), *self.left_out.get(server, ())]
            server_status.record_poll(
                self.conn,
                server,
                now,
                arrived=self.fetched_counts[server],
                missed=missed,
                refused_names=refused,
                misdated_names=misdated if misdated or self.fetched_counts[server] else None,
            )

    def _left_out(self, server: str, server_id: int, listing: Listed) -> int:
        """Count the files that are too old to fetch and were never imported; report new ones.

        Such files are new only if the server's clock was set back.
        """
        unknown = known_files.unknown_names(self.conn, server_id, listing.too_old)
        earlier = inventory.counted_before(self.conn, server_id).get(_LEFT_OUT)
        new = len(unknown) - earlier[-1].count if earlier else 0
        if new > 0 and server in self.window_starts:
            self.left_out[server] = unknown[-new:]
            self.report.hints.append(
                f"{server}: {pluralize(new, 'new file')}, such as {unknown[-1]}, dated before "
                f"{self.window_starts[server]:%Y-%m-%d}: was the clock set back? Import: etstats sync --since all"
            )
        return len(unknown)
