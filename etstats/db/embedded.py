"""The PostgreSQL that needs no installation: it lives in the data folder and keeps running between runs.

Nobody but its owner (and root) can connect: no TCP, a socket in a folder of mode 0700, and the kernel's word for
who is at the other end (`peer`). Below the data folder, `postgres/18` is the base and `postgres/lock` keeps two
programs from starting it at once.
"""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from etstats.db.binaries import VERSION, bin_dir, reachable_bin_dir, run_as, server_account
from etstats.db.cluster import PORT, Cluster, configure, create, failure, socket_place
from etstats.errors import ConfigError, DatabaseError

__all__ = ["VERSION", "EmbeddedStatus", "bin_dir", "ensure_running", "status", "stop"]

_START_SECONDS = 60.0
_FAST_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedStatus:
    """The embedded server as it stands; `pid` and `url` are None while it does not run."""

    running: bool
    version: int
    pid: int | None
    url: str | None
    folder: Path
    log_folder: Path


def ensure_running(data_dir: Path, *, version: int = VERSION, durable: bool = True) -> str:
    """Return the URL of the embedded server, started, and made on first use, when need be.

    With the server up it costs a read and a connect. `durable=False` is for bases that are thrown away.
    ConfigError: the folder cannot be used. DatabaseError: the server does not come up.
    """
    folder = _folder(data_dir, version)
    if url := _answering(folder):
        return url
    with _file_errors(folder), _locked(folder.parent):
        if url := _answering(folder):  # another program was quicker
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
    if not folder.parent.exists():
        return False
    with _file_errors(folder), _locked(folder.parent):
        pid = _postmaster(folder)
        if pid:
            _stop(folder, pid)
            if (place := socket_place(folder)) != folder:
                with contextlib.suppress(OSError):
                    place.rmdir()
        return pid is not None


def status(data_dir: Path, *, version: int = VERSION) -> EmbeddedStatus:
    """Return how the embedded server stands, without starting it."""
    folder = _folder(data_dir, version)
    url = _answering(folder)
    return EmbeddedStatus(
        running=url is not None,
        version=version,
        pid=_postmaster(folder) if url else None,
        url=url,
        folder=folder,
        log_folder=folder / "log",
    )


def _folder(data_dir: Path, version: int) -> Path:
    return data_dir.expanduser().resolve() / "postgres" / str(version)


def _pid_file(folder: Path) -> list[str]:
    """Return the lines of postmaster.pid: pid, folder, start, port, socket folder, address, memory, state."""
    try:
        return [line.strip() for line in (folder / "postmaster.pid").read_text(errors="replace").splitlines()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise ConfigError(
            f"The embedded PostgreSQL in {folder} belongs to another user. Run etstats as that user, "
            "or give this one a data folder of its own (ETSTATS_DATA_DIR)."
        ) from error


def _answering(folder: Path) -> str | None:
    """Return the URL when the server of this folder is ready and its socket answers.

    The socket's folder is private, so whoever answers there is ours: no pid has to be trusted.
    """
    lines = _pid_file(folder)
    if len(lines) < 8 or lines[7] != "ready":
        return None
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(f"{lines[4]}/.s.PGSQL.{PORT}")
        except OSError:
            return None
    return f"postgresql://etstats@/etstats?host={quote(lines[4], safe='/')}&port={PORT}"


def _postmaster(folder: Path) -> int | None:
    """Return the pid of the process that works in this folder; a reused pid is somebody else's."""
    if not folder.exists():
        return None
    for lock_file in _lock_files(folder):
        pid = _pid_in(lock_file)
        if pid and _working_folder(pid) == str(folder):
            return pid
    return None


def _lock_files(folder: Path) -> tuple[Path, Path]:
    return folder / "postmaster.pid", socket_place(folder) / f".s.PGSQL.{PORT}.lock"


def _pid_in(lock_file: Path) -> int | None:
    try:
        first = lock_file.read_text(errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def _working_folder(pid: int) -> str | None:
    """Return where a process works; None when it is gone, a zombie, or not ours to look at."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return None


@contextlib.contextmanager
def _file_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DatabaseError(f"The disk of {folder} is full; make room, then run this again.") from error
        raise ConfigError(
            f"The embedded PostgreSQL cannot use {folder}: {error.strerror or error}. "
            "Choose another data folder (ETSTATS_DATA_DIR), or set database.url."
        ) from error


@contextlib.contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Hold the start lock; makes the data folder and `postgres` in it, which stay their owner's."""
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
    """Make a folder for us alone; root's belongs to the owner of the folder above and can be passed through."""
    as_root = os.geteuid() == 0
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if as_root:
        # Through a descriptor: the owner of the folder above could have put a link in its place.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            owner = folder.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fchmod(descriptor, 0o711)
        finally:
            os.close(descriptor)


def _wait_for_lock(descriptor: int, parent: Path) -> None:
    deadline = time.monotonic() + 2 * _START_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"Another program holds {parent / 'lock'} and does not let go of it."
                ) from None
            time.sleep(0.02)


def _said_at_start(folder: Path) -> str:
    """Return what the last start wrote: to its own file, then to the newest log."""
    said = (folder / "start.log").read_text(errors="replace")
    logs = sorted((folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    if logs:
        said += logs[-1].read_text(errors="replace").rpartition("starting PostgreSQL")[2]
    return said


def _start(cluster: Cluster) -> str:
    """Start the server, detached from this terminal and from cron's pipes, and wait until it answers."""
    folder = cluster.folder
    deadline = time.monotonic() + _START_SECONDS
    while pid := _postmaster(folder):
        # It recovers, or is on its way down; or its socket or pid file was lost, so nobody can reach it again.
        if url := _answering(folder):
            return url
        lines = _pid_file(folder)
        if not lines or lines[7:] == ["ready"]:
            _stop(folder, pid)
        _pause(folder, deadline)
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


def _clear_stale(lock_file: Path) -> None:
    """Remove a killed server's lock file that PostgreSQL would respect: it is empty, or its pid is in use again.

    Only called when no server works in the folder; what names a dead process PostgreSQL clears by itself.
    """
    pid = _pid_in(lock_file)
    if pid is None or Path(f"/proc/{pid}").exists():
        lock_file.unlink(missing_ok=True)


def _wait_until_ready(folder: Path, pid: int, deadline: float) -> str:
    while not (url := _answering(folder)):
        if _working_folder(pid) is None:
            raise failure(folder, "it ended at once", _said_at_start(folder))
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
    while _working_folder(pid) == str(folder):
        waited = time.monotonic() - begun
        if waited > _START_SECONDS:
            raise DatabaseError(f"The embedded PostgreSQL (pid {pid}) does not stop; its log: {folder / 'log'}")
        if is_patient and waited > _FAST_SECONDS:
            # PostgreSQL 18 forgets a request that meets its recovery after a crash. "Immediate" loses nothing
            # either: the next start recovers what is in the log.
            os.kill(pid, signal.SIGQUIT)
            is_patient = False
        time.sleep(0.01)
