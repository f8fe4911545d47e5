"""Whole processes on a database of their own: how long they took, and the most memory they held."""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

# The kernel's own count for a child begins before its exec, with the memory of this process.
_AND_TELL = """
import sys
from etstats.cli import run
place = sys.argv.pop(1)
try:
    run()
finally:
    with open("/proc/self/status") as status, open(place, "w") as told:
        told.write(status.read())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one process took: seconds from start to end, its peak resident memory in MB, and what it printed."""

    seconds: float
    peak_mb: float
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with an embedded database of its own, and nobody's settings."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a command sees."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ETSTATS_", "PG", "XDG_"))}
        own = {
            "ETSTATS_DATA_DIR": "data",
            "ETSTATS_STATE_DIR": "state",
            "ETSTATS_CONFIG": "config.toml",
            "HOME": ".",
        }
        return kept | {name: str(self.folder / at) for name, at in own.items()}

    def etstats(self, *arguments: str | Path, expect: int = 0) -> Taken:
        """Run one command as a user would; RuntimeError when it ends with another code than expected."""
        status = self.folder / "status"
        taken = self.run([sys.executable, "-c", _AND_TELL, str(status), *map(str, arguments)], expect=expect)
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return replace(taken, peak_mb=int(peak.split()[1]) / 1024)

    def python(self, *arguments: str | Path) -> Taken:
        """Run Python on a module or a script."""
        return self.run([sys.executable, *map(str, arguments)])

    def run(self, command: Sequence[str], expect: int = 0) -> Taken:
        """Run any command in this place; its memory is not known."""
        with tempfile.TemporaryFile() as out:
            began = time.perf_counter()
            null = subprocess.DEVNULL
            code = subprocess.call(command, env=self.environment, stdin=null, stdout=out, stderr=out)
            seconds = time.perf_counter() - began
            out.seek(0)
            text = out.read().decode(errors="replace")
        if code != expect:
            raise RuntimeError(f"{' '.join(command)} ended with {code}: {text[-2000:]}")
        return Taken(seconds=seconds, peak_mb=0.0, out=text)

    def forget(self) -> None:
        """Stop the database and throw it away, for the next command to make a fresh one."""
        if (self.folder / "data" / "postgres").exists():
            self.etstats("db", "stop")
        shutil.rmtree(self.folder / "data", ignore_errors=True)


@contextmanager
def place() -> Iterator[Place]:
    """A place that is thrown away at the end."""
    with tempfile.TemporaryDirectory(prefix="etstats-bench-") as folder:
        Path(folder).chmod(0o711)  # root's database account has to pass through
        (Path(folder) / "config.toml").touch()
        made = Place(folder=Path(folder))
        try:
            yield made
        finally:
            made.forget()


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """The machine in a line: processor, cores, memory, kernel, Python, and how busy it was before."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    kernel = platform.release().partition("-")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{names[0] if names else platform.machine()}, {cores} cores, {memory:.0f} GiB, "
        f"Linux {kernel}, Python {platform.python_version()}; load before: {os.getloadavg()[0]:.1f}"
    )
