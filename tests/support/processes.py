"""Processes that end with their test, and the longest wait for an event."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

HANG_SECONDS = 180.0
"""A wait that takes longer is a hang, also on a machine that is many times slower; nothing waits for less."""

Word = str | Path


def kill(pid: int) -> None:
    """Kill a process that may not be a child, and wait until it has ended and closed its files."""
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        if not select.select([descriptor], [], [], HANG_SECONDS)[0]:
            raise TimeoutError(f"process {pid} does not end")
    finally:
        os.close(descriptor)


class Process(subprocess.Popen[bytes]):
    """A process in a separate session, for `with`: its process group is killed at the end.

    What it prints goes to files, which `out` and `err` read at any time: a grandchild that keeps them open makes
    nobody wait. There is no input unless `stdin` is given.
    """

    def __init__(self, argv: Sequence[Word], **options: Any) -> None:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # closed at the end
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": self._out, "stderr": self._err}
        try:
            super().__init__([str(word) for word in argv], start_new_session=True, **(streams | options))
        except BaseException:
            self._close_output()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill_group()
        super().__exit__(kind, value, traceback)
        if kind is not None:  # pytest shows it with the failure
            print(self.args, "ended with", self.returncode, self.out, self.err, sep="\n")
        self._close_output()

    def wait(self, timeout: float | None = HANG_SECONDS) -> int:
        """Wait for the end without polling; raise TimeoutExpired after the timeout. Return the exit code."""
        if timeout is not None and not self._ends_within(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout, self.out.encode(), self.err.encode())
        return super().wait()

    def _ends_within(self, seconds: float) -> bool:
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:  # it has been waited for before, or by another thread
            return True
        try:
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)

    def finish(self, timeout: float = HANG_SECONDS) -> subprocess.CompletedProcess[str]:
        """Wait for the end; return the exit code and the output."""
        code = self.wait(timeout)
        return subprocess.CompletedProcess(self.args, code, self.out, self.err)

    def kill_group(self) -> None:
        """Kill the process and all processes that it started, except those in another session."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    @property
    def out(self) -> str:
        """The output on stdout so far."""
        return _text(self._out.fileno())

    @property
    def err(self) -> str:
        """The output on stderr so far."""
        return _text(self._err.fileno())

    def _close_output(self) -> None:
        self._out.close()
        self._err.close()


def etstats(*arguments: Word, **options: Any) -> Process:
    """Run the command in a separate process, with the test's environment."""
    return Process([sys.executable, "-m", "etstats", *arguments], **options)


def run(argv: Sequence[Word], timeout: float = HANG_SECONDS, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that must end; return the exit code and the output."""
    with Process(argv, **options) as process:
        return process.finish(timeout)


def until(holds: Callable[[], bool], seconds: float = HANG_SECONDS) -> None:
    """Wait until a condition holds; fail after the timeout."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.01)


def _text(descriptor: int) -> str:
    """Read a whole file without moving the offset that the writing process shares."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")
