"""Run sync: fetch, import and publish."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from etstats.config.schema import Config, ServerConfig
from etstats.db import archive, sealing, server_status
from etstats.db.connection import Connection
from etstats.db.locks import collecting_lock, has_waiters
from etstats.domain.durations import seconds
from etstats.errors import ConfigError
from etstats.importer.anonymize import Pseudonyms
from etstats.importer.importer import Importer
from etstats.logs import event
from etstats.pipeline import anonymized_copies, poll_schedule
from etstats.pipeline.database import open_database, stopwatch_hints, store_settings
from etstats.pipeline.report import SILENT, Progress, Report
from etstats.pipeline.site_update import is_outdated
from etstats.pipeline.sync_events import SyncRun
from etstats.pipeline.sync_jobs import job_of, servers_to_poll
from etstats.post import publish
from etstats.sync import collect
from etstats.sync.job import SyncJob, Timing

if TYPE_CHECKING:
    from etstats.pipeline.live import LiveBoard

_RECORD_SECONDS = 20.0  # between two records of which servers are polled
_LONG_RUN = 10.0  # seconds; a run that polls also seals what a large import left


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
    began, servers = time.monotonic(), servers_to_poll(config, server)
    timing = timing or Timing(until=time.monotonic() + config.sync.run_limit)
    names = [server.name for server in servers]
    with (
        open_database(config) as conn,
        collecting_lock(conn, names, patience=patience, on_wait=progress.waiting_for_lock),
    ):
        progress.started()
        run = _new_run(conn, config, servers, progress)
        grace = timedelta(minutes=config.sync.idle_after_minutes)
        run.report.idle_servers = poll_schedule.due(conn, servers, now, idle_every=idle_every, grace=grace).idle
        jobs = [
            job_of(conn, config, server, since, now)
            for server in servers
            if server.name not in run.report.idle_servers
        ]
        run.window_starts.update(
            (job.server, job.since) for job in jobs if job.since is not None and job.since_mtime is not None
        )
        if thorough:
            jobs = [replace(job, listing_state=None) for job in jobs]
        _poll(run, servers, jobs, timing, post=post)
        if since is None:
            run.save_listing_states(jobs)
        run.record_polls(now)
        if run.fetched_counts:
            run.report.hints += stopwatch_hints(conn, config).values()
        if run.fetched_counts or time.monotonic() - began > _LONG_RUN:
            sealing.seal_some(conn, time.monotonic() - began)
    return run.report


def _new_run(conn: Connection, config: Config, servers: Sequence[ServerConfig], progress: Progress) -> SyncRun:
    """Store the settings, complete an interrupted `forget`, and return the state of a new run."""
    register_servers(conn, servers)
    gap = config.sessions.gap
    importers = {server.name: Importer(conn, server.name, ZoneInfo(server.timezone), gap) for server in servers}
    store_settings(conn, config)
    anonymized_copies.update_copies(Pseudonyms(conn), config.copies_root)
    refused = {name: status.refused_names for name, status in server_status.statuses(conn).items()}
    return SyncRun(conn=conn, config=config, importers=importers, progress=progress, known_refused=refused)


def _poll(
    run: SyncRun, servers: Sequence[ServerConfig], jobs: Sequence[SyncJob], timing: Timing, *, post: bool
) -> None:
    """Import and publish what the workers fetch until they end; update the site when no more files come."""
    names = [server.name for server in servers]
    site_is_behind = is_outdated(run.config)
    recorded = time.monotonic()
    with collect.run_workers(jobs, timing) as all_events:
        board = _live_board(run.conn, run.config, servers) if post else None
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
            if time.monotonic() - recorded > _RECORD_SECONDS:
                recorded = time.monotonic()
                run.record_connections()
            if timing.poll is not None and not events and has_waiters(run.conn, names):
                event("ending", reason="another command waits for the database")
                timing.stop.set()
    run.show_live(board.finish() if board else None)
    if site_is_behind:
        run.update_site()


def _live_board(conn: Connection, config: Config, servers: Sequence[ServerConfig]) -> "LiveBoard | None":
    """Return the live board; None if no server has a `query`."""
    if not any(server.query for server in servers):
        return None
    from etstats.pipeline.live import LiveBoard  # noqa: PLC0415  # the HTTP library

    return LiveBoard(conn, config, servers)


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
