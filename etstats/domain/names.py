"""Player names: `^` and any character but `^` sets a colour, `^^` is a literal caret.

The colours are the 32 of the game's own table (`g_color_table`, q_math.c of the released game source).
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_CODE = re.compile(r"\^\^|\^(.)", re.DOTALL)
_WHITE = "#ffffff"
COLOURS = (
    "#000000 #ff0000 #00ff00 #ffff00 #0000ff #00ffff #ff00ff #ffffff "
    "#ff8000 #808080 #c0c0c0 #c0c0c0 #008000 #808000 #000080 #800000 "
    "#804000 #ff991a #008080 #800080 #0080ff #8000ff #3399cc #ccffcc "
    "#006633 #ff0033 #b31a1a #993300 #cc9933 #999933 #ffffc0 #ffff80"
).split()


@lru_cache(maxsize=4096)  # the same players occur in many files
def clean_name(raw: str) -> str:
    """Return the name without colour codes, unprintable characters and outer spaces."""
    return "".join(text for _, text in colour_runs(raw)).strip()


def colour_runs(raw: str) -> tuple[tuple[str, str], ...]:
    """Return the name as (`#rrggbb`, text) runs in the game's colours, without unprintable characters."""
    runs: list[tuple[str, str]] = []
    colour, start = _WHITE, 0
    for code in _CODE.finditer(raw):
        _append(runs, colour, raw[start : code.start()])
        start = code.end()
        if code[1] is None:
            _append(runs, colour, "^")
        else:
            colour = COLOURS[(ord(code[1]) - ord("0")) % len(COLOURS)]
    _append(runs, colour, raw[start:])
    return tuple(runs)


def coded_name(runs: Iterable[tuple[str, str]]) -> str:
    """Return the raw name of these runs, the inverse of `colour_runs`."""
    return "".join(
        f"^{chr(ord('0') + COLOURS.index(colour))}{text.replace('^', '^^')}" for colour, text in runs if text
    )


def visible_text(text: str) -> str:
    """Return a text without controls, bidi overrides and zero-width characters."""
    # They control the terminal or page instead of being visible.
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))


def _append(runs: list[tuple[str, str]], colour: str, text: str) -> None:
    text = visible_text(text)
    if text and runs and runs[-1][0] == colour:
        runs[-1] = (colour, runs[-1][1] + text)
    elif text:
        runs.append((colour, text))
