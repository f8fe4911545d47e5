"""How long after a round its post stands in the channel, and how long a picture takes to draw."""

import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measuring import median, table
from etstats.demo import generator, tour

POLL = 2.0
PATIENCE = 30.0
LARGEST_WAIT = 2.0

_DRAW = """
import time
from tests.post.samples import a_session
from etstats.post.render.charts import session_png
summary = a_session({players})
began = time.perf_counter()
session_png(summary)
print(time.perf_counter() - began)
"""


def run(runs: int = 5) -> str:
    """Measure and return a table in Markdown; each run adds a few rounds and a few drawings."""
    latencies = _latencies(rounds=3 * runs)
    drawings = [_draw(players) for players in (12, 32) for _ in range(runs)]
    rows = [
        [f"from the file's last byte to its message accepted, polling every {POLL:.0f} s",
         f"{median(latencies):.2f} s", "< 3 s"],
        ["the same, the slowest", f"{max(latencies):.2f} s", ""],
        ["draw a session's picture in a fresh process, 12 and 32 players", f"{median(drawings):.2f} s", "< 1.5 s"],
    ]  # fmt: skip
    return f"{len(latencies)} rounds on loopback, SFTP to Discord's stand-in.\n\n" + table(
        ["what", "measured", "target"], rows
    )


def _latencies(rounds: int) -> list[float]:
    """Let rounds end one after the other at odd moments, while one sync looks again and again."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    evening = generator.generate(8, start=now + timedelta(minutes=1), files=rounds, maps=(8, 8), pause_days=(1, 1))
    waits: list[float] = []
    with tour.stage(7, now - timedelta(days=2)) as place:
        folder = place.config.parent / "gamestats"
        base = [sys.executable, "-m", "etstats", "--config", str(place.config), "-q", "sync", "--post"]
        subprocess.run(base, env=_environment(), check=True)  # posting begins now: the old session is not posted
        duration = rounds * (POLL + LARGEST_WAIT) + PATIENCE
        process = subprocess.Popen([*base, "--poll", f"{POLL}s", "--for", f"{duration}s"], env=_environment())
        try:
            for file in evening:
                time.sleep(chance.uniform(0, LARGEST_WAIT))  # rounds do not end in step with our looks
                waits.append(_wait_for(place, folder, replace(file, mtime=int(time.time()))))
        finally:
            process.terminate()
            process.wait()
    return waits


def _wait_for(place: tour.Stage, folder: Path, file: generator.GeneratedFile) -> float:
    """Write a round's file and return the seconds until a message with its name stands in the channel."""
    generator.write_files(folder, [file])
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        if any(file.name in str(post.payload) for post in list(place.discord.posts)):
            return time.perf_counter() - began
        time.sleep(0.005)
    raise RuntimeError(f"{file.name} was not posted within {PATIENCE} s")


def _draw(players: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _DRAW.format(players=players)], env=_environment(), capture_output=True, check=True
    )
    return float(done.stdout)


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("ETSTATS_")}
