"""A few kills of each storm; `make chaos` makes hundreds."""

import os
import signal
import tempfile
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from benchmarks.chaos import STORMS, storm
from benchmarks.scene import START, can_mount
from etstats.db import embedded
from etstats.db.connection import connect
from etstats.db.migrations import migrate
from etstats.demo.generator import generate
from etstats.importer.importer import Importer, Incoming
from tests.pipeline.conftest import until


@pytest.mark.parametrize("name", [name for name in STORMS if name != "disk" or can_mount()])
def test_a_storm_leaves_nothing_lost_and_nothing_twice(name: str) -> None:
    """Killed at random moments, then finished: the database holds each file once and is what its archive says."""
    toll = storm(name, seed=20251002, kills=2, files=40)
    assert toll.fault == ""
    assert (toll.lost, toll.twice) == (0, 0)
    assert toll.kills >= 2
    assert toll.agreed >= 2


def test_what_was_reported_survives_a_power_cut() -> None:
    """Every process of PostgreSQL killed the moment an import was reported: all of it is there afterwards."""
    with tempfile.TemporaryDirectory(prefix="etstats-tests-") as name:
        data = Path(name)
        data.chmod(0o711)
        url = embedded.ensure_running(data)
        try:
            with connect(url) as conn:
                migrate(conn)
                importer = Importer(conn, "main", ZoneInfo("UTC"), timedelta(minutes=60))
                files = (Incoming(filename=f.name, content=f.content) for f in generate(1, start=START, files=20))
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
