"""Senders that can be killed: a process that has everything loaded, and a fork of it for each run asked for.

    python -m tests.post.publish.sender CONFIG SCALE BEGAN < orders > reports

An order is the seconds that a run may last; the reports are `run PID` and `end PID CODE`, -9 for a kill.
Time passes SCALE times as fast as on the wall, from the moment BEGAN on the monotonic clock.
"""

import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from etstats import logs
from etstats.config import loader
from etstats.db.connection import connect
from etstats.post.publish import post_due
from etstats.post.publish.run import Publisher
from etstats.post.webhook.client import Webhook

LOADED = (Publisher, Webhook)  # before the first fork


@dataclass(frozen=True)
class FastClock:
    """Seconds that pass `scale` times faster than real ones."""

    scale: float

    def __call__(self) -> float:
        return time.monotonic() * self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.scale)


def run(path: Path, clock: FastClock, began: datetime, started: float, limit: float) -> int:
    settings = loader.load(path)
    logs.configure(settings.log, settings.state_dir, (), 0)
    now = began + timedelta(seconds=clock() - started)
    with connect(settings.database.url or "") as conn:
        report = post_due(
            conn, settings.discord, settings.timezone, now, limit_seconds=limit, clock=clock, sleep=clock.sleep
        )
    for line in report.lines:
        print(line, file=sys.stderr)
    return report.exit_code


def main() -> None:
    path, scale, started = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    clock = FastClock(scale)
    began = datetime(2026, 3, 1, tzinfo=UTC)
    for order in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.exit(run(path, clock, began, started, float(order)))
        print(f"run {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"end {pid} {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
