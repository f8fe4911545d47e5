"""Text from outside made harmless for where it is going: a terminal, a JSON document, a spreadsheet, Markdown."""

import re

from etstats.parser.names import colour_runs

# What acts on a terminal instead of being seen: controls, zero-width, bidi overrides, tags; halves of characters.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# The last four are the wide forms that a spreadsheet takes for the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>()#+!|~@"})


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
