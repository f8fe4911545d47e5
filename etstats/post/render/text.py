"""Make text from outside safe for Markdown, code blocks and plain text, limited to a number of columns.

Every function takes raw text and cleans it first.
"""

import re
import unicodedata

from etstats.output.sanitize import clean

ZERO_WIDTH_SPACE = "\u200b"
NO_NAME = "no name"  # shown for a name of invisible characters only
_LEFT_TO_RIGHT = "\u200e"

_EMOJI = range(0x1F300, 0x1FB00)  # wide on every screen, including characters newer than this Python's Unicode

_MARKDOWN = re.compile(r"[\\*_~|`<>\[\]():@#]")
_LIST_START = re.compile(r"^(-|\d+(?=\.))")


def char_columns(char: str) -> int:
    """Return the columns of a character in a fixed-width font: 0, 1 or 2."""
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} or ord(char) in _EMOJI else 1


def columns(text: str) -> int:
    """Return the columns of a text in a fixed-width font."""
    return sum(map(char_columns, text))


def fit(text: str, width: int) -> str:
    """Return clean text of at most `width` columns, truncated with an ellipsis between whole characters."""
    text = clean(text)
    if columns(text) <= width:
        return text
    used, end = 0, 0
    for end, char in enumerate(text):  # noqa: B007  # used after the loop
        used += char_columns(char)
        if used > width - 1:
            break
    return text[:end].rstrip() + "…"


def cell(text: str, width: int) -> str:
    """Return text in exactly `width` columns of a code block, left-aligned; it cannot end the block or ping."""
    shown = fit(text, width) or fit(NO_NAME, width)
    padding = " " * (width - columns(shown))
    return (
        _steady(shown.replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}").replace("@", "@" + ZERO_WIDTH_SPACE))
        + padding
    )


def escape(text: str, width: int = 100) -> str:
    """Return text escaped for Markdown, at most `width` columns."""
    escaped = _MARKDOWN.sub(r"\\\g<0>", fit(text, width) or NO_NAME)
    escaped = _LIST_START.sub(lambda found: "\\-" if found[0] == "-" else found[0] + "\\", escaped)
    escaped = escaped.replace("@", "@" + ZERO_WIDTH_SPACE).replace("\\://", "\\:" + ZERO_WIDTH_SPACE + "//")
    return _steady(escaped)


def plain(text: str, width: int = 100) -> str:
    """Return text for a place without Markdown (footer, author, thread name), at most `width` columns."""
    return _steady(fit(text, width).replace("@", "@" + ZERO_WIDTH_SPACE))


def mss(seconds: int | None) -> str:
    """Return seconds as M:SS (`7:05`, `83:20`); unknown is a dash."""
    return "-" if seconds is None else f"{seconds // 60}:{seconds % 60:02}"


def whole(number: int | None) -> str:
    """Return a number; unknown is a dash."""
    return "-" if number is None else str(number)


def short(number: int) -> str:
    """Return a number in at most five columns: 999, 3.1K, 12.3K, 312K, 1.2M."""
    if number < 1000:
        return str(number)
    for size, letter in ((1000, "K"), (1_000_000, "M")):
        scaled = number / size
        if scaled < 99.95:
            return f"{scaled:.1f}{letter}"
        if scaled < 999.5:
            return f"{scaled:.0f}{letter}"
    return f"{number / 1_000_000:.0f}M"


def _steady(text: str) -> str:
    """Add direction marks, so that right-to-left letters do not reorder the following numbers."""
    if any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in text):
        return _LEFT_TO_RIGHT + text + _LEFT_TO_RIGHT
    return text
