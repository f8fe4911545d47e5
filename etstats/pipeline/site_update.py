"""Update the site after changes of the database."""

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from etstats.config.schema import Config
from etstats.db.connection import SNAPSHOT_ISOLATION
from etstats.db.pending_posts import PendingPost
from etstats.errors import ConfigError, TemporaryError
from etstats.logs import event
from etstats.pipeline.database import open_database
from etstats.site import paths
from etstats.site.folder import Changes
from etstats.stats import ratings

_NOTE = "site-outdated"
NOT_UPDATED = "the changes are stored, but the site was not updated"
WAIT_SECONDS = 30.0
"""How long an update waits for another build of the same site; a build takes a few seconds."""


def build_site(
    config: Config,
    folder: Path,
    *,
    wait_seconds: float = WAIT_SECONDS,
    anew: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Changes:
    """Build the site into a folder from one snapshot of the database; see `builder.build`."""
    from etstats.site.builder import build  # noqa: PLC0415  # Jinja

    began = time.monotonic()
    with open_database(config) as conn:  # not a replica, which may lag behind the import
        ratings.update(conn)
        conn.read_only = True
        conn.isolation_level = SNAPSHOT_ISOLATION
        changes = build(
            conn, folder, config.site, zone_of(config), wait_seconds=wait_seconds, anew=anew, progress=progress
        )
    event("site", written=changes.written, removed=changes.removed, build_ms=1000 * (time.monotonic() - began))
    return changes


def mark_outdated(config: Config) -> None:
    """Note that the configured site is outdated, before a change is committed; `update_site` removes the note.

    So when a command is killed between the two, the next `sync` updates the site. A note that cannot be written is
    logged, because the command itself does not need it.
    """
    if config.site.path is None:
        return
    try:
        config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (config.state_dir / _NOTE).write_text(secrets.token_hex(8), encoding="ascii")
    except OSError as error:
        event("site not marked", level=logging.WARNING, reason=str(error))


def is_outdated(config: Config) -> bool:
    """Return whether a change was noted since the configured site was last updated."""
    return config.site.path is not None and _read_note(config) is not None


def outdated_since(config: Config) -> datetime | None:
    """Return the time of the newest change that is not in the configured site; None: it is up to date."""
    if config.site.path is None:
        return None
    try:
        return datetime.fromtimestamp((config.state_dir / _NOTE).stat().st_mtime, UTC)
    except OSError:
        return None


def _read_note(config: Config) -> bytes | None:
    try:
        return (config.state_dir / _NOTE).read_bytes()
    except OSError:
        return None


def update_site(config: Config) -> None:
    """Update the configured site; do nothing without `[site] path`. Raises ConfigError or TemporaryError."""
    if config.site.path is None:
        return
    note = _read_note(config)
    try:
        build_site(config, Path(config.site.path).expanduser())
        if note == _read_note(config):  # else another process has changed something since
            with suppress(OSError):
                (config.state_dir / _NOTE).unlink()
    except (ConfigError, TemporaryError) as error:
        event("site failed", level=logging.ERROR, reason=str(error))
        raise type(error)(f"{NOT_UPDATED}; run: etstats site build. It failed: {error}") from error


def page_of(config: Config) -> Callable[[PendingPost], str | None] | None:
    """Return a function from a post to the URL of its round, match or session page; None without `[site] url`."""
    base = config.site.address
    if base is None:
        return None

    def page(item: PendingPost) -> str | None:
        match item.kind:
            case "round" if item.round_id is not None:
                place = paths.round_(item.round_id)
            case "map" if item.match_id is not None:
                place = paths.match(item.server, item.match_id)
            case "session" if item.session_id is not None:
                place = paths.session(item.session_id)
            case _:
                return None
        return f"{base}/{place}/"

    return page


def zone_of(config: Config) -> tzinfo:
    """Return the time zone of the site's days and seasons: the servers' common time zone, else UTC."""
    zones = {server.timezone for server in config.servers}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC
