"""A primary and a replica that streams from it: PostgreSQL's own pg_basebackup, two servers on loopback."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from etstats.db import embedded
from etstats.db.embedded.programs import run_as, server_account
from tests.support.processes import until


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The addresses of both servers, and the process of the replica."""

    primary: str
    replica: str
    primary_folder: Path
    replica_pid: int

    @property
    def both(self) -> str:
        """The URL with both hosts, as in `[database] url`."""
        hosts = ",".join(
            str(psycopg.conninfo.conninfo_to_dict(url)["host"]) for url in (self.primary, self.replica)
        )
        return f"postgresql://etstats@/etstats?host={hosts}"

    def make_synchronous(self) -> None:
        """Delay each commit until the replica has it on disk."""
        with psycopg.connect(self.primary, autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            conn.execute("SELECT pg_reload_conf()")

            def is_synchronous() -> bool:
                row = conn.execute("SELECT sync_state FROM pg_stat_replication").fetchone()
                return row is not None and row[0] == "sync"

            until(is_synchronous)

    def kill_primary(self) -> None:
        """Kill the primary like a power failure: nothing more is written."""
        pid = int((self.primary_folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not Path(f"/proc/{pid}/cwd").exists())

    def promote(self) -> None:
        """Promote the replica to primary."""
        with psycopg.connect(self.replica, autocommit=True) as conn:
            assert conn.execute("SELECT pg_promote()").fetchone() == (True,)


@contextmanager
def streaming_pair(*, durable: bool = False) -> Iterator[Pair]:
    """An embedded database that allows replication, and its replica; `durable`: commits reach the disk."""
    with tempfile.TemporaryDirectory(prefix="etstats-tests-") as name:
        root = Path(name)
        root.chmod(0o711)
        primary = root / "data"
        url = embedded.ensure_running(primary, durable=durable)
        account = server_account(primary)
        copy, programs = root / "copy", embedded.bin_dir()
        socket = root / "socket"
        for folder in (copy, socket):
            folder.mkdir(mode=0o700)
            os.chown(folder, account.pw_uid, account.pw_gid)
        try:
            source = ["-h", str(primary / "postgres" / str(embedded.VERSION)), "-U", "etstats"]
            made = run_as(account, [programs / "pg_basebackup", *source, "-D", copy / "pg", "-R", "-X", "stream"])
            assert made.returncode == 0, made.stderr
            own = f"unix_socket_directories = '{socket}'\nlogging_collector = off\n"
            with (copy / "pg" / "etstats.conf").open("a") as settings:
                settings.write(own)
            command = ["/bin/sh", "-c", '"$1" -D "$2" >"$3" 2>&1 & echo $!', "sh"]
            begun = run_as(account, [*command, programs / "postgres", copy / "pg", copy / "log"], new_session=True)
            pid = int(begun.stdout)
            address = f"postgresql://etstats@/etstats?host={socket}"
            until(lambda: _answers(address))
            yield Pair(
                primary=url,
                replica=address,
                primary_folder=primary / "postgres" / str(embedded.VERSION),
                replica_pid=pid,
            )
            os.kill(pid, signal.SIGQUIT)
            until(lambda: not Path(f"/proc/{pid}/cwd").exists())
        finally:
            embedded.stop(primary)
            shutil.rmtree(copy, ignore_errors=True)


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True
