"""Live messages about game servers: status, game on, session started."""

from collections.abc import Sequence
from datetime import datetime

from etstats.domain.live import GamePlayer, LiveServer
from etstats.domain.text import pluralize
from etstats.post.render.message import DESCRIPTION, Embed, Message
from etstats.post.render.text import cell, escape

_PLAYING, _EMPTY, _DOWN = 0x5B8C5A, 0x5B7FA6, 0x6E6E6E
_NAME, _SCORE = 26, 7  # columns; 34 with the space between them
_FENCES = "\n```\n{}\n```"
_MORE_ROOM = 20  # characters for the number of omitted players
_TITLES = {"axis": "Axis", "allies": "Allies", "spectator": "Spectators", None: "Players"}


def status_message(server: LiveServer, since: datetime | None, last_seen: datetime | None) -> Message:
    """Return the status message of a server: its players, and the start of play.

    `last_seen`: the last response of a server that does not respond. The text depends only on these values.
    """
    if not server.online:
        seen = f" It was last seen <t:{last_seen.timestamp():.0f}:R>." if last_seen else ""
        return _message(server.server, _DOWN, f"The server does not answer.{seen}")
    where = f"**{escape(server.map or 'unknown map', 40)}**"
    limit = f" · time limit {server.time_limit_minutes} min" if server.time_limit_minutes else ""
    if not server.players:
        return _message(server.server, _EMPTY, f"Nobody is playing. Map: {where}{limit}{_bots(server)}")
    begun = f"\nPlaying since <t:{since.timestamp():.0f}:t>" if since else ""
    text = f"{where} · {_count(server)}{limit}{_bots(server)}{begun}"
    characters = DESCRIPTION - len(text) - len(_FENCES)
    return _message(server.server, _PLAYING, text + _FENCES.format("\n".join(_rows(server.players, characters))))


def game_on_message(server: LiveServer) -> Message:
    """Return the message that enough players are on a server."""
    title = f"{pluralize(len(server.players), 'player')} on {escape(server.map or 'an unknown map', 40)}"
    return Message(
        embeds=(Embed(title=title, colour=_PLAYING, description=f"Game on: {escape(server.server, 60)}"),)
    )


def session_start_message(server: LiveServer, now: datetime) -> Message:
    """Return the message that a session started on a server."""
    text = f"{_count(server)} on **{escape(server.map or 'an unknown map', 40)}** <t:{now.timestamp():.0f}:t>"
    title = f"Session started · {escape(server.server, 60)}"
    return Message(embeds=(Embed(title=title, colour=_PLAYING, description=text),))


def _message(server: str, colour: int, text: str) -> Message:
    return Message(
        embeds=(Embed(title=escape(server, 60), colour=colour, description=text, footer="etstats · live"),)
    )


def _count(server: LiveServer) -> str:
    if server.places:
        return f"{len(server.players)} of {server.places} players"
    return pluralize(len(server.players), "player")


def _bots(server: LiveServer) -> str:
    return f" · {pluralize(server.bots, 'bot')}" if server.bots else ""


def _rows(players: Sequence[GamePlayer], limit: int) -> list[str]:
    """Return the players by side, within `limit` characters, then the number of omitted players."""
    rows: list[str] = []
    shown = 0
    for side, title in _TITLES.items():
        lines = [title.ljust(_NAME) + "Score".rjust(_SCORE + 1)]
        for player in players:
            if player.side != side:
                continue
            lines.append(f"{cell(player.name, _NAME)} {player.score:>{_SCORE}}")
            if len("\n".join([*rows, *lines])) > limit - _MORE_ROOM:
                return [*rows, f"… and {len(players) - shown} more"]
            rows += ["", *lines] if rows and len(lines) > 1 else lines
            lines = []
            shown += 1
    return rows
