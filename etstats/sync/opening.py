"""Open a source: a game server over SFTP, or a local folder."""

from pathlib import Path

from etstats.sync.folder import open_folder
from etstats.sync.sftp.dial import Dial
from etstats.sync.source import SftpSettings, Source


def open_source(location: SftpSettings | Path) -> Source:
    """Connect to a game server, or open a local folder; errors as in `etstats.sync.source.Source`."""
    if isinstance(location, Path):
        return open_folder(location)
    dial = Dial(location)
    try:
        from etstats.sync.sftp.source import connect  # noqa: PLC0415  # paramiko

        return connect(location, dial)
    finally:
        dial.close()
