"""The jobs of a sync run: which files of each server it looks for."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from etstats.config.locations import location_of
from etstats.config.schema import Config, ServerConfig
from etstats.db import archive, known_files
from etstats.db.connection import Connection
from etstats.errors import ConfigError
from etstats.parser.filename import parse_filename
from etstats.pipeline.database import open_database
from etstats.sync import collect, time_range
from etstats.sync.job import SyncJob

_NAME_STAMP = "%Y-%m-%d-%H%M%S"


def servers_to_poll(config: Config, name: str | None) -> tuple[ServerConfig, ...]:
    """Return the named server, or all; ConfigError if there is none."""
    if name is not None:
        return (config.server(name),)
    if not config.servers:
        raise ConfigError("no game server is configured; run: etstats init")
    return config.servers


def job_of(conn: Connection, config: Config, server: ServerConfig, since: str | None, now: datetime) -> SyncJob:
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
            listing_state = known_files.listing_state(conn, server_id, source_key(server, config))
    return SyncJob(
        server=server.name,
        location=location_of(server, config),
        folder=config.copies_of(server.name),
        known=known,
        since=start,
        since_mtime=since_mtime,
        listing_state=listing_state,
    )


def preview(config: Config, *, now: datetime, server: str | None, since: str | None) -> list[str]:
    """Return a line for each file that a sync would fetch, and one per server with the counts of skipped files."""
    lines: list[str] = []
    with open_database(config) as conn:
        jobs = [job_of(conn, config, known, since, now) for known in servers_to_poll(config, server)]
    for job in jobs:
        decided = collect.plan_fetch(job)
        files = decided.to_fetch
        lines += [f"{job.server}: {file.name} ({file.size:,} bytes)" for file in files]
        skipped = ", ".join(f"{count:,} skipped by {layer}" for layer, count in decided.counts().items())
        lines.append(f"{job.server}: {len(files):,} to fetch" + (skipped and f", {skipped}"))
    return lines


def _requested_start(since: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    moment = time_range.parse_when(since, now, zone)
    return None if moment is None else time_range.server_clock(moment, zone)


def _usual_start(conn: Connection, server_id: int, clock: datetime, lookback_hours: int) -> datetime | None:
    """Return `lookback_hours` before the newest known file; names dated later than tomorrow are ignored."""
    newest = known_files.newest_file(conn, server_id, f"{clock + timedelta(days=1):{_NAME_STAMP}}")
    parsed = parse_filename(newest) if newest else None
    return time_range.default_since(parsed.stamp if parsed else None, lookback_hours)


def source_key(server: ServerConfig, config: Config) -> str:
    """Return the settings that a listing state depends on: the location of the folder and the lookback hours."""
    parts = (server.path, server.user, server.host, server.port, server.remote_path, config.sync.lookback_hours)
    return json.dumps(parts)
