"""Which of the known names a mistyped one may have meant."""

import difflib
from collections.abc import Iterable


def closest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like the word, the likest first, case aside; empty when none is like it at all.

    A name that holds the word counts as very like it, however long it is.
    """
    wanted = word.casefold()

    def likeness(name: str) -> float:
        folded = name.casefold()
        ratio = difflib.SequenceMatcher(None, wanted, folded, autojunk=False).ratio()
        return max(ratio, 0.8) if wanted and wanted in folded else ratio

    rated = sorted(((likeness(name), name) for name in known), key=lambda pair: (-pair[0], pair[1]))
    return [name for likeness_, name in rated[:count] if likeness_ >= 0.4]
