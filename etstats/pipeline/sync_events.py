"""The state of a sync run: imports files, publishes posts and records the servers as events come."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging import ERROR, WARNING
from zoneinfo import ZoneInfo

from etstats.config.schema import Config
from etstats.db import archive, inventory, known_files, notices, server_status
from etstats.db.connection import Connection
from etstats.domain.files import hash_of
from etstats.domain.rules.clock import is_misdated
from etstats.domain.text import pluralize
from etstats.errors import EtstatsError
from etstats.importer.importer import Importer, Incoming
from etstats.logs import event
from etstats.parser.filename import parse_filename
from etstats.pipeline import server_names
from etstats.pipeline.report import Progress, Report, import_files
from etstats.pipeline.site_update import mark_outdated, page_of, update_site, zone_of
from etstats.pipeline.sync_jobs import source_key
from etstats.post import publish
from etstats.sync import local_copies
from etstats.sync.events import ConnectionChanged, FetchFailed, FileFetched, Finished, Listed, SyncEvent
from etstats.sync.job import SyncJob

_LEFT_OUT = "left_out"  # the name under which these files are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
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
        elif hint := server_names.duplicates_hint(self.conn, server, hashes):
            self.report.hints.append(hint)

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
                    key = source_key(self.config.server(job.server), self.config)
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


def _listed_text(listed: Listed) -> str:
    if listed.listed is None:
        return "connected; the folder is unchanged"
    return f"connected; {pluralize(listed.listed, 'round file')}, {listed.to_fetch:,} new"
