"""Time and peak memory of complete processes on a separate database."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def processor_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all its children, including ended ones."""
    while True:
        children = _children(pid)
        ticks = sum(sum(_ticks(child)[:2]) for child in children) + sum(_ticks(pid))
        if children == _children(pid):  # else one of them may be counted twice
            return ticks / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _ticks(pid: int) -> list[int]:
    """Return a process's user and system time and those of its ended children; zeros if it has just ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return [0, 0, 0, 0]
    return [int(value) for value in stat.rpartition(")")[2].split()[11:15]]


def machine() -> str:
    """Describe the machine in a line: processor, cores, memory, kernel, Python, and load before the run."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    kernel = platform.release().partition("-")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{names[0] if names else platform.machine()}, {cores} cores, {memory:.0f} GiB, "
        f"Linux {kernel}, Python {platform.python_version()}; load before: {os.getloadavg()[0]:.1f}"
    )
