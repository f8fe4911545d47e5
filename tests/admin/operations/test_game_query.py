"""The game's status query: what it says is counted, and what nobody should say is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etstats.errors import ConfigError, SourceError
from etstats.sync.game_query import GameStatus, parse_status, query_status
from tests.admin.operations.game import Game
from tests.sync.server import free_port

HEAD = b"\xff\xff\xff\xffstatusResponse\n"


def test_people_map_and_time_are_told(game: Callable[..., Game]) -> None:
    """Bots are not people; colours are taken out of the name."""
    status = query_status(game(people=9, bots=2).address)
    assert (status.people, status.bots, status.places) == (9, 2, 20)
    assert (status.map_name, status.server_name, status.time_limit_minutes) == ("supply", "The Barn", 12)
    assert str(status) == "9 of 20 playing and 2 bots on supply, time limit 12 min"


def test_a_lost_packet_is_asked_again(game: Callable[..., Game]) -> None:
    """UDP loses packets: the second question is answered."""
    running = game(people=3, silent_for=1)
    assert query_status(running.address, seconds=0.3).people == 3
    assert running.asked == 2


def test_a_silent_or_missing_game_is_a_source_error(game: Callable[..., Game]) -> None:
    """No answer within the time; nobody at that port."""
    with pytest.raises(SourceError, match="does not answer"):
        query_status(game(silent_for=99).address, seconds=0.1)
    with pytest.raises(SourceError, match="check the server's query"):
        query_status(f"127.0.0.1:{free_port()}", seconds=0.5)


@pytest.mark.parametrize("address", ["", ":27960", "host:", "host:0", "host:99999", "host:port", "a b:x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """The message shows the form."""
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
    ],
)
def test_another_answer_is_refused(answer: bytes) -> None:
    """Not a game, not a status, or to somebody else's question."""
    with pytest.raises(SourceError):
        parse_status(answer, "mine")


def test_a_hostile_answer_is_bounded() -> None:
    """A thousand players, endless texts, huge numbers, escapes: cut, ignored, made printable."""
    answer = HEAD + b"\\mapname\\" + b"\x1b[31m" + b"m" * 5000 + b"\\sv_maxclients\\99999999\\timelimit\\-1\n"
    answer += b'5 50 "a"\n' * 1000 + b'99999999999 1 "b"\n'
    status = parse_status(answer, "mine")
    assert status.people == 64
    assert (len(status.map_name), status.places, status.time_limit_minutes) == (64, 0, None)
    assert status.map_name.isprintable()


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    """Nothing but a status or a SourceError comes out."""
    try:
        status = parse_status(HEAD + tail, "mine")
    except SourceError:
        return
    assert isinstance(status, GameStatus)
    assert 0 <= status.people + status.bots <= 64
