"""PgBouncer in transaction mode: each transaction may run in another server session."""

import json
import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from etstats.db.connection import connect
from etstats.db.locks import run_lock
from etstats.demo.generator import generate, write_files
from etstats.errors import ConfigError, LockedError
from tests.conftest import OUTSIDE_SERVER, CliResult
from tests.support.processes import Process, until

Cli = Callable[..., CliResult]
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None or bool(OUTSIDE_SERVER), reason="needs pgbouncer on this machine")

SETTINGS = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
server_round_robin = 1
logfile = {folder}/log
"""


@pytest.fixture(scope="module", params=["transaction", "session"])
def pooler(request: pytest.FixtureRequest, postgres: str, reachable_dir: Path) -> Iterator[Path]:
    """The socket folder of a PgBouncer for the test server."""
    server = conninfo_to_dict(postgres)
    folder = reachable_dir / f"pgbouncer-{request.param}"
    folder.mkdir()
    owner = pwd.getpwuid(Path(str(server["host"])).stat().st_uid)
    if os.geteuid() == 0:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    (folder / "ini").write_text(SETTINGS.format(folder=folder, mode=request.param, **server))
    account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    with Process([str(PROGRAM), "-q", folder / "ini"], **account) as process:
        until(lambda: (folder / ".s.PGSQL.6432").exists() or process.poll() is not None)
        assert process.returncode is None, process.err
        yield folder


@pytest.fixture
def pooled_url(pooler: Path, database_url: str) -> str:
    """The URL of this test's database, through the pooler."""
    return f"postgresql://etstats@/{conninfo_to_dict(database_url)['dbname']}?host={pooler}&port=6432"


def backend(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT pg_backend_pid()").fetchone()
    assert row
    return int(row[0])


def test_settings_apply_to_every_pooled_session(pooled_url: str, admin: psycopg.Connection) -> None:
    """The settings are set in each session that a transaction uses."""
    database = sql.Identifier(conninfo_to_dict(pooled_url)["dbname"])
    for name, other in {"DateStyle": "German", "TimeZone": "Asia/Tokyo", "client_encoding": "LATIN1"}.items():
        admin.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name), other))
    statement = "SELECT '2025-03-01 12:00+00'::timestamptz::text, %s::text, 'a\\n', pg_backend_pid()"
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(pooled_url))) for _ in range(4)]
        met = set()
        for number in range(40):
            conn = clients[number % 4]
            for busy in clients[: number % 3]:
                if busy is not conn:
                    busy.execute("SELECT 1")  # holds a session until its commit
            row = conn.execute(statement, ["Ž日本"]).fetchone()
            assert row
            assert row[:3] == ("2025-03-01 12:00:00+00", "Ž日本", "a\\n")
            met.add((conn, row[3]))
            for client in clients:
                client.commit()
    if "transaction" in pooled_url:
        assert len(met) > len(clients)  # or the pooler gave every client a session of its own


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("search_path", "pg_catalog"),
        ("IntervalStyle", "iso_8601"),
        ("extra_float_digits", "0"),
        ("bytea_output", "escape"),
        ("default_transaction_isolation", "serializable"),
    ],
)
def test_untracked_setting_is_refused(pooled_url: str, admin: psycopg.Connection, name: str, other: str) -> None:
    """A setting that cannot be kept through the pooler is refused with its name and the solution."""
    database = sql.Identifier(conninfo_to_dict(pooled_url)["dbname"])
    admin.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.Identifier(name), other))
    with pytest.raises(
        ConfigError, match=f'sets {name} to "{other}"; .*through the pooler.*ALTER ROLE etstats SET'
    ):
        connect(pooled_url)


def test_run_lock_works_through_the_pooler(pooled_url: str, database_url: str) -> None:
    """One run at a time, through the pooler and directly, while sessions change."""
    with closing(connect(pooled_url)) as conn, closing(connect(pooled_url)) as other:
        with run_lock(conn):
            for _ in range(3):
                backend(conn)
                conn.commit()
                backend(other)
                other.commit()
                for url in (pooled_url, database_url):
                    with closing(connect(url)) as rival:
                        with pytest.raises(LockedError), run_lock(rival):
                            pytest.fail("both hold the lock")
        for url in (pooled_url, database_url):
            with closing(connect(url)) as rival, run_lock(rival):
                pass
        with pytest.raises(LockedError), run_lock(conn), run_lock(other):
            pytest.fail("both hold the lock")
    with closing(connect(database_url)) as conn:
        held = conn.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
        assert held == (0,)


def test_killed_process_releases_the_lock(pooled_url: str, database_url: str) -> None:
    """The lock of a killed process is released at once."""
    child = os.fork()
    if child == 0:
        try:
            with run_lock(connect(pooled_url)):
                os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    with closing(connect(database_url)) as conn, run_lock(conn, patience=30):
        pass


def test_every_command_works_through_the_pooler(
    cli: Cli, pooled_url: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command works through the pooler with the same output as without."""
    files = tmp_path / "files"
    files.mkdir()
    written = list(generate(1, start=datetime(2025, 3, 1, 19, tzinfo=UTC), files=40, zone="UTC"))
    write_files(files, written[:20])
    monkeypatch.setenv("ETSTATS_DATABASE_URL", pooled_url)
    for _ in range(2):
        done = cli("import", files)
        assert done.code == 0, done.err
    write_files(files, written[20:])
    for command in ("rebuild --yes", "rebuild --verify", "backup", "restore latest --yes", "rebuild --verify"):
        assert cli("import", files).code == 0
        done = cli(*command.split())
        assert done.code == 0, (command, done.err)
    assert cli("import", files).code == 0
    reading = ("leaderboard --top kd", "sessions", "session", "round", "maps", "records", "find e", "validate")
    for command in reading:
        through = cli(*command.split(), "--json")
        with monkeypatch.context() as patch:
            patch.setenv("ETSTATS_DATABASE_URL", database_url)
            direct = cli(*command.split(), "--json")
        assert (through.code, through.err) == (direct.code, direct.err) == (0, "")
        assert json.loads(through.out) == json.loads(direct.out)
