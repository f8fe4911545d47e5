"""stdout that says of itself when it cannot be written, so that nobody takes it for a fault of the program."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO

from etstats.errors import OutputError


def prepare_standard_streams() -> None:
    """Open those that the caller closed on nothing, and replace characters that a stream's encoding lacks."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, so it is this one; else a file or a socket would become stdout by chance.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    # They stay open as long as the process.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def guarded_stdout() -> Iterator[None]:
    """Within the block a write to stdout that fails is an OutputError; a closed pipe stays a BrokenPipeError."""
    before = sys.stdout
    sys.stdout = _Guarded(before)
    try:
        yield
    finally:
        sys.stdout = before


class _Guarded:
    """A stream, but for the error of its writing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text."""
        with _named():
            return self._stream.write(text)

    def flush(self) -> None:
        """Send on what was written."""
        with _named():
            self._stream.flush()


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"stdout cannot be written: {error.strerror}. What was printed is not whole; "
            "free some space and run the command again."
        ) from error
