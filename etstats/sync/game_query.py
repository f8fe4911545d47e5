r"""The game's own status query over UDP: who plays, which map, for how long.

The protocol is Quake 3's: `getstatus` after four bytes of 0xFF is answered by `statusResponse`, a line of
`\key\value` pairs, and a line `score ping "name"` for each player. One packet each way, no state, and anyone on
the way may answer in the server's place: so every answer is bounded and checked, and decides nothing but how often
to look.
"""

import re
import secrets
import socket
from dataclasses import dataclass

from etstats.errors import ConfigError, SourceError

_PREFIX = b"\xff\xff\xff\xff"
_MOST_BYTES = 16384
_MOST_PLAYERS = 64
_TRIES = 2
_SECONDS = 1.5
_PLAYER = re.compile(rb'(-?\d{1,6}) (-?\d{1,6}) "([^"\n]{0,64})"', re.ASCII)
_ADDRESS = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
_COLOUR = re.compile(r"\^[^^]")


@dataclass(frozen=True, slots=True, kw_only=True)
class GameStatus:
    """What the game says: people (bots not counted), places, map; text is cut and printable."""

    people: int
    bots: int
    places: int
    map_name: str
    server_name: str
    time_limit_minutes: int | None

    def __str__(self) -> str:
        limit = f", time limit {self.time_limit_minutes} min" if self.time_limit_minutes else ""
        bots = f" and {self.bots} bots" if self.bots else ""
        return f"{self.people} of {self.places} playing{bots} on {self.map_name or 'an unnamed map'}{limit}"


def query_status(address: str, *, seconds: float = _SECONDS) -> GameStatus:
    """Ask the game at `host:port`, twice at most; ConfigError: no such form. SourceError: no usable answer."""
    host, number = _place(address)
    challenge = secrets.token_hex(8)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, number, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as asked:
            asked.settimeout(seconds)
            asked.connect(place)  # the kernel drops what others send
            for _attempt in range(_TRIES):
                asked.send(_PREFIX + f"getstatus {challenge}\n".encode())
                try:
                    return parse_status(asked.recv(_MOST_BYTES), challenge)
                except TimeoutError:
                    continue
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"the game at {address} cannot be asked: {reason}; check the server's query") from error
    raise SourceError(f"the game at {address} does not answer (UDP); is it running, and the port right?")


def _place(address: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(address)
    port = int(match[2] or 27960) if match else 0
    if match is None or not 0 < port < 65536:
        raise ConfigError(f"query {address!r}: host:port of the game is expected, such as game.example.org:27960")
    return match[1].strip("[]"), port


def parse_status(answer: bytes, challenge: str) -> GameStatus:
    """Read one answer; SourceError when it is none, or not to our question."""
    head, _, rest = answer.removeprefix(_PREFIX).partition(b"\n")
    info_line, _, player_lines = rest.partition(b"\n")
    if not answer.startswith(_PREFIX) or head.strip() != b"statusResponse":
        raise SourceError("what answers there is no game server")
    parts = info_line.decode("utf-8", "replace").split("\\")[1:513]
    info = {key.lower(): value for key, value in zip(parts[::2], parts[1::2], strict=False)}
    if info.get("challenge", challenge) != challenge:
        raise SourceError("the answer is not to the question that was asked")
    pings = [
        int(found[2]) for line in player_lines.split(b"\n")[:_MOST_PLAYERS] if (found := _PLAYER.fullmatch(line))
    ]
    bots = sum(ping == 0 for ping in pings)  # a person's packets take time
    return GameStatus(
        people=len(pings) - bots,
        bots=bots,
        places=_number(info.get("sv_maxclients")) or 0,
        map_name=_text(info.get("mapname", "")),
        server_name=_text(info.get("sv_hostname", "")),
        time_limit_minutes=_number(info.get("timelimit")),
    )


def _number(text: str | None) -> int | None:
    text = (text or "").partition(".")[0]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


def _text(raw: str) -> str:
    return "".join(c for c in _COLOUR.sub("", raw) if c.isprintable())[:64]
