"""Tests of the game's status query: valid replies are counted, invalid ones refused."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.live import GameStatus
from etstats.errors import ConfigError, SourceError
from etstats.sync.game_query import parse_status, query_status
from tests.support.game import Game
from tests.support.processes import HANG_SECONDS
from tests.support.sftp_server import free_port

HEAD = b"\xff\xff\xff\xffstatusResponse\n"


def test_status_has_people_map_and_time(game: Callable[..., Game]) -> None:
    """Bots are not counted as people; colour codes are removed from names."""
    status = query_status(game(people=9, bots=2).address)
    assert (status.people, status.bots, status.places) == (9, 2, 20)
    assert (status.map_name, status.server_name, status.time_limit_minutes) == ("supply", "The Old Barn", 12)
    assert str(status) == "9 of 20 playing and 2 bots on supply, time limit 12 min"


def test_lost_packet_is_queried_again(game: Callable[..., Game]) -> None:
    """UDP loses packets: a second query is sent."""
    running = game(people=3, silent_for=1)
    assert query_status(running.address, seconds=1).people == 3
    assert running.asked == 2


def test_late_reply_is_accepted(game: Callable[..., Game]) -> None:
    """A reply to the first query that arrives after the second query is accepted."""
    running = game(people=3, is_late=True)
    assert query_status(running.address, seconds=1).people == 3
    assert running.asked == 2


def test_each_address_of_a_host_is_queried(game: Callable[..., Game], monkeypatch: pytest.MonkeyPatch) -> None:
    """If the first address of a host fails, the next one is queried."""
    running, silent = game(people=3), game(silent_for=99)
    resolve = socket.getaddrinfo
    no_family = (socket.AF_UNSPEC, socket.SOCK_DGRAM, 17, "", ("::1", 27960))
    for first in (f"127.0.0.1:{free_port()}", silent.address, None):

        def addresses(host: str, port: int, first: str | None = first, **options: Any) -> list[Any]:
            assert (host, port) == ("game.example", 27960)
            found = [resolve(*place.split(":"), **options)[0] for place in (first, running.address) if place]
            return found if first else [no_family, *found]

        monkeypatch.setattr(socket, "getaddrinfo", addresses)
        assert query_status("game.example", seconds=2).people == 3


def test_status_has_names_scores_and_sides(game: Callable[..., Game]) -> None:
    """Names have no colour codes; sides are known if `P` matches the players."""
    running = game(names=["^1Al^7pha", "Beta", "Gamma"], sides="-1-23")
    expected = (("Alpha", 0, "axis"), ("Beta", 1, "allies"), ("Gamma", 2, "spectator"))
    assert query_status(running.address).players == expected
    running.sides = "-1-2"
    assert {player.side for player in query_status(running.address).players} == {None}


def test_replies_to_other_queries_are_skipped(game: Callable[..., Game]) -> None:
    """A flood of forged replies ends the query after a limit; a true reply among few is found."""
    assert query_status(game(people=2, flood=20).address, seconds=HANG_SECONDS).people == 2
    with pytest.raises(SourceError, match="does not repeat the challenge"):
        query_status(game(people=2, flood=200).address, seconds=HANG_SECONDS)


def test_reply_from_another_port_is_ignored(game: Callable[..., Game]) -> None:
    """Only replies of the queried server are accepted."""
    with pytest.raises(SourceError, match="does not answer"):
        query_status(game(people=2, elsewhere=True).address, seconds=0.2)


def test_silent_or_missing_game_is_a_source_error(game: Callable[..., Game]) -> None:
    """No reply within the timeout; no server at the port."""
    with pytest.raises(SourceError, match="does not answer"):
        query_status(game(silent_for=99).address, seconds=0.1)
    with pytest.raises(SourceError, match="check the server's query"):
        query_status(f"127.0.0.1:{free_port()}", seconds=HANG_SECONDS)


@pytest.mark.parametrize("address", ["", ":27960", "host:", "host:0", "host:99999", "host:port", "a b:x"])
def test_invalid_address_is_refused(address: str) -> None:
    """The error shows the expected form."""
    with pytest.raises(ConfigError, match="host:port of the game"):
        query_status(address)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello",
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\xffinfoResponse\n\\a\\b",
        HEAD + b"\\challenge\\another\\mapname\\x\n",
        HEAD + b"\\challenge\\mine\\mapna",
        HEAD + b'\\challenge\\mine\n5 50 "a"\n5 50 "b',
        HEAD + b'\\challenge\\mine\n5 50 "a"\n5 50 "b"',
    ],
)
def test_invalid_reply_is_refused(answer: bytes) -> None:
    """Not a game, not a status, a reply to another query, or truncated anywhere: refused."""
    with pytest.raises(SourceError):
        parse_status(answer, "mine")


def test_hostile_reply_is_bounded() -> None:
    """A thousand players, endless texts, huge numbers, escapes: truncated, ignored or made printable."""
    answer = HEAD + b"\\mapname\\" + b"\x1b[31m" + b"m" * 5000 + b"\\sv_maxclients\\99999999\\timelimit\\-1\n"
    answer += b'5 50 "a"\n' * 1000 + b'99999999999 1 "b"\n'
    status = parse_status(answer, "mine")
    assert status.people == 64
    assert (len(status.map_name), status.places, status.time_limit_minutes) == (64, 0, None)
    assert status.map_name.isprintable()


def test_oversized_packet_is_refused(game: Callable[..., Game]) -> None:
    """An oversized reply is refused, not read as a server with fewer players."""
    with pytest.raises(SourceError, match="truncated"):
        query_status(game(answer=HEAD + b'5 50 "somebody"\n' * 4000).address, seconds=1)


@given(st.binary(max_size=2000))
def test_any_bytes_are_parsed_or_refused(tail: bytes) -> None:
    """Any reply gives a status or a SourceError."""
    try:
        status = parse_status(HEAD + tail + b"\n", "mine")
    except SourceError:
        return
    assert isinstance(status, GameStatus)
    assert 0 <= status.people + status.bots <= 64
