"""Text from outside made harmless for where it is going: a terminal, a JSON document, a spreadsheet, Markdown."""

import re
import unicodedata

from etstats.parser.names import colour_runs

# What acts on a terminal instead of being seen: controls, zero-width, bidi overrides, tags; halves of characters.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# The last four are the wide forms that a spreadsheet takes for the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>()#+!|~@"})


# Letters and symbols that show as nothing, and marks that change only how the character before them is drawn.
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
_MODIFIERS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xFFF0, 0xFFFC), range(0x1F3FB, 0x1F400),
              range(0xE0000, 0xE1000))  # fmt: skip
_BLANKS = {0x2800, 0x3000}
_MARKS_PER_LETTER = 2


def printable(value: object) -> str:
    """One line of text of which what would act on a terminal is dropped."""
    return "".join(run for _, run in colour_runs(str(value).replace("^", "^^")))


def printable_lines(message: str) -> str:
    """Text of several lines, each of them printable."""
    return "\n".join(printable(line) for line in message.split("\n"))


def in_json(document: str) -> str:
    """The same JSON document, with what would act on the terminal that it is read on written as escapes."""
    return _UNSEEN.sub(lambda unseen: _escaped(unseen[0]), document)


def in_spreadsheet(cell: str) -> str:
    """The cell, marked as text where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def in_markdown(text: str) -> str:
    """The text, printable, with every sign that means something to Markdown meaning itself."""
    return printable_lines(text).translate(_MARKDOWN)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def clean(text: str) -> str:
    """One line of visible text: white space and line breaks become single spaces, what cannot be seen is gone.

    Gone are control, bidi, zero-width and filler characters, lone surrogates, variation selectors, and combining
    marks past the second on one letter.
    """
    kept: list[str] = []
    marks = _MARKS_PER_LETTER  # a mark with nothing before it has nothing to sit on
    for char in unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()):
        code, category = ord(char), unicodedata.category(char)
        if category[0] == "Z" or char.isspace() or code in _BLANKS:
            kept.append(" ")
            marks = _MARKS_PER_LETTER
        elif category in {"Cc", "Cf", "Cs", "Me"} or code in _INVISIBLE or any(code in r for r in _MODIFIERS):
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
    """Clean text that keeps a space at either end, for parts that are set next to each other."""
    shown = clean(text)
    if not shown:
        return " " if text[:1].isspace() else ""
    return " " * text[:1].isspace() + shown + " " * text[-1:].isspace()
