"""A folder with its own embedded database, and the commands run in it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

# The kernel's own count for a child begins before its exec, with the memory of this process.
_WITH_STATUS = """
import sys
from etstats.cli import run
path = sys.argv.pop(1)
try:
    run()
finally:
    with open("/proc/self/status") as status, open(path, "w") as copy:
        copy.write(status.read())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCost:
    """The cost of one process (elapsed seconds, CPU seconds, peak resident memory in MB) and its output."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder with its own embedded database and without settings."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a command."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ETSTATS_", "PG", "XDG_"))}
        own = {
            "ETSTATS_DATA_DIR": "data",
            "ETSTATS_STATE_DIR": "state",
            "ETSTATS_CONFIG": "config.toml",
            "HOME": ".",
        }
        return kept | {name: str(self.folder / at) for name, at in own.items()}

    def etstats(self, *arguments: str | Path, expect: int = 0) -> ProcessCost:
        """Run one command like a user; raise RuntimeError if the exit code is not the expected one."""
        status = self.folder / "status"
        taken = self.run([sys.executable, "-c", _WITH_STATUS, str(status), *map(str, arguments)], expect=expect)
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return replace(taken, peak_mb=int(peak.split()[1]) / 1024)

    def python(self, *arguments: str | Path) -> ProcessCost:
        """Run a module or a script with Python."""
        return self.run([sys.executable, *map(str, arguments)])

    def run(self, command: Sequence[str], expect: int = 0) -> ProcessCost:
        """Run any command in this folder; its memory is not measured."""
        with tempfile.TemporaryFile() as out:
            began = time.perf_counter()
            null = subprocess.DEVNULL
            process = subprocess.Popen(command, env=self.environment, stdin=null, stdout=out, stderr=out)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            code = process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read().decode(errors="replace")
        if code != expect:
            raise RuntimeError(f"{' '.join(command)} ended with {code}: {text[-2000:]}")
        return ProcessCost(seconds=seconds, cpu_seconds=usage.ru_utime + usage.ru_stime, peak_mb=0.0, out=text)

    def delete_database(self) -> None:
        """Stop and delete the database; the next command creates a new one."""
        if (self.folder / "data" / "postgres").exists():
            self.etstats("db", "stop")
        shutil.rmtree(self.folder / "data", ignore_errors=True)


@contextmanager
def workspace(keep: Path | None = None) -> Iterator[Workspace]:
    """Yield a temporary workspace, or one in the folder `keep` whose database is stopped and kept."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="etstats-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # root's database account has to pass through
        (folder / "config.toml").touch()
        created = Workspace(folder=folder)
        try:
            yield created
        finally:
            if keep is None:
                created.delete_database()
            else:
                created.etstats("db", "stop")
