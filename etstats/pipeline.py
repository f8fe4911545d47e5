"""The straight line: fetch -> import -> post, and the report of what came of it."""

import re
import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from etstats import activity, fetching
from etstats.base import open_base
from etstats.db import archive, inventory, known
from etstats.db.connection import Connection, database_errors, run_lock
from etstats.errors import ConfigError
from etstats.fetching import Arrived, Ended, Looked, Missed, Route, Timing, place_of
from etstats.importer import Importer, Incoming
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.report import SILENT, Report, Watcher, take_in
from etstats.settings import Config, ServerConfig
from etstats.sync import window
from etstats.sync.mirror import KnownFile

NAME_STAMP = "%Y-%m-%d-%H%M%S"


def sync(
    config: Config,
    *,
    now: datetime,
    server: str | None = None,
    since: str | None = None,
    timing: Timing | None = None,
    idle_every: timedelta | None = None,
    post: bool = False,
    watcher: Watcher = SILENT,
) -> Report:
    """Fetch what is new from every server, import it and, when asked to, post it, as it comes.

    A server that fails does so alone; what was fetched before counts. With `idle_every` a server on which nobody
    plays is looked at no more often than that. LockedError when another run is at work.
    """
    report = Report()
    servers = _servers(config, server)
    timing = timing or Timing(until=time.monotonic() + config.sync.run_limit)
    with open_base(config) as conn, run_lock(conn):
        gap = timedelta(minutes=config.sessions.gap_minutes)
        importers = {s.name: Importer(conn, s.name, ZoneInfo(s.timezone), gap) for s in servers}
        grace = timedelta(minutes=config.sync.idle_after_minutes)
        report.resting = activity.due(conn, servers, now, idle_every=idle_every, grace=grace).resting
        routes = [_route(conn, config, s, since, now) for s in servers if s.name not in report.resting]
        arrivals: Counter[str] = Counter()
        looks: dict[str, Looked] = {}
        if post:
            _post(conn, config, report)
        for happenings in fetching.run(routes, timing):
            arrived: dict[str, list[Arrived]] = {}
            for happening in happenings:
                if isinstance(happening, Arrived):
                    arrived.setdefault(happening.server, []).append(happening)
                elif isinstance(happening, Looked):
                    if happening.server not in looks:
                        report.skipped.update(happening.skipped)
                    looks[happening.server] = happening
                    watcher.coming(happening.coming)
                else:
                    _note(happening, report)
            for name, files in arrived.items():
                arrivals[name] += len(files)
                incoming = (Incoming(filename=a.file.name, content=a.content, mtime=a.file.mtime) for a in files)
                fetch_ms = {a.file.name: a.fetch_ms for a in files}
                take_in(importers[name], name, incoming, report=report, watcher=watcher, fetch_ms=fetch_ms)
                importers[name].pseudonyms.apply_to_copies(config.data_dir / "gamestats" / name, fetch_ms)
            if arrived and post:
                _post(conn, config, report)
        for look in looks.values():
            _record(conn, look, now)
            missed = sum(server == look.server for server, _ in report.missed)
            activity.note_look(conn, look.server, now, arrived=arrivals[look.server], missed=missed)
    return report


def _record(conn: Connection, look: Looked, now: datetime) -> None:
    """Write down how many files there are, for `diagnose` to compare with."""
    with database_errors(), conn.transaction():
        server_id = archive.add_server(conn, look.server)
        counts = asdict(inventory.count_processed(conn, server_id))
        inventory.record(conn, server_id, {"on_server": look.listed, **counts}, now)


def _route(conn: Connection, config: Config, server: ServerConfig, since: str | None, now: datetime) -> Route:
    """The way from one server, with what the base knows of it in the window of names that matters."""
    zone = ZoneInfo(server.timezone)
    clock = window.server_clock(now, zone)
    with database_errors(), conn.transaction():
        server_id = archive.server_id(conn, server.name)
        if since is not None:
            moment = window.parse_when(since, now, zone)
            start = None if moment is None else window.server_clock(moment, zone)
        else:
            newest = server_id and known.newest_file(conn, server_id, f"{clock + timedelta(days=1):{NAME_STAMP}}")
            parsed = parse_filename(newest) if newest else None
            start = window.default_since(parsed.stamp if parsed else None, config.sync.lookback_hours)
        taken = known.taken_files(conn, server_id, f"{start:{NAME_STAMP}}" if start else "") if server_id else []
    return Route(
        server=server.name,
        place=place_of(server, config),
        folder=config.data_dir / "gamestats" / server.name,
        known={f.filename: KnownFile(size=f.size, mtime=f.mtime, in_quarantine=f.in_quarantine) for f in taken},
        since=start,
    )


def _note(happening: Missed | Ended, report: Report) -> None:
    if isinstance(happening, Missed):
        event("missed", server=happening.server, file=happening.filename, reason=happening.reason)
        if not happening.is_passing:
            report.missed[happening.server, happening.filename] = happening.reason
    elif happening.error is not None:
        event("server failed", server=happening.server, reason=str(happening.error))
        report.errors.append(happening.error)


def _post(conn: Connection, config: Config, report: Report) -> None:
    from etstats.posting import post_due  # requests and discord_webhook are for those who post

    done = post_due(conn, config, datetime.now(UTC), limit_seconds=config.discord.run_limit)
    report.add_posts(done.counts, done.lines, done.exit_code)


def _servers(config: Config, name: str | None) -> tuple[ServerConfig, ...]:
    if name is not None:
        return (config.server(name),)
    if not config.servers:
        raise ConfigError("no game server is configured; run: etstats init")
    return config.servers


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


def preview(config: Config, *, now: datetime, server: str | None, since: str | None) -> list[str]:
    """What a sync would fetch, a line each, and the counts of what the layers would hold back."""
    lines: list[str] = []
    with open_base(config) as conn:
        routes = [_route(conn, config, s, since, now) for s in _servers(config, server)]
    for route in routes:
        decided = fetching.decide(route)
        files = (*decided.take, *decided.here)
        lines += [f"{route.server}: {file.name} ({file.size:,} bytes)" for file in files]
        held = ", ".join(f"{count:,} skipped by {layer}" for layer, count in decided.counts().items())
        lines.append(f"{route.server}: {len(files):,} to fetch" + (held and f", {held}"))
    return lines
