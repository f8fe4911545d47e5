"""The PostgreSQL that needs no installation: it lives in the data folder and keeps running between runs.

Nobody but its owner (and root) can connect: no TCP, a socket in a folder of mode 0700, and the kernel's word for
who is at the other end (`peer`). Below the data folder, `postgres/18` is the base and `postgres/lock` keeps two
programs from starting it at once.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from etstats.db.binaries import VERSION, bin_dir, reachable_bin_dir, run_as, server_account
from etstats.errors import ConfigError, DatabaseError

__all__ = ["VERSION", "EmbeddedStatus", "bin_dir", "ensure_running", "status", "stop"]

_START_SECONDS = 60.0
_PORT = 5432  # no TCP port: it names the socket
_SOCKET_PATH_BYTES = 107  # the kernel's limit

_SETTINGS = """\
# Written at every start. Your own settings: ALTER SYSTEM, or postgresql.auto.conf.
listen_addresses = ''
port = {port}
unix_socket_directories = '"{socket_folder}"'
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 96MB
effective_cache_size = 384MB
work_mem = 8MB
maintenance_work_mem = 64MB
min_wal_size = 32MB
max_wal_size = 256MB
random_page_cost = 1.1
jit = off
timezone = UTC
log_timezone = UTC
logging_collector = on
log_directory = log
log_filename = 'postgres-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %a '
"""
_THROWAWAY = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedStatus:
    """The embedded server as it stands; `pid` and `url` are None while it does not run."""

    running: bool
    version: int
    pid: int | None
    url: str | None
    folder: Path
    log_folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """One base on disk, and what it takes to run it."""

    folder: Path
    account: pwd.struct_passwd
    programs: Path
    version: int
    durable: bool

    @property
    def start_log(self) -> Path:
        return self.folder / "start.log"


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
        cluster = _Cluster(folder=folder, account=account, programs=programs, version=version, durable=durable)
        if not folder.exists():
            _create(cluster)
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
            if (place := _socket_place(folder)) != folder:
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
            probe.connect(f"{lines[4]}/.s.PGSQL.{_PORT}")
        except OSError:
            return None
    return f"postgresql://etstats@/etstats?host={quote(lines[4], safe='/')}&port={_PORT}"


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
    return folder / "postmaster.pid", _socket_place(folder) / f".s.PGSQL.{_PORT}.lock"


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
    as_root = os.geteuid() == 0
    for folder in (parent.parent, parent):
        if not folder.exists():
            # The server's account has to pass through what root makes here, and no more than that.
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o711 if as_root else 0o700)
            if as_root and folder is parent:
                owner = parent.parent.stat()
                os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
    descriptor = os.open(parent / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if as_root:
            os.fchown(descriptor, parent.stat().st_uid, -1)
        _wait_for_lock(descriptor, parent)
        yield
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


def _create(cluster: _Cluster) -> None:
    """Make a base under another name and rename it, so that a half-made one is never taken for whole."""
    parent = cluster.folder.parent
    others = sorted(path.name for path in parent.iterdir() if path.name.isdigit())
    if others:
        raise ConfigError(
            f"The base in {parent / others[-1]} was made by PostgreSQL {others[-1]}, and this etstats carries "
            f"{cluster.version}. With the etstats that made it: `etstats backup`; then move the folder away and "
            "`etstats restore`."
        )
    staging = parent / f"{cluster.version}.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(staging, cluster.account.pw_uid, cluster.account.pw_gid, follow_symlinks=False)
    if run_as(cluster.account, ["/bin/sh", "-c", 'test -w "$0"', staging]).returncode:
        shutil.rmtree(staging, ignore_errors=True)
        raise ConfigError(
            f"As root the embedded PostgreSQL runs as '{cluster.account.pw_name}', which cannot reach {parent}: a "
            "folder above is closed to it. Choose a data folder it can reach (ETSTATS_DATA_DIR=/var/lib/etstats)."
        )
    # PostgreSQL's own collation stays the same when the system's library changes; the older ones lack it.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if cluster.version < 17:
        locale = ["--locale=C.UTF-8"]
    initdb: list[str | Path] = [cluster.programs / "initdb", "-D", staging, "--no-sync"]
    _must(cluster, [*initdb, "-U", "etstats", "--auth=peer", "--encoding=UTF8", *locale])
    single: list[str | Path] = [cluster.programs / "postgres", "--single", "-D", staging, "postgres"]
    _must(cluster, single, text="CREATE DATABASE etstats;\n")
    with (staging / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write("include 'etstats.conf'\n")
    if cluster.durable:
        _must(cluster, [cluster.programs / "initdb", "-D", staging, "--sync-only"])
    staging.rename(cluster.folder)


def _must(cluster: _Cluster, command: list[str | Path], text: str = "") -> None:
    done = run_as(cluster.account, command, text=text)
    # Single-user mode ends with 0 even when its statement failed.
    if done.returncode or "ERROR:" in done.stderr:
        raise _failure(cluster.folder, f"{Path(str(command[0])).name} failed", done.stderr or done.stdout)


def _failure(folder: Path, what: str, output: str) -> DatabaseError:
    if "No space left on device" in output:
        return DatabaseError(f"The disk of {folder} is full; make room, then run this again.")
    told = [line for line in output.splitlines() if re.search(r"FATAL:|PANIC:|ERROR:|error:", line)]
    reason = (told or output.splitlines() or ["it said nothing"])[0].strip()
    return DatabaseError(f"The embedded PostgreSQL did not start: {what}: {reason}. Its log: {folder / 'log'}")


def _said_at_start(folder: Path) -> str:
    """Return what the last start wrote: to its own file, then to the newest log."""
    said = (folder / "start.log").read_text(errors="replace")
    logs = sorted((folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    if logs:
        said += logs[-1].read_text(errors="replace").rpartition("starting PostgreSQL")[2]
    return said


def _start(cluster: _Cluster) -> str:
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
    _configure(cluster)
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
            raise _failure(folder, "it ended at once", _said_at_start(folder))
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
    deadline = time.monotonic() + _START_SECONDS
    while _working_folder(pid) == str(folder):
        if time.monotonic() > deadline:
            raise DatabaseError(f"The embedded PostgreSQL (pid {pid}) does not stop; its log: {folder / 'log'}")
        time.sleep(0.01)


def _configure(cluster: _Cluster) -> None:
    place = _socket_place(cluster.folder)
    if place != cluster.folder:
        _make_private(place, cluster.account)
    quoted = str(place).replace('"', '""').replace("'", "''")
    settings = _SETTINGS.format(port=_PORT, socket_folder=quoted)
    if cluster.version >= 18:
        settings += "io_method = sync\n"  # no helper processes for a base that fits into memory
    if not cluster.durable:
        settings += _THROWAWAY
    people = sorted({"root", cluster.account.pw_name})
    _write(cluster, "etstats.conf", settings)
    _write(cluster, "pg_hba.conf", "local all all peer map=etstats\nlocal replication all peer map=etstats\n")
    _write(cluster, "pg_ident.conf", "".join(f'etstats "{name}" etstats\n' for name in people))


def _write(cluster: _Cluster, name: str, text: str) -> None:
    path = cluster.folder / name
    new = path.with_name(f"{name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if os.geteuid() == 0:
            os.fchown(descriptor, cluster.account.pw_uid, cluster.account.pw_gid)
        file.write(text)
    new.replace(path)


def _socket_place(folder: Path) -> Path:
    """Return the base's own folder, or where its path cannot name a socket, a place in /tmp.

    Not in /run/user: that is emptied when the user logs out, and the server goes on.
    """
    # A comma would read as a list of hosts.
    if len(os.fsencode(folder / f".s.PGSQL.{_PORT}")) <= _SOCKET_PATH_BYTES and "," not in str(folder):
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(f"/tmp/etstats-{folder.stat().st_uid}-{digest}")  # noqa: S108 - its owner and mode are checked


def _make_private(place: Path, account: pwd.struct_passwd) -> None:
    try:
        place.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(place, account.pw_uid, account.pw_gid, follow_symlinks=False)
    except FileExistsError:
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.pw_uid or found.st_mode & 0o077:
            raise ConfigError(
                f"{place} is in the way and not ours. Remove it, or choose a data folder with a shorter path."
            ) from None
