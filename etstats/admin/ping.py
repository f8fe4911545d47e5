"""Report runs to a dead man's switch, a service that alerts when reports stop.

For healthchecks.io and compatible services: the address for success, `/start` and `/fail` below it. Errors here
are ignored.
"""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from etstats.errors import EtstatsError, TemporaryError
from etstats.logs import event, redact

_TIMEOUTS = (3.0, 5.0)
_LINES, _BYTES = 20, 8000
_HEALTHY = {0, 3}  # 3: the run succeeded, but some file is in quarantine


@dataclass(slots=True)
class PingedRun:
    """A run to report: `code` is its exit code, `lines` are its last messages."""

    code: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))


@contextmanager
def pinged(url: str | None) -> Iterator[PingedRun]:
    """Report the start and the result of a run to the service; without an address do nothing.

    A temporary failure (75) is not reported: the service alerts if no success follows.
    """
    run = PingedRun()
    if url is None:
        yield run
        return
    _send(url, "/start")
    try:
        yield run
    except TemporaryError:
        raise
    except BaseException as error:
        said = str(error) if isinstance(error, EtstatsError) else type(error).__name__
        _send(url, "/fail", [*run.lines, said])
        raise
    if run.code in _HEALTHY:
        _send(url, "", run.lines)
    elif run.code != TemporaryError.exit_code:
        _send(url, "/fail", run.lines)


def _send(url: str, end: str, lines: "deque[str] | list[str] | tuple[str, ...]" = ()) -> None:
    """Send one request with a timeout; never raise, and never log the address."""
    import requests  # noqa: PLC0415  # loaded only with a ping URL

    try:
        parts = urlsplit(url)
        target = urlunsplit(parts._replace(path=parts.path.rstrip("/") + end))
        body = redact("\n".join(lines), [url]).encode(errors="replace")[-_BYTES:]
        with requests.post(target, data=body, timeout=_TIMEOUTS, stream=True) as answer:  # the body is not needed
            if answer.status_code >= 400:
                event("ping refused", level=logging.WARNING, status=answer.status_code)
    except (requests.RequestException, OSError, ValueError) as error:
        event("ping failed", level=logging.WARNING, reason=type(error).__name__)
