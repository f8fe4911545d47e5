"""Pairing of rounds, and grouping of rounds to sessions."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from etstats.domain.rules.pairing import LONGEST_BREAK, LONGEST_GAP, RoundKey, pair
from etstats.domain.rules.sessions import group

START = datetime(2025, 10, 2, 20)  # noqa: DTZ001  # the server's own clock
HOUR = timedelta(minutes=60)


def round_key(key: int, minutes: float, number: int, *, limit: int = 600, actual: int | None = 600) -> RoundKey:
    """Return a round that ended this many minutes after the start."""
    stamp = START + timedelta(minutes=minutes)
    return RoundKey(
        key=key,
        ended_at=stamp.replace(tzinfo=UTC),
        stamp=stamp,
        map_name="supply",
        round_number=number,
        time_limit_seconds=limit,
        actual_time_seconds=actual,
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[RoundKey], set[tuple[int, int]]]:
    """Rounds of one map at various distances with few different times, and the round 1 of each round 2."""
    minutes = st.integers(0, 40).map(lambda step: step * 25)
    times = st.sampled_from([300, 301, 600])
    rounds = [
        round_key(key, draw(minutes), draw(st.sampled_from([1, 2])), limit=draw(times), actual=draw(times))
        for key in range(draw(st.integers(0, 12)))
    ]
    unique = {(round_.ended_at, round_.round_number): round_ for round_ in rounds}
    rounds = list(unique.values())
    ends = [
        (two.key, one.key) for two in rounds for one in rounds if (two.round_number, one.round_number) == (2, 1)
    ]
    return rounds, set(draw(st.lists(st.sampled_from(ends), unique=True))) if ends else set()


def all_edges_in_order(rounds: list[RoundKey], held: set[tuple[int, int]]) -> dict[int, int]:
    """Pair by the definition: try every possible pair, best first."""
    edges = []
    for two in rounds:
        for one in rounds:
            if (two.round_number, one.round_number) != (2, 1):
                continue
            distance = two.ended_at - one.ended_at
            off = abs(two.time_limit_seconds - (one.actual_time_seconds or 0))
            fits = timedelta() <= distance <= LONGEST_GAP and off <= 1
            is_held = (two.key, one.key) in held and abs(distance) <= LONGEST_BREAK
            if fits or is_held:
                rank = 0 if fits and is_held else 1 if is_held else 2
                edges.append((rank, min(off, 2), abs(distance), two.ended_at, one.ended_at, two.key, one.key))
    found: dict[int, int] = {}
    for *_, two_key, one_key in sorted(edges):
        if two_key not in found and one_key not in found.values():
            found[two_key] = one_key
    return found


@given(worlds())
def test_pairing_equals_best_first_search(world: tuple[list[RoundKey], set[tuple[int, int]]]) -> None:
    """Deciding each round by itself gives the same pairs as trying all possible pairs in order."""
    rounds, held = world
    assert pair(rounds, lambda two, one: (two.key, one.key) in held) == all_edges_in_order(rounds, held)


def test_player_lines_take_precedence_over_a_nearer_name() -> None:
    """An included round 1 is preferred to a nearer one that fits only by name."""
    rounds = [round_key(1, 0, 1), round_key(2, 20, 1), round_key(3, 30, 2)]
    assert pair(rounds, lambda _, one: one.key == 1) == {3: 1}
    assert pair(rounds, lambda _two, _one: False) == {3: 2}


def test_player_lines_pair_rounds_up_to_12_hours_apart() -> None:
    """Lines decide over an hour, with another limit, or with the clock set back; not over 12 hours."""
    for minutes in (61, -50, 719, -719, 720):
        assert pair([round_key(1, 0, 1), round_key(2, minutes, 2, limit=123)], lambda _two, _one: True) == {2: 1}
    for minutes in (721, -721):
        assert pair([round_key(1, 0, 1), round_key(2, minutes, 2)], lambda _two, _one: True) == {}


def test_session_never_ends_within_a_match() -> None:
    """The rounds of a match, and those between them, are in one session."""
    rounds = [
        (START.replace(tzinfo=UTC) + timedelta(minutes=minute), minute) for minute in (0, 100, 200, 300, 400)
    ]
    match = (rounds[1][0], rounds[3][0])
    for given_rounds in permutations(rounds):
        assert group(given_rounds, HOUR, [match]) == [[0], [100, 200, 300], [400]]
