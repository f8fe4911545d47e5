"""Start the TCP connection to a server before paramiko is imported.

The import takes about as long as a round trip to another continent; both run at the same time.
"""

import errno
import select
import socket
from contextlib import suppress

from etstats.sync.source import SftpSettings

_IN_PROGRESS = {0, errno.EINPROGRESS, errno.EWOULDBLOCK}
_SSH_PORT = 22


class Dial:
    """A TCP connection in progress; if it fails, `connect` opens another.

    Not started if an ssh_config exists, which may name another host. Only the first address of a host is tried.
    """

    def __init__(self, settings: SftpSettings) -> None:
        self._address = (settings.host, settings.port or _SSH_PORT)
        self._socket = None if _has_ssh_config(settings) else _begun(*self._address)

    def take(self, host: str, port: int, seconds: float) -> socket.socket | None:
        """Return the connected socket, once; None if it is for another address or has failed.

        Raises TimeoutError past `seconds`.
        """
        dialed, self._socket = self._socket, None
        if dialed is None:
            return None
        try:
            if (host, port) == self._address:
                if not _is_writable(dialed, seconds):
                    raise TimeoutError
                if dialed.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    dialed.settimeout(seconds)
                    return dialed
        except BaseException:
            dialed.close()
            raise
        dialed.close()
        return None

    def close(self) -> None:
        """Close the socket if `take` did not return it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _has_ssh_config(settings: SftpSettings) -> bool:
    return settings.ssh_config is not None and settings.ssh_config.expanduser().exists()


def _begun(host: str, port: int) -> socket.socket | None:
    with suppress(OSError, UnicodeError):  # `connect` reports it
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        dialed = socket.socket(family, kind, protocol)
        dialed.setblocking(False)
        if dialed.connect_ex(address) in _IN_PROGRESS:
            return dialed
        dialed.close()
    return None


def _is_writable(dialed: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(dialed, select.POLLOUT)
    return bool(poll.poll(1000 * seconds))
