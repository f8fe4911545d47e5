"""Fetching round files from a game server over SFTP or a folder of this machine; knows nothing of contents.

    with open_source(SftpSettings(host="game.example.org", remote_path="gamestats")) as source:
        listing = source.look()                                     # Listing: files, refused names, a mark
        todo = mirror.plan(listing, stamp_of=..., known=..., ...)   # pure: what to take, why the rest is left
        for outcome in source.fetch(todo.take):                     # Fetched(file, content), Failed(file, reason)
        source.look(listing.mark)                                   # polling: None while nothing can have changed

A first contact: `sftp.probe_host_key(settings)`, show its fingerprint, `sftp.trust(settings, key)`.
Errors: SourceError (later), AccessError, HostKeyError (a person), ConfigError. Times: `window.parse_when`.
"""

from pathlib import Path

from etstats.sync.source import SftpSettings, Source


def open_source(place: SftpSettings | Path) -> Source:
    """Connect to a game server, or take a folder of this machine; errors as in `remote.Source`."""
    if isinstance(place, Path):
        from etstats.sync.folder import open_folder

        return open_folder(place)
    from etstats.sync.sftp.source import connect  # paramiko is loaded only by those who need it

    return connect(place)
