"""What the shell offers on TAB: players, maps, servers, seasons, boards, weapons; nothing when the base is down.

Each gives all there are; typer keeps those that begin with what was typed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from etstats.db.connection import Connection


def boards() -> list[str]:
    """The leaderboards."""
    from etstats.domain.rules.boards import BOARDS

    return list(BOARDS)


def weapons() -> list[str]:
    """The weapons."""
    from etstats.parser.fields import WEAPONS

    return list(WEAPONS)


def maps(ctx: typer.Context) -> list[str]:
    """The maps that were played."""
    from etstats.db.scope import map_names

    return _from_base(ctx, map_names)


def servers(ctx: typer.Context) -> list[str]:
    """The servers that rounds came from."""
    from etstats.db.scope import server_names

    return _from_base(ctx, server_names)


def seasons(ctx: typer.Context) -> list[str]:
    """The quarters in which something may have been played, the newest first, by this machine's clock."""
    return _from_base(ctx, _quarters)


def players(ctx: typer.Context) -> list[str]:
    """The names that players were ever seen under."""
    from etstats.db.players import names

    return _from_base(ctx, names)


def _quarters(conn: "Connection") -> list[str]:
    from etstats.db.scope import played_span
    from etstats.domain.rules.quarters import quarters_between

    span = played_span(conn)
    return [] if span is None else quarters_between(*(moment.astimezone() for moment in span))


def _from_base(ctx: typer.Context, ask: "Callable[[Connection], list[str]]") -> list[str]:
    """Ask the base that the settings name; whatever fails, the shell must hear nothing of it."""
    from etstats.config import loader
    from etstats.db.connection import connect
    from etstats.pipeline.database import database_url, replica_url

    try:
        settings = loader.load(ctx.find_root().params.get("config"))
        with connect(replica_url(settings) or database_url(settings), read_only=True) as conn:
            return ask(conn)
    except Exception:  # noqa: BLE001  # an exception here would be printed into the line being typed
        return []
