"""Rename a game server, on command or because its files are recognized under a new name."""

import difflib
from collections.abc import Collection
from contextlib import suppress

from etstats.config.schema import Config
from etstats.db import archive
from etstats.db.connection import Connection
from etstats.db.scope import server_names
from etstats.domain.value_formats import check_server_name
from etstats.errors import ConfigError, NotFoundError
from etstats.logs import event


def rename_server(conn: Connection, config: Config, old: str, new: str) -> int:
    """Rename a server with its rounds and local copies; return the number of its files.

    Raises NotFoundError if no server is named `old`, ConfigError if `new` has files or is not a valid name.
    """
    check_server_name(new)
    with conn.transaction():
        server_id = archive.server_id(conn, old)
        if server_id is None:
            names = server_names(conn)
            nearest = difflib.get_close_matches(old, names, n=1) or names
            raise NotFoundError(f'no server "{old}" in the database; there is: {", ".join(nearest) or "none"}')
        files = archive.count_server_files(conn, server_id)
        if old != new:
            taken = archive.server_id(conn, new)
            if taken is not None and (own := archive.count_server_files(conn, taken)):
                raise ConfigError(f'server "{new}" has {own:,} files of its own; two servers cannot be joined')
            archive.rename_server(conn, old, new, unused_id=taken)
    source, target = config.copies_of(old), config.copies_of(new)
    # The copies are optional: a sync writes them again.
    with suppress(OSError):
        if source.is_dir() and not target.exists():
            source.rename(target)
    event("server renamed", server=old, to=new, files=files)
    return files


def recognize(conn: Connection, config: Config, name: str, hashes: Collection[str]) -> str | None:
    """Rename a server that is no longer configured to `name`, if it had these files and `name` has none yet.

    `hashes` are those of the first files fetched under `name`. Return the former name, or None if not renamed.
    """
    configured = {server.name for server in config.servers}
    if name not in configured or not hashes:
        return None
    with conn.transaction():
        server_id = archive.server_id(conn, name)
        if server_id is not None and archive.count_server_files(conn, server_id):
            return None
        former = [
            (other, count)
            for other, count in archive.servers_with_content(conn, name, hashes)
            if other not in configured
        ]
    if not former or 2 * former[0][1] < len(hashes):
        return None
    rename_server(conn, config, former[0][0], name)
    return former[0][0]


def similar_server(conn: Connection, config: Config, name: str) -> str | None:
    """Return the known server that a new name resembles, which may be mistyped; None for a known or other name."""
    known = {server.name for server in config.servers} | set(server_names(conn))
    return None if name in known else next(iter(difflib.get_close_matches(name, known, n=1)), None)


def duplicates_hint(conn: Connection, name: str, hashes: Collection[str]) -> str | None:
    """Return a warning if most of the first files of a server count for another server, too."""
    with conn.transaction():
        others = archive.servers_with_content(conn, name, hashes) if hashes else []
    if not others or 2 * others[0][1] < len(hashes):
        return None
    other, count = others[0]
    return (
        f'{name}: {count:,} of the first {len(hashes):,} files count for server "{other}", too; their rounds '
        "count twice. Are the names of two servers swapped? See: etstats validate"
    )
