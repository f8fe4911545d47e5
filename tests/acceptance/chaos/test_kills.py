"""A few kills by PostgreSQL, a full disk and in a backup; `make chaos` makes hundreds, in all scenarios."""

import os
import signal
import tempfile
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.db import embedded
from etstats.db.connection import connect
from etstats.db.migrations import migrate
from etstats.demo.generator import generate
from etstats.importer.importer import Importer, Incoming
from tests.support.kill_scenarios import run_scenario
from tests.support.processes import until
from tests.support.scene import START, can_mount

# The other scenarios kill what test_moments.py, importer/test_kill.py and admin/audit/test_rebuild.py kill too.
KINDS = ("backup", "database", "notices", *(("disk",) if can_mount() else ()))


@pytest.mark.parametrize("name", KINDS)
def test_killed_commands_lose_and_repeat_nothing(name: str) -> None:
    """Killed at random moments, then finished: each file is stored once, and the rows agree with the archive."""
    tally = run_scenario(name, seed=20251002, kills=2, files=40)
    assert tally.fault == ""
    assert (tally.lost, tally.twice) == (0, 0)
    assert tally.kills >= 2
    assert tally.agreed >= 2


def test_reported_imports_survive_a_power_cut() -> None:
    """All processes of PostgreSQL are killed when an import is reported: it is complete afterwards."""
    with tempfile.TemporaryDirectory(prefix="etstats-tests-") as name:
        data = Path(name)
        data.chmod(0o711)
        url = embedded.ensure_running(data)
        try:
            with connect(url) as conn:
                migrate(conn)
                importer = Importer(conn, "main", ZoneInfo("UTC"), timedelta(minutes=60))
                files = (
                    Incoming(filename=file.name, content=file.content)
                    for file in generate(1, start=START, files=20)
                )
                reported = list(importer.add_all(files))
                _cut_power(data)
            with psycopg.connect(embedded.ensure_running(data)) as after:
                assert after.execute("SELECT count(*) FROM rounds").fetchone() == (len(reported),) == (20,)
        finally:
            embedded.stop(data)


def _cut_power(data: Path) -> None:
    pid = embedded.status(data).pid
    assert pid is not None
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in [pid, *map(int, children)]:
        os.kill(process, signal.SIGKILL)
    until(lambda: embedded.status(data).url is None)
