"""Commands that need the whole database for themselves wait for other runs to end, and say so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands.context import Context

if TYPE_CHECKING:
    from etstats.db.connection import Connection

WAIT = Annotated[
    str, typer.Option("--wait", metavar="30s", help="How long to wait for other runs on this database to end.")
]
USUAL = "30s"
"""A polling run ends within seconds; a script that meets a long one should soon know."""

_LONGEST = 86_400.0


def seconds(wait: str) -> float:
    """Read `--wait`: 0, 30s, 2m, 1h; never more than a day."""
    from etstats.pipeline.sync_run import seconds as read

    return 0.0 if wait in {"0", "0s"} else min(read(wait, "--wait"), _LONGEST)


def teller(context: Context) -> Callable[[str], None]:
    """Who is told that others are waited for: nobody with `-q`."""
    from etstats import output

    return output.say if context.verbosity >= 0 else lambda text: None


@contextmanager
def exclusive_database(context: Context, wait: str) -> Iterator["Connection"]:
    """The database, with no other run running on it; LockedError when one is still there after `wait`."""
    from etstats.db.connection import run_lock
    from etstats.pipeline.database import open_database

    patience = seconds(wait)
    with open_database(context.config) as conn, run_lock(conn, patience=patience, tell=teller(context)):
        yield conn
