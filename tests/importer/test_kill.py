"""SIGKILL at any time of an import: no file is lost or stored twice, and the next run recovers."""

import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from etstats.admin.audit.archived_sessions import RebuildPlan
from etstats.admin.audit.verify import verify
from etstats.demo.generator import EVERYDAY, generate, write_files
from tests.conftest import CliResult
from tests.importer.world import HOUR, column, empty, snapshot
from tests.support.processes import etstats

KILLS = int(os.environ.get("ETSTATS_KILLS", "5"))
SEED = 1
UTC_PLAN = RebuildPlan(gap=HOUR, zone_of=lambda _: ZoneInfo("UTC"))


def run_and_kill(conn: psycopg.Connection, folder: Path, files: int, moment: float) -> bool:
    """Import the folder in another process and kill it after that many files; False: it had finished."""
    with etstats("import", folder) as process:
        while process.poll() is None and column(conn, "SELECT count(*) FROM processed_files")[0] < files:
            pass
        time.sleep(moment)
        process.kill()
        return process.wait() == -signal.SIGKILL


def wait_for_session_end(conn: psycopg.Connection) -> None:
    """Wait until the server has ended the session of the killed process."""
    with conn.transaction():
        conn.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_killed_imports_lose_nothing(
    cli: Callable[..., CliResult], db: psycopg.Connection, tmp_path: Path
) -> None:
    """Killed repeatedly, then finished: the rows of an undisturbed import, consistent at any time."""
    chance = random.Random(SEED)
    folder = tmp_path / "gamestats"
    folder.mkdir()
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    count = write_files(folder, generate(SEED, start=start, sessions=12, players=8, quirks=EVERYDAY))
    assert cli("import", folder).code == 0
    expected = snapshot(db)
    empty(db)
    stored = killed = tries = 0
    while tries < KILLS or (not killed and tries < 10 * KILLS):  # on a busy machine it may be done before we look
        tries += 1
        if stored == count:
            empty(db)
            stored = 0
        killed += run_and_kill(db, folder, chance.randrange(stored, count), chance.uniform(0, 0.02))
        wait_for_session_end(db)
        left = column(db, "SELECT count(*) FROM processed_files")[0]
        assert stored <= left <= count
        stored = left
        assert column(db, "SELECT count(*) FROM processed_files WHERE success") == column(
            db, "SELECT count(*) FROM rounds"
        )
        assert verify(db, UTC_PLAN).differences == []
    assert killed
    assert cli("import", folder).code == 0
    assert snapshot(db) == expected
