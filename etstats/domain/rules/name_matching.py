"""Find a player by any name ever used, ignoring colour codes and case, or by GUID."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from etstats.domain.rules.suggestions import likeness
from etstats.errors import NotFoundError

_LIKE_ENOUGH = 0.5
_LISTED = 4


class MatchQuality(IntEnum):
    """How well a name matches the search text; lower is better."""

    GUID = 0
    CURRENT = 1
    """The current name, exactly."""
    FORMER = 2
    CURRENT_FOLDED = 3
    """The current name, ignoring case."""
    FORMER_FOLDED = 4
    BEGINS = 5
    CONTAINS = 6
    LIKE = 7


class KnownName(NamedTuple):
    """A clean name that a player used, or a display name.

    `guid` is the player's main GUID; `recorded_guid` the one that used the name.
    """

    guid: str
    alias: str
    times_seen: int
    last_seen: datetime
    recorded_guid: str
    is_display: bool = False


class Match(NamedTuple):
    """A matching player: the best matching name and the current name, both clean."""

    player_guid: str
    clean_name: str
    alias: str
    closeness: MatchQuality
    likeness: float
    times_seen: int
    last_seen: datetime


_Comparison = Callable[[str, str, KnownName, bool], tuple[MatchQuality, float] | None]


def find(texts: Sequence[str], seen: Iterable[KnownName]) -> list[Match]:
    """Return the players whose names or GUIDs match one of the texts, best first, each player once.

    Similar names are returned only if no name begins with or contains the text. Without a text, all players are
    returned by their current names.
    """
    by_player: dict[str, list[KnownName]] = {}
    for name in seen:
        by_player.setdefault(name.guid, []).append(name)
    wanted = [(text, _fold(text)) for text in dict.fromkeys(texts) if _fold(text)]
    if not wanted:
        return sorted(_matches([("", "")], by_player.values(), _anybody), key=lambda match: match.alias.casefold())
    matches = _matches(wanted, by_player.values(), _holding) or _matches(wanted, by_player.values(), _resembling)
    return sorted(
        matches, key=lambda match: (match.closeness, -match.likeness, -match.times_seen, match.player_guid)
    )


def choose(texts: Sequence[str], seen: Iterable[KnownName]) -> Match:
    """Return the one matching player; NotFoundError with suggestions if there is none or more than one."""
    there = list(seen)
    if not there:
        raise NotFoundError("no players in the database; import rounds: etstats sync, or etstats import FOLDER")
    if not any(_fold(text) for text in texts):
        raise NotFoundError("no player name given; give a name or a GUID; list them with: etstats find TEXT")
    matches = find(texts, there)
    if not matches:
        raise NotFoundError(f"no player is or was named {texts[0]}, or similar; search with: etstats find TEXT")
    nearest = [match for match in matches if match.closeness == matches[0].closeness]
    if matches[0].closeness is MatchQuality.LIKE:
        names = ", ".join(dict.fromkeys(match.alias for match in matches[:3]))
        raise NotFoundError(f"no player is or was named {texts[0]}; did you mean {names}?")
    if len(nearest) > 1:
        raise NotFoundError(_ambiguous(texts[0], nearest))
    return nearest[0]


def _ambiguous(text: str, matches: Sequence[Match]) -> str:
    """Return the error for an ambiguous name: players with that name (by GUID), or with names containing it."""
    shown, rest = matches[:_LISTED], len(matches) - _LISTED
    more = f" and {rest} more" if rest > 0 else ""
    if matches[0].closeness >= MatchQuality.BEGINS:
        listed = ", ".join(match.alias for match in shown)
        return (
            f"{text} is in the names of {len(matches)} players: {listed}{more}; write more of the name, or a GUID"
        )
    listed = ", ".join(
        f"{match.player_guid} {match.clean_name} (last seen {match.last_seen:%Y-%m-%d})" for match in shown
    )
    return f"{text} is the name of {len(matches)} players; give the GUID: {listed}{more}"


def _matches(
    wanted: Sequence[tuple[str, str]], players: Iterable[Sequence[KnownName]], compare: _Comparison
) -> list[Match]:
    """Return each player's best matching name by one comparison; players without a match are skipped."""
    matches: list[Match] = []
    for names in players:
        current = max(names, key=lambda name: (name.is_display, name.last_seen, name.times_seen, name.alias))
        judged = [
            (*quality, name)
            for name in names
            for text, folded in wanted
            if (quality := compare(text, folded, name, name is current)) is not None
        ]
        if judged:
            closeness, like, name = min(
                judged, key=lambda candidate: (candidate[0], -candidate[1], -candidate[2].times_seen)
            )
            matches.append(
                Match(
                    player_guid=current.guid,
                    clean_name=current.alias,
                    alias=name.alias,
                    closeness=closeness,
                    likeness=like,
                    times_seen=sum(name.times_seen for name in names),
                    last_seen=max(name.last_seen for name in names),
                )
            )
    return matches


def _holding(text: str, folded: str, name: KnownName, is_current: bool) -> tuple[MatchQuality, float] | None:
    """Compare by equality, prefix and substring."""
    alias = _fold(name.alias)
    found: MatchQuality | None = None
    if text.upper() in (name.guid, name.recorded_guid):
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


def _anybody(text: str, folded: str, name: KnownName, is_current: bool) -> tuple[MatchQuality, float] | None:
    """Match the current name of each player, for a search without text."""
    return (MatchQuality.CONTAINS, 0.0) if is_current else None


def _resembling(text: str, folded: str, name: KnownName, is_current: bool) -> tuple[MatchQuality, float] | None:
    """Compare by similarity; slow, so it is used only if no name contains the text."""
    like = likeness(folded, _fold(name.alias))
    return (MatchQuality.LIKE, like) if like >= _LIKE_ENOUGH else None


def _fold(text: str) -> str:
    """Normalize case, width and outer spaces."""
    return unicodedata.normalize("NFKC", text).casefold().strip()
