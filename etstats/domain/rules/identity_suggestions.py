"""Find GUIDs that may be one person: common names, never in the same round, one stops when the other starts.

A suggestion is evidence for an admin, never a decision: two people may use one name, and a family one computer.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from etstats.domain.rules.suggestions import likeness

SUCCESSION = timedelta(days=30)
"""The longest time between the last round of one GUID and the first round of the other."""
_SHORTEST_NAME = 3
_MOST_BEARERS = 5
"""A name used by more players is no evidence, such as the game's default name."""
_ALIKE = 0.8
_WORD = re.compile(r"[^\W_]+")


class SeenName(NamedTuple):
    """A clean name of a player; `times_seen` in rounds."""

    guid: str
    alias: str
    times_seen: int
    first_seen: datetime
    last_seen: datetime


class CandidatePair(NamedTuple):
    """Two players who may be one person, the last seen first, with the names as evidence."""

    guid: str
    other_guid: str
    names: tuple[str, ...]
    is_same_name: bool
    follows: bool


class _Player(NamedTuple):
    guid: str
    cores: Mapping[str, str]
    """The part of each name without tag, case and decoration -> the name."""
    tags: frozenset[str]
    rounds: int
    first_seen: datetime
    last_seen: datetime


def candidates(names: Iterable[SeenName]) -> list[CandidatePair]:
    """Return the pairs whose names suggest one person, strongest first.

    The same name is sufficient. A similar name, or only the same clan tag, counts if one player stops when the
    other starts. The caller checks whether both were in the same round.
    """
    by_guid: defaultdict[str, list[SeenName]] = defaultdict(list)
    for name in names:
        by_guid[name.guid].append(name)
    tags = _tags(by_guid.values())
    players = _without_common_names([_player(guid, own, tags) for guid, own in sorted(by_guid.items())])
    found = [pair for one, other in _compared(players) if (pair := _pair(one, other)) is not None]
    rounds = {player.guid: player.rounds for player in players}
    return sorted(
        found,
        key=lambda pair: (
            not pair.is_same_name,
            not pair.follows,
            -min(rounds[pair.guid], rounds[pair.other_guid]),
            pair.guid,
            pair.other_guid,
        ),
    )


def _words(name: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", name).casefold())


def _tags(names: Iterable[Sequence[SeenName]]) -> frozenset[str]:
    """Return the first or last words that at least three players share in names of several words."""
    users: Counter[str] = Counter()
    for own in names:
        several = [words for name in own if len(words := _words(name.alias)) > 1]
        users.update({word for words in several for word in (words[0], words[-1])})
    return frozenset(word for word, count in users.items() if count >= 3)


def _player(guid: str, names: Sequence[SeenName], tags: frozenset[str]) -> _Player:
    cores: dict[str, str] = {}
    worn: set[str] = set()
    for name in sorted(names, key=lambda name: -name.times_seen):
        words = _words(name.alias)
        worn |= tags & {*words[:1], *words[-1:]} if len(words) > 1 else set()
        without = [word for word in words if word not in tags] or words
        key = "".join(without)
        if len(key) >= _SHORTEST_NAME:
            cores.setdefault(key, name.alias)
    return _Player(
        guid=guid,
        cores=cores,
        tags=frozenset(worn),
        rounds=sum(name.times_seen for name in names),
        first_seen=min(name.first_seen for name in names),
        last_seen=max(name.last_seen for name in names),
    )


def _without_common_names(players: Sequence[_Player]) -> list[_Player]:
    bearers = Counter(key for player in players for key in player.cores)
    return [
        player._replace(cores={key: name for key, name in player.cores.items() if bearers[key] <= _MOST_BEARERS})
        for player in players
    ]


def _compared(players: Sequence[_Player]) -> Iterator[tuple[_Player, _Player]]:
    """Yield the pairs to compare, each once: with a common name, or one player starting after the other."""
    by_core: defaultdict[str, list[int]] = defaultdict(list)
    for place, player in enumerate(players):
        for key in player.cores:
            by_core[key].append(place)
    pairs = {pair for places in by_core.values() for pair in combinations(places, 2)}
    by_start = sorted(range(len(players)), key=lambda place: players[place].first_seen)
    starts = [players[place].first_seen for place in by_start]
    for place, player in enumerate(players):
        first = bisect_left(starts, player.last_seen)
        last = bisect_right(starts, player.last_seen + SUCCESSION)
        pairs.update((min(place, other), max(place, other)) for other in by_start[first:last] if other != place)
    yield from ((players[one], players[other]) for one, other in sorted(pairs))


def _pair(one: _Player, other: _Player) -> CandidatePair | None:
    if (one.last_seen, one.guid) < (other.last_seen, other.guid):
        one, other = other, one
    gap = one.first_seen - other.last_seen
    follows = timedelta(0) <= gap <= SUCCESSION
    same = [key for key in one.cores if key in other.cores]
    if same:
        names = tuple(dict.fromkeys(player.cores[key] for key in same for player in (one, other)))
        return CandidatePair(one.guid, other.guid, names, is_same_name=True, follows=follows)
    if not follows:
        return None
    alike = [
        (one.cores[own_core], other.cores[other_core])
        for own_core in one.cores
        for other_core in other.cores
        if likeness(own_core, other_core) >= _ALIKE
    ]
    names = tuple(dict.fromkeys(name for pair in alike for name in pair))
    if not names and one.tags & other.tags:
        names = tuple(sorted(one.tags & other.tags))
    return CandidatePair(one.guid, other.guid, names, is_same_name=False, follows=True) if names else None
