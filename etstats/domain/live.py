"""Status of game servers: the answer of a server, and what is shown of it."""

from typing import NamedTuple

HIDDEN = "hidden player"
"""The name of a hidden player."""


class GamePlayer(NamedTuple):
    """A player on the server: name without colours, or `HIDDEN`; score; and side (None: unknown)."""

    name: str
    score: int
    side: str | None


class GameStatus(NamedTuple):
    """A server's status: players, bots, slots and map; texts are printable and at most 64 characters."""

    players: tuple[GamePlayer, ...]
    bots: int
    places: int
    map_name: str
    server_name: str
    time_limit_minutes: int | None

    @property
    def people(self) -> int:
        """The number of players who are not bots."""
        return len(self.players)

    def __str__(self) -> str:
        limit = f", time limit {self.time_limit_minutes} min" if self.time_limit_minutes else ""
        bots = f" and {self.bots} bots" if self.bots else ""
        return f"{self.people} of {self.places} playing{bots} on {self.map_name or 'an unnamed map'}{limit}"


class ServerAnswer(NamedTuple):
    """Reply of a game server; `error` is the reason for a missing status."""

    server: str
    address: str
    status: GameStatus | None
    error: str | None


class LiveServer(NamedTuple):
    """Status of a game server: the keys of `etstats status --json`, then further values."""

    server: str
    address: str
    online: bool
    map: str | None
    players: tuple[GamePlayer, ...]
    bots: int | None
    places: int | None
    time_limit_minutes: int | None
    error: str | None
