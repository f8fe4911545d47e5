"""Create and configure a cluster of the embedded PostgreSQL on disk."""

import contextlib
import os
import pwd
import re
import secrets
import shutil
from pathlib import Path
from typing import NamedTuple

from etstats.db.embedded.address import (
    OTHER_SOCKET_FOLDER,
    PORT,
    is_socket_folder_private,
    shared_folder,
    socket_folder,
)
from etstats.db.embedded.programs import run_as
from etstats.errors import ConfigError, DatabaseError

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
_UNUSABLE_FILES = re.compile(
    r"database files are incompatible|is not a valid data directory|could not find the database system"
    r"|could not (?:locate|read from) .*checkpoint|invalid .*checkpoint|checksum in control file|global/pg_control"
)


class Cluster(NamedTuple):
    """A cluster on disk with its account and programs; `durable` False: a temporary cluster."""

    folder: Path
    account: pwd.struct_passwd
    programs: Path
    version: int
    durable: bool

    @property
    def start_log(self) -> Path:
        """The file for the server's output until its own log is open."""
        return self.folder / "start.log"


def create(cluster: Cluster) -> None:
    """Create a cluster under a temporary name and rename it, so that an unfinished one is never used."""
    parent = cluster.folder.parent
    others = sorted(path.name for path in parent.iterdir() if path.name.isdigit())
    if others:
        raise ConfigError(
            f"The database in {parent / others[-1]} was made by PostgreSQL {others[-1]}; this etstats needs "
            f"{cluster.version}. Run `etstats backup` with the etstats that made it, move the folder away, then "
            "run `etstats restore`."
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
    # Written to the disk once, at the end (-F: not at each step).
    single: list[str | Path] = [cluster.programs / "postgres", "--single", "-F", "-D", staging, "postgres"]
    _must(cluster, single, text="CREATE DATABASE etstats;\n")
    # As the account: what root writes below another's folder could be led elsewhere by a link.
    include: list[str | Path] = [
        "/bin/sh",
        "-c",
        """echo "include 'etstats.conf'" >>"$0" """,
        staging / "postgresql.conf",
    ]
    _must(cluster, include)
    if cluster.durable:
        _must(cluster, [cluster.programs / "initdb", "-D", staging, "--sync-only"])
    staging.rename(cluster.folder)


def _must(cluster: Cluster, command: list[str | Path], text: str = "") -> None:
    done = run_as(cluster.account, command, text=text)
    # Single-user mode ends with 0 even when its statement failed.
    if done.returncode or "ERROR:" in done.stderr:
        raise failure(cluster.folder, f"{Path(str(command[0])).name} failed", done.stderr or done.stdout)


def failure(folder: Path, what: str, output: str) -> ConfigError | DatabaseError:
    """Return the error for the output of PostgreSQL's programs; the first error in it is the cause.

    A ConfigError says that the files are damaged or of another version, so that another start fails too.
    """
    if "No space left on device" in output:
        return DatabaseError(f"The disk of {folder} is full; free some space and run the command again.")
    errors = [line for line in output.splitlines() if re.search(r"FATAL:|PANIC:|ERROR:|error:", line)]
    reason = (errors or output.splitlines() or ["no output"])[0].strip()
    if _UNUSABLE_FILES.search(output):
        return ConfigError(
            f"The embedded PostgreSQL cannot use the files in {folder}: {reason}. Rename that folder, then run: "
            f"etstats restore latest. The log: {folder / 'log'}"
        )
    return DatabaseError(f"The embedded PostgreSQL did not start: {what}: {reason}. Its log: {folder / 'log'}")


def configure(cluster: Cluster) -> None:
    """Write the settings and the access rules, before every start, so that they match this version."""
    directory = _prepare_socket_folder(cluster)
    # A list of quoted names within a quoted string in which a backslash escapes.
    quoted = str(directory).replace('"', '""').replace("\\", "\\\\").replace("'", "''")
    settings = _SETTINGS.format(port=PORT, socket_folder=quoted)
    if cluster.version >= 18:
        settings += "io_method = sync\n"  # no helper processes for a database that fits into memory
    if not cluster.durable:
        settings += _THROWAWAY
    users = sorted({"root", cluster.account.pw_name})
    _write(cluster, "etstats.conf", settings)
    _write(cluster, "pg_hba.conf", "local all all peer map=etstats\nlocal replication all peer map=etstats\n")
    _write(cluster, "pg_ident.conf", "".join(f'etstats "{name}" etstats\n' for name in users))


def _write(cluster: Cluster, name: str, text: str) -> None:
    path = cluster.folder / name
    new = path.with_name(f"{name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if os.geteuid() == 0:
            os.fchown(descriptor, cluster.account.pw_uid, cluster.account.pw_gid)
        file.write(text)
    new.replace(path)


def _prepare_socket_folder(cluster: Cluster) -> Path:
    """Create the folder of the socket; choose another one in /tmp if somebody else has its name."""
    directory = socket_folder(cluster.folder)
    if directory == cluster.folder:
        if not is_socket_folder_private(cluster.folder):
            raise shared_folder(cluster.folder)
        return directory
    if not _make_socket_folder(directory, cluster):
        (cluster.folder / OTHER_SOCKET_FOLDER).unlink(missing_ok=True)
        usual = socket_folder(cluster.folder)
        # Nobody can take this name before the server does.
        directory = usual.with_name(f"etstats-{secrets.token_hex(16)}")
        _write(cluster, OTHER_SOCKET_FOLDER, f"{usual}\n{directory}")
        if not _make_socket_folder(directory, cluster):
            raise ConfigError(f"{directory} cannot be used. Choose a shorter data folder (ETSTATS_DATA_DIR).")
    return directory


def _make_socket_folder(directory: Path, cluster: Cluster) -> bool:
    """Create the folder unless it exists; return whether it is private."""
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(directory, cluster.account.pw_uid, cluster.account.pw_gid, follow_symlinks=False)
    return is_socket_folder_private(cluster.folder)
