"""Delay from the end of a round to its message, and the time to draw a picture."""

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
import resource, time
from tests.post.render.samples import {sample}
from etstats.post.render.compact_pictures import {draw}
summary, _ = {sample}(12)
{draw}(summary)
began = time.process_time()
{draw}(summary)
print(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def run(runs: int = 5) -> str:
    """Measure and return a table in Markdown; each run adds a few rounds and a few drawings."""
    plain, drawn = (_latencies(rounds=4 * runs, pictures=pictures) for pictures in (False, True))
    rows = [
        [f"from a file's last byte to the accepted message, polling every {POLL:.0f} s, no pictures",
         f"{median(plain):.2f} s", "< 2 s"],
        ["the same, the slowest", f"{max(plain):.2f} s", ""],
        ["the same with a picture for each map", f"{median(drawn):.2f} s", ""],
    ]  # fmt: skip
    for what, sample, draw in (
        ("a map's picture, 6 against 6", "tagged_map", "map_picture"),
        ("a session's picture, 12 players", "tagged_session", "session_picture"),
    ):
        measured = [_draw(sample, draw) for _ in range(runs)]
        seconds, megabytes = (median(values) for values in zip(*measured, strict=True))
        rows.append([what, f"{seconds:.2f} s, {megabytes:.0f} MB", "< 0.3 s, < 150 MB"])
    return f"{len(plain)} rounds on loopback, SFTP to Discord's stand-in; medians.\n\n" + table(
        ["what", "measured", "target"], rows
    )


def _latencies(rounds: int, *, pictures: bool) -> list[float]:
    """End rounds at irregular times while a sync polls; return the seconds until each is posted."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    session = generator.generate(8, start=now + timedelta(minutes=1), files=rounds, maps=(8, 8), pause_days=(1, 1))
    waits: list[float] = []
    with tour.stage(7, now - timedelta(days=2)) as stage:
        _set_up(stage.config, pictures=pictures)
        folder = stage.config.parent / "gamestats"
        command = [sys.executable, "-m", "etstats", "--config", str(stage.config), "-q", "sync", "--post"]
        subprocess.run(
            command, env=_environment(), check=True
        )  # posting begins now: the old sessions are not posted
        duration = rounds * (POLL + LARGEST_WAIT) + PATIENCE
        process = subprocess.Popen([*command, "--poll", f"{POLL}s", "--for", f"{duration}s"], env=_environment())
        try:
            for file in session:
                time.sleep(chance.uniform(0, LARGEST_WAIT))  # rounds do not end in step with the polls
                waits.append(_wait_for(stage, folder, replace(file, mtime=int(time.time()))))
        finally:
            process.terminate()
            process.wait()
    return waits


def _set_up(config: Path, *, pictures: bool) -> None:
    """Enable only posts of rounds and maps: each file makes one message."""
    lines = [line for line in config.read_text().splitlines() if not line.startswith(("status =", "kinds ="))]
    at = lines.index("[discord]") + 1
    lines[at:at] = ['kinds = ["round", "map"]', f"charts = {str(pictures).lower()}"]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _wait_for(stage: tour.Stage, folder: Path, file: generator.GeneratedFile) -> float:
    """Write a round's file and return the seconds until the channel has another message."""
    before = len(stage.discord.posts)
    generator.write_files(folder, [file])
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        if len(stage.discord.posts) > before:
            return time.perf_counter() - began
        time.sleep(0.005)
    raise RuntimeError(f"{file.name} was not posted within {PATIENCE} s")


def _draw(sample: str, draw: str) -> tuple[float, float]:
    """Return the CPU seconds of a process's second picture, and its peak memory in MB."""
    code = _DRAW.format(sample=sample, draw=draw)
    done = subprocess.run([sys.executable, "-c", code], env=_environment(), capture_output=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("ETSTATS_")}
