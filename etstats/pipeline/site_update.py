"""The site, brought up to date after what changes the database."""

import time
from collections.abc import Callable
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from etstats.config.schema import Config
from etstats.db.connection import ONE_MOMENT, connect
from etstats.db.pending_posts import PendingPost
from etstats.errors import ConfigError, TemporaryError
from etstats.logs import event
from etstats.pipeline.database import database_url
from etstats.site import paths
from etstats.site.settings import address

if TYPE_CHECKING:
    from etstats.site.folder import Changes

WAIT_SECONDS = 30.0
"""How long an update waits for another build of the same site; a build is done within seconds."""


def build_site(
    config: Config,
    folder: Path,
    *,
    wait_seconds: float = WAIT_SECONDS,
    anew: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> "Changes":
    """Build the site of this database into a folder, as of one moment; see `builder.build`."""
    from etstats.site.builder import build

    began = time.monotonic()
    conn = connect(database_url(config), read_only=True)
    try:
        conn.isolation_level = ONE_MOMENT
        changes = build(
            conn, folder, config.site, zone_of(config), wait_seconds=wait_seconds, anew=anew, progress=progress
        )
    finally:
        conn.close()
    event("site", written=changes.written, removed=changes.removed, build_ms=1000 * (time.monotonic() - began))
    return changes


def update_site(config: Config) -> None:
    """Bring the configured site up to date; nothing without `[site] path`. Errors say that the site is behind."""
    if config.site.path is None:
        return
    try:
        build_site(config, Path(config.site.path).expanduser())
    except (ConfigError, TemporaryError) as error:
        event("site failed", reason=str(error))
        raise type(error)(f"the site was not updated: {error}; then run: etstats site build") from error


def page_of(config: Config) -> Callable[[PendingPost], str | None] | None:
    """What gives the address of the page about a round, match or session; None without `[site] url`."""
    base = address(config.site.url)
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
    """The clock of the site's days and seasons: the servers' where they share one, else UTC."""
    zones = {server.timezone for server in config.servers}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC
