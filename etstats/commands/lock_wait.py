"""`--wait`: how long a command waits for other runs on the same database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from etstats import output
from etstats.commands.context import Context
from etstats.db.connection import Connection
from etstats.db.locks import run_lock
from etstats.domain.durations import seconds
from etstats.pipeline.database import open_database

WAIT = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="30s",
        help="Wait for other runs; default 30s on a terminal, else 0.",
    ),
]

_PATIENCE = 30.0
"""A polling run ends within seconds."""
_LONGEST = 86_400.0


def patience(wait: str | None, context: Context) -> float:
    """Return the seconds to wait: `--wait` (0, 30s, 2m; at most a day), else 30 on a terminal, else 0."""
    if wait is None:
        return _PATIENCE if sys.stderr.isatty() and context.verbosity >= 0 else 0.0
    return 0.0 if wait in {"0", "0s"} else min(seconds(wait, "--wait"), _LONGEST)


def wait_notice(context: Context) -> Callable[[str], None]:
    """Return a function that reports a wait for other runs; with `-q` it does nothing."""
    return output.say if context.verbosity >= 0 else lambda text: None


@contextmanager
def exclusive_database(context: Context, wait: str | None) -> Iterator[Connection]:
    """Open the database without other runs; LockedError if another run is still active after `wait`."""
    seconds = patience(wait, context)
    with open_database(context.config) as conn, run_lock(conn, patience=seconds, on_wait=wait_notice(context)):
        yield conn
