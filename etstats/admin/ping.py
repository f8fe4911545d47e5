"""The dead-man ping: a service that raises the alarm when it stops hearing from us.

Made for healthchecks.io and what copies it: the address for success, `/start` and `/fail` below it. Nothing that
goes wrong here is allowed to matter.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from etstats.errors import EtstatsError, TemporaryError
from etstats.logs import event, redact

_TIMEOUTS = (3.0, 5.0)
_LINES, _BYTES = 20, 8000
_HEALTHY = {0, 3}  # 3: the run did its work, and some file is in quarantine


@dataclass(slots=True)
class PingedRun:
    """One run as the service will hear of it: `code` is its exit code, `lines` what it said last."""

    code: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))


@contextmanager
def pinged(url: str | None) -> Iterator[PingedRun]:
    """Tell the service that a run begins, and how it ended; without an address nothing is told.

    A temporary failure (75) is not told: if it passes nobody needs to know, and if it stays the silence speaks.
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
    """One request, in bounded time; whatever becomes of it, nothing is raised and no address is logged."""
    import requests

    try:
        parts = urlsplit(url)
        target = urlunsplit(parts._replace(path=parts.path.rstrip("/") + end))
        body = redact("\n".join(lines), [url]).encode(errors="replace")[-_BYTES:]
        with requests.post(
            target, data=body, timeout=_TIMEOUTS, stream=True
        ) as answer:  # the body is of no interest
            if answer.status_code >= 400:
                event("ping refused", status=answer.status_code)
    except (requests.RequestException, OSError, ValueError) as error:
        event("ping failed", reason=type(error).__name__)
