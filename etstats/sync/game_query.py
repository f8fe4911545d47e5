r"""Query a game server's status over UDP: its players and map.

The protocol is Quake 3's: `getstatus` after four bytes of 0xFF is answered by `statusResponse`, a line of
`\key\value` pairs, and a line `score ping "name"` for each player in the order of their slots. ET:Legacy adds the
key `P`: one character per slot, `-` for an empty one, else the number of the side. An answer may be forged, so its
size is limited and its values are checked.
"""

import re
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from threading import Thread

from etstats.domain.live import GamePlayer, GameStatus, ServerAnswer
from etstats.domain.names import clean_name
from etstats.errors import InvalidValueError, SourceError

_PREFIX = b"\xff\xff\xff\xff"
_MOST_BYTES = 16384
_MOST_PLAYERS = 64
_MOST_PACKETS = 64  # packets read per query, in case others send packets too
_MOST_ADDRESSES = 4  # of a name, such as one of IPv6 and one of IPv4
_TRIES = 2
_SECONDS = 1.5
_SIDES = {"1": "axis", "2": "allies", "3": "spectator"}
_PLAYER = re.compile(rb'(-?\d{1,6}) (-?\d{1,6}) "([^"\n]{0,64})"', re.ASCII)
_ADDRESS = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")


def ask(addresses: Mapping[str, str]) -> list[ServerAnswer]:
    """Query all game servers (name -> host:port) at the same time; InvalidValueError: an address is not valid.

    A process can end while a name server keeps one of the queries waiting.
    """
    answers: dict[str, ServerAnswer | InvalidValueError] = {}
    threads = [
        Thread(target=_ask, args=(server, address, answers), daemon=True) for server, address in addresses.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers.values():
        if isinstance(answer, InvalidValueError):
            raise answer
    return [answer for server in addresses if isinstance(answer := answers[server], ServerAnswer)]


def query_status(address: str, *, seconds: float = _SECONDS) -> GameStatus:
    """Query the game at `host:port`, each address of the host at most twice, and return the first answer.

    Raises InvalidValueError for an invalid address, SourceError without a valid answer.
    """
    host, number = game_address(address)
    challenge = secrets.token_hex(8)
    try:
        endpoints = socket.getaddrinfo(host, number, type=socket.SOCK_DGRAM)[:_MOST_ADDRESSES]
    except (OSError, UnicodeError) as error:
        raise SourceError(_query_error(address, error)) from error
    last_error: SourceError | None = None
    with ExitStack() as stack:
        sockets: dict[object, socket.socket] = {}
        for _attempt in range(_TRIES):
            for endpoint in endpoints:
                try:
                    if endpoint not in sockets:
                        sockets[endpoint] = stack.enter_context(socket.socket(*endpoint[:3]))
                    sockets[endpoint].connect(endpoint[4])  # the kernel drops packets from other addresses
                    sockets[endpoint].send(_PREFIX + f"getstatus {challenge}\n".encode())
                    answer = _answer(sockets[endpoint], challenge, seconds / len(endpoints))
                except OSError as error:  # another address may answer
                    answer = SourceError(_query_error(address, error))
                if isinstance(answer, GameStatus):
                    return answer
                last_error = answer or last_error
    raise last_error or SourceError(
        f"the game at {address} does not answer (UDP); check that it is running, and the port"
    )


def _ask(server: str, address: str, answers: dict[str, ServerAnswer | InvalidValueError]) -> None:
    try:
        answers[server] = ServerAnswer(server=server, address=address, status=query_status(address), error=None)
    except SourceError as error:
        answers[server] = ServerAnswer(server=server, address=address, status=None, error=str(error))
    except InvalidValueError as error:
        answers[server] = error


def _query_error(address: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return f"cannot query the game at {address}: {reason}; check the server's query"


def _answer(connection: socket.socket, challenge: str, seconds: float) -> GameStatus | SourceError | None:
    """Return the status from the answer to this query, else the last error; None: no packet arrived."""
    last_error: SourceError | None = None
    until = time.monotonic() + seconds
    for _packet in range(_MOST_PACKETS):
        left = until - time.monotonic()
        if left <= 0:
            break
        connection.settimeout(left)
        try:
            return parse_status(connection.recv(_MOST_BYTES), challenge)
        except TimeoutError:
            break
        except SourceError as error:
            last_error = error
    return last_error


def game_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, by default port 27960; raises InvalidValueError."""
    match = _ADDRESS.fullmatch(address)
    port = int(match[2] or 27960) if match else 0
    if match is None or not 0 < port < 65536:
        raise InvalidValueError(
            f'invalid address "{address}"; expected host:port of the game, such as game.example.org:27960'
        )
    return match[1].strip("[]"), port


def parse_status(answer: bytes, challenge: str) -> GameStatus:
    """Parse an answer; SourceError if it is invalid or does not repeat the challenge."""
    head, _, rest = answer.removeprefix(_PREFIX).partition(b"\n")
    info_line, _, player_lines = rest.partition(b"\n")
    if not answer.startswith(_PREFIX) or head.strip() != b"statusResponse":
        raise SourceError("the reply does not come from a game server")
    if not rest.endswith(b"\n"):  # each line has an end, the last one too
        raise SourceError("the game server's reply is truncated")
    parts = info_line.decode("utf-8", "replace").split("\\")[1:513]
    info = {key.lower(): value for key, value in zip(parts[::2], parts[1::2], strict=False)}
    if info.get("challenge", challenge) != challenge:
        raise SourceError("the reply does not repeat the challenge of the query")
    lines = [found for line in player_lines.split(b"\n")[:_MOST_PLAYERS] if (found := _PLAYER.fullmatch(line))]
    sides = _sides(info.get("p", ""), len(lines))
    players = tuple(
        GamePlayer(name=clean_name(found[3].decode("utf-8", "replace"))[:64], score=int(found[1]), side=side)
        for found, side in zip(lines, sides, strict=True)
        if int(found[2]) != 0  # only bots have a ping of 0
    )
    return GameStatus(
        players=players,
        bots=len(lines) - len(players),
        places=_number(info.get("sv_maxclients")) or 0,
        map_name=_text(info.get("mapname", "")),
        server_name=_text(info.get("sv_hostname", "")),
        time_limit_minutes=_number(info.get("timelimit")),
    )


def _sides(slots: str, players: int) -> Sequence[str | None]:
    """Return the side of each player from the value of `P`; None for all if their number differs."""
    used = [_SIDES.get(slot) for slot in slots if slot != "-"]
    return used if len(used) == players else [None] * players


def _number(text: str | None) -> int | None:
    text = (text or "").partition(".")[0]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


def _text(raw: str) -> str:
    return clean_name(raw)[:64]
