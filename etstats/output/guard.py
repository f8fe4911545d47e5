"""stdout that says of itself when it cannot be written, so that nobody takes it for a fault of the program."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from etstats.errors import OutputError


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
            "make room, then run this again."
        ) from error
