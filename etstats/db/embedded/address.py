"""The address of an embedded server: its socket, its URL, and the checks of the server's user."""

import hashlib
import os
import pwd
import socket
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from etstats.errors import ConfigError

PORT = 5432  # no TCP port is opened: libpq derives the socket's name from it
_SOCKET_PATH_BYTES = 107  # sizeof(sun_path) without the terminating NUL
OTHER_SOCKET_FOLDER = "socket_folder"
"""A file with two lines, the usual socket folder and the one in use, if the usual name in /tmp was not free."""
_NO_PASSFILE = "etstats-no-passfile"
_PROBE_SECONDS = 5.0


def socket_folder(folder: Path) -> Path:
    """Return the folder of the socket: the cluster itself, or one in /tmp if its path cannot be used.

    Not in /run/user, which is emptied when the user logs out while the server keeps running.
    """
    # libpq reads a comma as the separator of a list of hosts.
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_BYTES and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    usual = f"/tmp/etstats-{folder.stat().st_uid}-{digest}"  # noqa: S108 - see is_socket_folder_private
    with suppress(FileNotFoundError):
        instead_of, _, other = (folder / OTHER_SOCKET_FOLDER).read_text(encoding="ascii").partition("\n")
        if instead_of == usual:  # not in a copy of the cluster
            return Path(other)
    return Path(usual)


def is_socket_folder_private(folder: Path) -> bool:
    """Say whether only the cluster's owner can create a socket at the path of the server's."""
    directory, owner = socket_folder(folder), folder.stat().st_uid
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    others = 0o022 if directory == folder else 0o077
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) & others == 0


def shared_folder(folder: Path) -> ConfigError:
    """Return the error for a cluster that other users can write to."""
    return ConfigError(
        f"{folder} must be a folder of user {user_name(folder.stat().st_uid)} with mode 0700, for the socket of "
        f"the embedded PostgreSQL. Run: chmod 700 {folder}"
    )


def is_listening(folder: Path) -> bool:
    """Say whether a server accepts connections on this cluster's socket.

    ConfigError: the process behind the socket belongs to another user than the cluster.
    """
    if not is_socket_folder_private(folder):
        if socket_folder(folder) == folder:
            raise shared_folder(folder)
        return False  # the next start chooses another one
    path = socket_folder(folder) / f".s.PGSQL.{PORT}"
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(os.fsencode(path))
        except OSError:
            return False
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid = struct.unpack("3i", credentials)[1]
    if uid != (owner := folder.stat().st_uid):
        raise ConfigError(
            f"A process of user {user_name(uid)} listens on {path}; expected one of user {user_name(owner)}. "
            "Stop that process and remove the socket."
        )
    return True


def url(folder: Path) -> str:
    """Return the URL of the server of this cluster.

    `requirepeer` makes libpq refuse a server of another user. `passfile` keeps it from reading ~/.pgpass, and
    names the cluster for `cluster_folder`.
    """
    owner = user_name(folder.stat().st_uid)
    parts = {
        "host": str(socket_folder(folder)),
        "port": str(PORT),
        "requirepeer": owner,
        "passfile": str(folder / _NO_PASSFILE),
    }
    return "postgresql://etstats@/etstats?" + "&".join(f"{key}={quote(part)}" for key, part in parts.items())


def cluster_folder(settings: Mapping[str, str]) -> Path | None:
    """Return the cluster that libpq's settings lead to; None if they were not made by `url`."""
    passfile = Path(settings.get("passfile") or "/")
    return passfile.parent if passfile.name == _NO_PASSFILE else None


@contextmanager
def libpq_environment_ignored() -> Iterator[None]:
    """Hide the PG* variables from libpq, which reads the process's environment whenever it connects.

    A setting of the URL does not override all of them: PGSERVICE, PGDATESTYLE and PGTZ are read anyway.
    """
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def user_name(uid: int) -> str:
    """Return the user's name, or the number if the machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
