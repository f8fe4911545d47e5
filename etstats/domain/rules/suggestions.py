"""Suggest known names for a mistyped one."""

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names similar to the word, most similar first, ignoring case.

    A name that contains the word counts as very similar.
    """
    wanted = word.casefold()
    rated = [(name, 0.8 if wanted and wanted in name.casefold() else 0.0) for name in known]
    rated = [(name, max(least, likeness(wanted, name.casefold()))) for name, least in rated]
    rated.sort(key=lambda pair: (-pair[1], pair[0]))
    return [name for name, ratio in rated[:3] if ratio >= 0.4]


def likeness(one: str, other: str) -> float:
    """Return the similarity of two words, from 0 to 1."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    # The fast upper bound avoids the slow comparison for most names.
    return matcher.ratio() if matcher.quick_ratio() >= 0.4 else 0.0
