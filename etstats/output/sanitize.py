"""Escape text from outside for a terminal, a JSON document, a spreadsheet, or Markdown."""

import re
import unicodedata

from etstats.domain.names import colour_runs

# Characters that act on a terminal: controls, zero-width, bidi overrides, tags; lone surrogates.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# The last four are wide forms that a spreadsheet treats like the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>()#+!|~@"})


# Almost all text: letters, digits and punctuation, without combining marks.
_COMMON = re.compile("[ -~\xa1-\xac\xae-\u02af\u2010-\u2015\u2018-\u201f\u2026]*")
# Invisible letters and symbols, and marks that only change how the previous character is drawn.
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
_MODIFIERS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xFFF0, 0xFFFC), range(0x1F3FB, 0x1F400),
              range(0xE0000, 0xE1000))  # fmt: skip
_BLANKS = {0x2800, 0x3000}
_MARKS_PER_LETTER = 2


def printable(value: object) -> str:
    """Return one line of text without characters that act on a terminal."""
    return "".join(run for _, run in colour_runs(str(value).replace("^", "^^")))


def printable_lines(message: str) -> str:
    """Return text with each line printable."""
    return "\n".join(printable(line) for line in message.split("\n"))


def in_json(document: str) -> str:
    """Return the JSON document with characters that act on a terminal written as escapes."""
    return _UNSEEN.sub(lambda unseen: _escaped(unseen[0]), document)


def in_spreadsheet(cell: str) -> str:
    """Return the cell, marked as text if a spreadsheet would read it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def in_markdown(text: str) -> str:
    """Return the text, printable, with all Markdown characters escaped."""
    return printable_lines(text).translate(_MARKDOWN)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))


def clean(text: str) -> str:
    """Return one line of visible text: white space and line breaks become single spaces.

    Removed are control, bidi, zero-width and filler characters, lone surrogates, variation selectors, and
    combining marks after the second on one letter.
    """
    if _COMMON.fullmatch(text):
        return " ".join(text.split())
    kept: list[str] = []
    marks = _MARKS_PER_LETTER  # a mark without a character before it
    for char in unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()):
        code, category = ord(char), unicodedata.category(char)
        if category[0] == "Z" or char.isspace() or code in _BLANKS:
            kept.append(" ")
            marks = _MARKS_PER_LETTER
        elif (
            category in {"Cc", "Cf", "Cs", "Me"}
            or code in _INVISIBLE
            or any(code in modifier for modifier in _MODIFIERS)
        ):
            continue
        elif category == "Mn":
            marks += 1
            if marks <= _MARKS_PER_LETTER:
                kept.append(char)
        else:
            kept.append("\N{REPLACEMENT CHARACTER}" if category == "Co" else char)
            marks = 0
    return " ".join("".join(kept).split())


def clean_part(text: str) -> str:
    """Return clean text with its leading and trailing space, for concatenation."""
    shown = clean(text)
    if not shown:
        return " " if text[:1].isspace() else ""
    return " " * text[:1].isspace() + shown + " " * text[-1:].isspace()
