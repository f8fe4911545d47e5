"""Which of the known names a mistyped one may have meant."""

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like the word, the likest first, case aside; empty when none is like it at all.

    A name that holds the word counts as very like it, however long it is.
    """
    wanted = word.casefold()
    rated = [(name, 0.8 if wanted and wanted in name.casefold() else 0.0) for name in known]
    rated = [(name, max(least, likeness(wanted, name.casefold()))) for name, least in rated]
    rated.sort(key=lambda pair: (-pair[1], pair[0]))
    return [name for name, ratio in rated[:count] if ratio >= 0.4]


def likeness(one: str, other: str) -> float:
    """How alike two words are, from 0 to 1."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    # The cheap upper bound spares the dear comparison for most of a long list.
    return matcher.ratio() if matcher.quick_ratio() >= 0.4 else 0.0
