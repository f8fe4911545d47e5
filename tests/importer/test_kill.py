"""SIGKILL at any moment of an import: nothing lost, nothing twice, the next run makes it good."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.admin.audit.rebuild import RebuildPlan
from etstats.admin.audit.verify import verify
from etstats.demo.generator import EVERYDAY, generate, write_files
from tests.conftest import CliResult
from tests.importer.world import HOUR, column, empty, snapshot

KILLS = int(os.environ.get("ETSTATS_KILLS", "5"))
PROGRAM = "import sys; from etstats.cli import main; sys.exit(main(sys.argv[1:]))"
UTC_PLAN = RebuildPlan(gap=HOUR, zone_of=lambda _: ZoneInfo("UTC"))


def run_and_kill(conn: psycopg.Connection, folder: Path, files: int, moment: float) -> bool:
    """Import the folder in another process and kill it soon after that many files are stored; False: it was
    done."""
    command = [sys.executable, "-c", PROGRAM, "import", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and column(conn, "SELECT count(*) FROM processed_files")[0] < files:
            pass
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        process.kill()
        return process.wait() == -signal.SIGKILL


def settled(conn: psycopg.Connection) -> None:
    """End what the killed process left behind on the server, as the server will by itself."""
    with conn.transaction():
        conn.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_an_import_killed_at_random_points(
    cli: Callable[..., CliResult], db: psycopg.Connection, tmp_path: Path, seed: int
) -> None:
    """Killed again and again, then left to finish: the rows of an undisturbed import, provable throughout."""
    chance = random.Random(seed)
    folder = tmp_path / "gamestats"
    folder.mkdir()
    start = datetime(2025, 10, 6, 20, 5, tzinfo=UTC)
    count = write_files(folder, generate(seed, start=start, evenings=12, players=8, quirks=EVERYDAY))
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
        settled(db)
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
