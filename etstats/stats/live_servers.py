"""Players on the game servers now, without names of hidden players."""

from collections.abc import Sequence

from etstats.db import identity
from etstats.db.connection import Connection
from etstats.domain.live import HIDDEN, LiveServer, ServerAnswer


def shown(conn: Connection, answers: Sequence[ServerAnswer]) -> list[LiveServer]:
    """Return the servers without names that must not be shown.

    The game sends names, not GUIDs. Names that a hidden player used are not shown. After a player was forgotten,
    only names of known players are shown, because the names of forgotten players are not stored.
    """
    names = {player.name for answer in answers if answer.status for player in answer.status.players}
    allowed = identity.names_to_show(conn, names) if names else set()
    return [_shown(answer, allowed) for answer in answers]


def _shown(answer: ServerAnswer, allowed: set[str]) -> LiveServer:
    status = answer.status
    players = status.players if status else ()
    return LiveServer(
        server=answer.server,
        address=answer.address,
        online=status is not None,
        map=status.map_name or None if status else None,
        players=tuple(
            player if player.name in allowed else player._replace(name=HIDDEN)
            for player in sorted(players, key=lambda player: (-player.score, player.name))
        ),
        bots=status.bots if status else None,
        places=status.places if status else None,
        time_limit_minutes=status.time_limit_minutes if status else None,
        error=answer.error,
    )
