"""The names of two teams: the tag that most of a team's players share, else the player with the most rounds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

_LEAST_TAG = 2  # characters
_LONGEST = 24  # characters of a team's name
_LONGEST_NAME = 64  # of a player, that is searched for a tag
_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))
UNNAMED = ("Team A", "Team B")


class Member(NamedTuple):
    """A player of a team; `name` is without colours."""

    team: int
    name: str
    rounds: int
    guid: str


def team_names(members: Iterable[Member], chosen: Mapping[int, str] | None = None) -> tuple[str, str]:
    """Return the names of team 1 and 2, which differ; `chosen`: those that an admin set, by team."""
    chosen = chosen or {}
    teams: dict[int, list[Member]] = {1: [], 2: []}
    for member in members:
        teams[member.team].append(member)
    set_names = [chosen.get(number, "") for number in (1, 2)]
    tags = [shared_tag([member.name for member in teams[number]]) for number in (1, 2)]
    leaders = [_leader(teams[number]) for number in (1, 2)]
    for found in (tags, leaders):
        choices = zip(set_names, found, leaders, UNNAMED, strict=True)
        first, second = (given or tag or leader or unnamed for given, tag, leader, unnamed in choices)
        if not _are_alike(first, second):
            return first, second
    return _distinct_names(set_names)


def shared_tag(names: Sequence[str]) -> str:
    """Return the tag in front of or behind more than half of the names; empty when there is none."""
    written: dict[str, Counter[str]] = {}
    for name in names:
        for tag in _tags(name):
            written.setdefault(tag.casefold(), Counter())[tag] += 1
    shared = [
        (sum(spellings.values()), len(tag), tag)
        for tag, spellings in written.items()
        if sum(spellings.values()) > max(1, len(names) / 2)
    ]
    if not shared:
        return ""
    spellings = written[max(shared)[2]]
    return max(spellings, key=lambda tag: (spellings[tag], tag))


def untagged_part(name: str, tag: str) -> tuple[int, int]:
    """Return start and end of a name without its team's tag; the whole name if nothing else is left."""
    for start, end in _cuts(name) if tag else ():
        if name[start:end].casefold() == tag.casefold():
            first, last = _inner(name, end, len(name)) if start < len(name) - end else _inner(name, 0, start)
            if first < last:
                return first, last
    return 0, len(name)


@lru_cache(maxsize=4096)
def _tags(name: str) -> frozenset[str]:
    return frozenset(name[start:end] for start, end in _cuts(name))


def _cuts(name: str) -> list[tuple[int, int]]:
    """Return where in a name a tag may be: from its start or its end to a separator, with a name besides."""
    if len(name) > _LONGEST_NAME:
        return []
    edges = [at for at, char in enumerate(name) if not char.isalnum()]
    found: list[tuple[int, int]] = []
    for at in edges:
        for start, end, rest in ((0, at, name[at:]), (at + 1, len(name), name[:at])):
            first, last = _inner(name, start, end)
            if _LEAST_TAG <= last - first <= _LONGEST and _trimmed(rest):
                found.append((first, last))
    return list(dict.fromkeys(found))


def _inner(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a part of a text without the separators at its ends, as positions."""
    while start < end and not text[start].isalnum():
        start += 1
    while start < end and not text[end - 1].isalnum():
        end -= 1
    return start, end


def _trimmed(text: str) -> str:
    start, end = _inner(text, 0, len(text))
    return text[start:end]


def _leader(members: Sequence[Member]) -> str:
    named = [member for member in members if member.name.strip()]
    if not named:
        return ""
    best = min(named, key=lambda member: (-member.rounds, member.name.casefold(), member.guid))
    name = _trimmed(best.name)
    if not name or any(name.count(opening) != name.count(closing) for opening, closing in _BRACKETS):
        name = best.name.strip()  # `[LOG]Marsh` keeps both brackets
    return f"Team {name[:_LONGEST].rstrip()}"


def _are_alike(first: str, second: str) -> bool:
    return first.casefold() == second.casefold()


def _distinct_names(set_names: Sequence[str]) -> tuple[str, str]:
    """Return distinct names for two teams with the same name."""
    if set_names[0] and set_names[1]:
        return f"{set_names[0]} 1", f"{set_names[1]} 2"
    given = set_names[0] or set_names[1]
    other = UNNAMED[1] if not _are_alike(given, UNNAMED[1]) else UNNAMED[0]
    return (given or UNNAMED[0], other) if not set_names[1] else (other, given)
