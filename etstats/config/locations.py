"""Where the files of a configured server are."""

from pathlib import Path

from etstats.config.schema import Config, ServerConfig
from etstats.sync.source import SftpSettings, Timeouts


def location_of(server: ServerConfig, config: Config) -> SftpSettings | Path:
    """Return the SSH address or the local folder of a configured server, for `sync`."""
    if server.path is not None:
        return Path(server.path).expanduser()
    return SftpSettings(
        host=server.host or "",
        remote_path=server.remote_path or "",
        port=server.port,
        user=server.user,
        key_file=Path(server.key_file).expanduser() if server.key_file else None,
        known_hosts=Path(server.known_hosts).expanduser() if server.known_hosts else None,
        timeouts=Timeouts(connect=config.sync.connect_timeout, answer=config.sync.read_timeout),
    )
