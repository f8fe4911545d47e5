"""Players on the game servers now, without names of hidden players."""

from collections.abc import Mapping, Sequence
from threading import Thread
from typing import NamedTuple

from etstats.db import identity
from etstats.db.connection import Connection
from etstats.errors import ConfigError, SourceError
from etstats.sync.game_query import GameStatus, query_status

HIDDEN = "hidden player"


class LivePlayer(NamedTuple):
    """A person on a server; `name` is `HIDDEN` for a hidden player."""

    name: str
    score: int
    side: str | None


class LiveServer(NamedTuple):
    """Status of a game server: the keys of `etstats status --json`, then further values."""

    server: str
    address: str
    online: bool
    map: str | None
    players: tuple[LivePlayer, ...]
    bots: int | None
    places: int | None
    time_limit_minutes: int | None
    error: str | None


class ServerAnswer(NamedTuple):
    """Reply of a game server; `error` is the reason for a missing status."""

    server: str
    address: str
    status: GameStatus | None
    error: str | None


def ask(addresses: Mapping[str, str]) -> list[ServerAnswer]:
    """Query all game servers (name -> host:port) at the same time; ConfigError: an address is not valid.

    A process can end while a name server keeps one of the queries waiting.
    """
    answers: dict[str, ServerAnswer | ConfigError] = {}
    threads = [
        Thread(target=_ask, args=(server, address, answers), daemon=True) for server, address in addresses.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers.values():
        if isinstance(answer, ConfigError):
            raise answer
    return [answer for server in addresses if isinstance(answer := answers[server], ServerAnswer)]


def shown(conn: Connection, answers: Sequence[ServerAnswer]) -> list[LiveServer]:
    """Return the servers without names that must not be shown.

    The game sends names, not GUIDs. Names that a hidden player used are not shown. After a player was forgotten,
    only names of known players are shown, because the names of forgotten players are not stored.
    """
    names = {player.name for answer in answers if answer.status for player in answer.status.players}
    allowed = identity.names_to_show(conn, names) if names else set()
    return [_shown(answer, allowed) for answer in answers]


def _ask(server: str, address: str, answers: dict[str, ServerAnswer | ConfigError]) -> None:
    try:
        answers[server] = ServerAnswer(server=server, address=address, status=query_status(address), error=None)
    except SourceError as error:
        answers[server] = ServerAnswer(server=server, address=address, status=None, error=str(error))
    except ConfigError as error:
        answers[server] = error


def _shown(answer: ServerAnswer, allowed: set[str]) -> LiveServer:
    status = answer.status
    players = status.players if status else ()
    return LiveServer(
        server=answer.server,
        address=answer.address,
        online=status is not None,
        map=status.map_name or None if status else None,
        players=tuple(
            LivePlayer(
                name=player.name if player.name in allowed else HIDDEN, score=player.score, side=player.side
            )
            for player in sorted(players, key=lambda player: (-player.score, player.name))
        ),
        bots=status.bots if status else None,
        places=status.places if status else None,
        time_limit_minutes=status.time_limit_minutes if status else None,
        error=answer.error,
    )
