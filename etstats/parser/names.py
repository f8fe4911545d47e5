"""Player names: `^` and any character but `^` sets a colour, `^^` is a literal caret.

The colours are the 32 of the game's own table (`g_color_table`, q_math.c of the released game source).
"""

import re
import unicodedata
from functools import lru_cache

_CODE = re.compile(r"\^\^|\^(.)", re.DOTALL)
_WHITE = "#ffffff"
COLOURS = (
    "#000000 #ff0000 #00ff00 #ffff00 #0000ff #00ffff #ff00ff #ffffff "
    "#ff8000 #808080 #c0c0c0 #c0c0c0 #008000 #808000 #000080 #800000 "
    "#804000 #ff991a #008080 #800080 #0080ff #8000ff #3399cc #ccffcc "
    "#006633 #ff0033 #b31a1a #993300 #cc9933 #999933 #ffffc0 #ffff80"
).split()


@lru_cache(maxsize=4096)  # the same people, file after file
def clean_name(raw: str) -> str:
    """The name as people write it: no colour codes, nothing unprintable, no outer spaces."""
    return "".join(text for _, text in colour_runs(raw)).strip()


def colour_runs(raw: str) -> tuple[tuple[str, str], ...]:
    """The name as (`#rrggbb`, text) runs in the game's colours; unprintable characters are dropped."""
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


def _append(runs: list[tuple[str, str]], colour: str, text: str) -> None:
    if not text.isascii() or not text.isprintable():
        # Controls, bidi overrides and zero-width characters would act on the terminal or page, not be seen.
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    if text and runs and runs[-1][0] == colour:
        runs[-1] = (colour, runs[-1][1] + text)
    elif text:
        runs.append((colour, text))
