"""Starting, stopping and finding the server of a cluster."""

import contextlib
import errno
import fcntl
import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from etstats.db.embedded import address
from etstats.db.embedded.address import PORT, is_socket_folder_private, socket_folder
from etstats.db.embedded.cluster import Cluster, configure, create, failure
from etstats.db.embedded.programs import VERSION, reachable_bin_dir, run_as, server_account
from etstats.errors import ConfigError, DatabaseError

_log = logging.getLogger(__name__)
_START_SECONDS = 60.0
_FAST_SECONDS = 20.0
# initdb fails beyond PostgreSQL's MAXPGPATH of 1024, from which its own file names go off.
_LONGEST_FOLDER_BYTES = 900
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # a surrogate stands for a byte that is not UTF-8


class PidFile(NamedTuple):
    """The contents of postmaster.pid; `socket_folder` and `state` are written later than the other lines."""

    pid: int | None
    data_folder: str
    socket_folder: str
    state: str


class EmbeddedStatus(NamedTuple):
    """The state of the embedded server; `pid` and `url` are None while it does not run."""

    running: bool
    version: int
    pid: int | None
    url: str | None
    folder: Path
    log_folder: Path


def ensure_running(data_dir: Path, *, version: int = VERSION, durable: bool = True) -> str:
    """Return the URL of the embedded server; start it, and make it on first use.

    If it runs already this costs a read and a connect. `durable=False` is for databases that are thrown away.
    ConfigError: the folder cannot be used. DatabaseError: the server does not start.
    """
    folder = _folder(data_dir, version)
    with _file_errors(folder):
        if url := _usable_url(folder):
            return url
    with _file_errors(folder), _locked(folder.parent):
        if url := _usable_url(folder):  # another process was faster
            return url
        account = server_account(folder.parent)
        programs = reachable_bin_dir(account, folder.parent, version)
        cluster = Cluster(folder=folder, account=account, programs=programs, version=version, durable=durable)
        if not folder.exists():
            create(cluster)
        return _start(cluster)


def stop(data_dir: Path, *, version: int = VERSION) -> bool:
    """Stop the server and wait until it is down; open transactions are rolled back. False: it was not running."""
    folder = _folder(data_dir, version)
    with _file_errors(folder):
        if not folder.exists():
            return False
    with _file_errors(folder), _locked(folder.parent):
        pid = _postmaster(folder)
        if pid is None:
            _refuse_second_server(folder)
        else:
            _stop(folder, pid)
            if (directory := socket_folder(folder)) != folder:
                with contextlib.suppress(OSError):
                    directory.rmdir()
        return pid is not None


def status(data_dir: Path, *, version: int = VERSION) -> EmbeddedStatus:
    """Return the state of the embedded server without starting it."""
    folder = _folder(data_dir, version)
    with _file_errors(folder):
        url = _running_url(folder)
    return EmbeddedStatus(
        running=url is not None,
        version=version,
        pid=_postmaster(folder) if url else None,
        url=url,
        folder=folder,
        log_folder=folder / "log",
    )


def _folder(data_dir: Path, version: int) -> Path:
    """Return the cluster's folder, free of symbolic links; ConfigError if PostgreSQL cannot use such a path."""
    # Unlike resolve(), realpath keeps a link that leads to itself, which the file system then refuses.
    folder = Path(os.path.realpath(data_dir.expanduser())) / "postgres" / str(version)
    name = str(folder)
    if _UNUSABLE.search(name):
        reason = "UTF-8 without control characters"
    elif len(os.fsencode(folder)) > _LONGEST_FOLDER_BYTES:
        reason = f"at most {_LONGEST_FOLDER_BYTES} bytes long"
    else:
        return folder
    raise ConfigError(
        f"The path of the embedded PostgreSQL must be {reason}. Choose another data folder (ETSTATS_DATA_DIR); "
        f"it is {str(data_dir)!r}."
    )


def _pid_file(folder: Path) -> PidFile | None:
    """Read postmaster.pid: pid, data folder, start, port, socket folder, address, memory, state."""
    path = folder / "postmaster.pid"
    try:
        lines = [os.fsdecode(line.strip()) for line in path.read_bytes().split(b"\n")]
        owner = folder.stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise _foreign(folder) from error
    if os.geteuid() not in {0, owner}:
        raise _foreign(folder)
    lines += [""] * (8 - len(lines))
    return PidFile(int(lines[0]) if lines[0].isdecimal() else None, lines[1], lines[4], lines[7])


def _foreign(folder: Path) -> ConfigError:
    return ConfigError(
        f"The embedded PostgreSQL in {folder} belongs to another user. Run etstats as that user, "
        "or choose another data folder (ETSTATS_DATA_DIR)."
    )


def _running_url(folder: Path) -> str | None:
    """Return the URL if the server of this folder is ready and its socket accepts connections.

    A copied or moved folder contains the postmaster.pid of a server in another folder.
    """
    found = _pid_file(folder)
    if found is None or found.state != "ready":
        return None
    if (found.data_folder, found.socket_folder) != (str(folder), str(socket_folder(folder))):
        return None
    return address.url(folder) if address.is_listening(folder) else None


def _usable_url(folder: Path) -> str | None:
    """Return the URL of the running server, unless its programs were removed or replaced since its start.

    Such a server cannot load its libraries any more (PL/pgSQL, text search); the installed release can.
    """
    found = _pid_file(folder)
    if found and found.pid and _link(found.pid, "exe").endswith(" (deleted)"):
        return None
    return _running_url(folder)


def _postmaster(folder: Path) -> int | None:
    """Return the pid of the server that works in this folder; its lock files may name an unrelated process."""
    if not folder.exists():
        return None
    for lock_file in _lock_files(folder):
        pid = _pid_in(lock_file)
        if pid and _link(pid, "cwd") == str(folder):
            return pid
    return None


def _lock_files(folder: Path) -> Iterator[Path]:
    yield folder / "postmaster.pid"
    if is_socket_folder_private(folder):  # others could put a named pipe there
        yield socket_folder(folder) / f".s.PGSQL.{PORT}.lock"


def _pid_in(lock_file: Path) -> int | None:
    try:
        first = lock_file.read_text(errors="replace").partition("\n")[0].strip()
    except OSError:
        return None
    return int(first) if first.isdecimal() else None


def _link(pid: int, name: str) -> str:
    """Return the target of a link of a process in /proc; "" if it is gone, a zombie, or another user's."""
    try:
        return str(Path(f"/proc/{pid}/{name}").readlink())
    except OSError:
        return ""


@contextlib.contextmanager
def _file_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DatabaseError(
                f"The disk of {folder} is full; free some space and run the command again."
            ) from error
        raise ConfigError(
            f"The embedded PostgreSQL cannot use {folder}: {error.strerror or error}. "
            "Choose another data folder (ETSTATS_DATA_DIR), or set database.url."
        ) from error


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Hold the start lock; make the data folder and `postgres` in it if they are missing."""
    for folder in (parent.parent, parent):
        if not folder.exists():
            _make_folder(folder)
    descriptor = os.open(parent / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, parent.stat().st_uid, -1)
        _wait_for_lock(descriptor, parent)
        yield
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Make a private folder; root's gets the owner of its parent and can be passed through."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        folder.mkdir(mode=0o700, exist_ok=True)
        return
    # Under another name first: a killed run must not leave a folder that the server's account cannot enter.
    staging = folder.with_name(f"{folder.name}.new")
    try:
        staging.mkdir(mode=0o700, exist_ok=True)
        # Through a descriptor: the owner of the folder above could have put a link in its place.
        descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            owner = folder.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fchmod(descriptor, 0o711)
        finally:
            os.close(descriptor)
        staging.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        with contextlib.suppress(OSError):  # another process was faster
            staging.rmdir()


def _wait_for_lock(descriptor: int, parent: Path) -> None:
    deadline = time.monotonic() + 2 * _START_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"Another process has held {parent / 'lock'} for {2 * _START_SECONDS:.0f} s; try again later."
                ) from None
            time.sleep(0.02)


def _start_output(folder: Path) -> str:
    """Return the output of the last start: of its own file, then of the newest log."""
    output = (folder / "start.log").read_text(errors="replace")
    logs = sorted((folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    if logs:
        output += logs[-1].read_text(errors="replace").rpartition("starting PostgreSQL")[2]
    return output


def _start(cluster: Cluster) -> str:
    """Start the server, detached from this terminal and from cron's pipes, and wait until it is ready."""
    folder = cluster.folder
    deadline = time.monotonic() + _START_SECONDS
    while pid := _postmaster(folder):
        # It is recovering or stopping; its programs were replaced; or its socket or pid file is lost or misleads.
        if url := _usable_url(folder):
            return url
        found = _pid_file(folder)
        if found is None or found.state == "ready":
            _stop(folder, pid)
        _pause(folder, deadline)
    _refuse_second_server(folder)
    _warn_of_copy(folder)
    configure(cluster)
    while True:
        for lock_file in _lock_files(folder):
            _clear_stale(lock_file)
        command = ["/bin/sh", "-c", '"$1" -D "$2" </dev/null >"$3" 2>&1 & echo $!', "sh"]
        done = run_as(
            cluster.account, [*command, cluster.programs / "postgres", folder, cluster.start_log], new_session=True
        )
        try:
            return _wait_until_ready(folder, int(done.stdout), deadline)
        except DatabaseError as error:
            # Workers of a killed server may need a moment to notice.
            if "still in use" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _refuse_second_server(folder: Path) -> None:
    """Raise an error if a server listens whose process is not found: a second server would damage the files.

    Its process may belong to another container with the same folder, or the folder may be a copy of hard links.
    """
    if address.is_listening(folder):
        found = _pid_file(folder)
        raise ConfigError(
            f"A server that works in {found.data_folder if found else 'another folder'} listens in {folder}, but "
            "its process is not found here. Stop it where it runs (another container?), or choose another "
            "data folder (ETSTATS_DATA_DIR)."
        )


def _warn_of_copy(folder: Path) -> None:
    found = _pid_file(folder)
    if found and found.data_folder != str(folder):
        _log.warning(
            "%s was moved or copied from %s; a copy made while that server ran may be inconsistent, "
            "unlike one made by etstats backup and restore",
            folder,
            found.data_folder,
        )


def _clear_stale(lock_file: Path) -> None:
    """Remove a lock file that PostgreSQL would respect: it is empty, or an unrelated process has its pid.

    Only called when no server works in the folder; PostgreSQL itself removes one that names a dead process.
    """
    pid = _pid_in(lock_file)
    if pid is None or Path(f"/proc/{pid}").exists():
        lock_file.unlink(missing_ok=True)


def _wait_until_ready(folder: Path, pid: int, deadline: float) -> str:
    while not (url := _running_url(folder)):
        if not _link(pid, "cwd"):
            raise failure(folder, "it ended at once", _start_output(folder))
        _pause(folder, deadline)
    return url


def _pause(folder: Path, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise DatabaseError(
            f"The embedded PostgreSQL in {folder} is not ready after {_START_SECONDS:.0f} s; try again. "
            f"Its log: {folder / 'log'}"
        )
    time.sleep(0.01)


def _stop(folder: Path, pid: int) -> None:
    os.kill(pid, signal.SIGINT)  # "fast": sessions are ended, everything is written
    begun = time.monotonic()
    is_patient = True
    while _link(pid, "cwd") == str(folder):
        waited = time.monotonic() - begun
        if waited > _START_SECONDS:
            raise DatabaseError(f"The embedded PostgreSQL (pid {pid}) does not stop; its log: {folder / 'log'}")
        if is_patient and waited > _FAST_SECONDS:
            # PostgreSQL 18 ignores a fast request during crash recovery. An immediate one loses nothing either:
            # the next start replays the log.
            os.kill(pid, signal.SIGQUIT)
            is_patient = False
        time.sleep(0.01)
