"""Who is meant by a name: any that was ever used, colour codes and case aside, or a GUID."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from etstats.domain.rules.suggestions import likeness
from etstats.errors import NotFoundError

_LIKE_ENOUGH = 0.5
_LISTED = 6


class MatchQuality(IntEnum):
    """How a name answers to what was asked for; the lower the better."""

    GUID = 0
    CURRENT = 1
    """The present name, letter for letter."""
    FORMER = 2
    CURRENT_FOLDED = 3
    """The present name, case aside."""
    FORMER_FOLDED = 4
    BEGINS = 5
    CONTAINS = 6
    LIKE = 7


class KnownName(NamedTuple):
    """A clean name that a player was seen under."""

    guid: str
    alias: str
    times_seen: int
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A player who may be meant: the name that fits best, and the one the player bears now; names are clean."""

    player_guid: str
    clean_name: str
    alias: str
    closeness: MatchQuality
    likeness: float
    times_seen: int
    last_seen: datetime


_Judge = Callable[[str, str, KnownName, bool], tuple[MatchQuality, float] | None]


def find(texts: Sequence[str], seen: Iterable[KnownName]) -> list[Match]:
    """The players whose names, or GUIDs, answer to one of the texts, the closest first, each player once.

    Names that are merely like it are given only when none begins with it or contains it.
    """
    by_player: dict[str, list[KnownName]] = {}
    for name in seen:
        by_player.setdefault(name.guid, []).append(name)
    wanted = [(text, _fold(text)) for text in dict.fromkeys(texts) if _fold(text)]
    matches = _matches(wanted, by_player.values(), _holding) or _matches(wanted, by_player.values(), _resembling)
    return sorted(matches, key=lambda m: (m.closeness, -m.likeness, -m.times_seen, m.player_guid))


def choose(texts: Sequence[str], seen: Iterable[KnownName]) -> str:
    """The GUID of the one player meant; NotFoundError naming the nearest, or all who may be meant."""
    there = list(seen)
    if not there:
        raise NotFoundError(
            "there are no players yet; they come with rounds: etstats sync, or etstats import FOLDER"
        )
    if not any(_fold(text) for text in texts):
        raise NotFoundError("no player name given; give a name or a GUID; list them with: etstats find TEXT")
    matches = find(texts, there)
    if not matches:
        raise NotFoundError(f"no player was ever named {texts[0]}, or anything like it; try: etstats find TEXT")
    nearest = [match for match in matches if match.closeness == matches[0].closeness]
    if matches[0].closeness is MatchQuality.LIKE:
        names = ", ".join(dict.fromkeys(match.alias for match in matches[:3]))
        raise NotFoundError(f"no player was ever named {texts[0]}; did you mean {names}?")
    if len(nearest) > 1:
        listed = ", ".join(
            f"{m.player_guid} {m.clean_name} (last seen {m.last_seen:%Y-%m-%d})" for m in nearest[:_LISTED]
        )
        more = f" and {len(nearest) - _LISTED} more" if len(nearest) > _LISTED else ""
        raise NotFoundError(f"{texts[0]} may be any of {len(nearest)} players; say which by GUID: {listed}{more}")
    return nearest[0].player_guid


def _matches(
    wanted: Sequence[tuple[str, str]], players: Iterable[Sequence[KnownName]], judge: _Judge
) -> list[Match]:
    """Each player's name that fits best by one way of judging; players without such a name are left out."""
    matches: list[Match] = []
    for names in players:
        current = max(names, key=lambda name: (name.last_seen, name.times_seen, name.alias))
        judged = [
            (*judgement, name)
            for name in names
            for text, folded in wanted
            if (judgement := judge(text, folded, name, name is current)) is not None
        ]
        if judged:
            closeness, like, name = min(judged, key=lambda j: (j[0], -j[1], -j[2].times_seen))
            matches.append(
                Match(
                    player_guid=current.guid,
                    clean_name=current.alias,
                    alias=name.alias,
                    closeness=closeness,
                    likeness=like,
                    times_seen=sum(n.times_seen for n in names),
                    last_seen=current.last_seen,
                )
            )
    return matches


def _holding(text: str, folded: str, name: KnownName, is_current: bool) -> tuple[MatchQuality, float] | None:
    """Judge a name by what is in it."""
    alias = _fold(name.alias)
    found: MatchQuality | None = None
    if text.upper() == name.guid:
        found = MatchQuality.GUID
    elif text == name.alias:
        found = MatchQuality.CURRENT if is_current else MatchQuality.FORMER
    elif folded == alias:
        found = MatchQuality.CURRENT_FOLDED if is_current else MatchQuality.FORMER_FOLDED
    elif alias.startswith(folded):
        found = MatchQuality.BEGINS
    elif folded in alias:
        found = MatchQuality.CONTAINS
    return None if found is None else (found, len(folded) / max(1, len(alias)))


def _resembling(text: str, folded: str, name: KnownName, is_current: bool) -> tuple[MatchQuality, float] | None:
    """Judge a name by how it is spelt; dear, so only asked for when no name holds the text."""
    like = likeness(folded, _fold(name.alias))
    return (MatchQuality.LIKE, like) if like >= _LIKE_ENOUGH else None


def _fold(text: str) -> str:
    """Case, width and outer spaces aside."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
