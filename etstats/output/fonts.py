"""The fonts of the pictures: Noto Sans for all scripts, from packages, independent of the system's fonts."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import manimgx_fonts
import manimgx_fonts_cjk
from PIL import ImageFont

_NOTO = Path(str(manimgx_fonts.__file__)).parent
_SCRIPTS = """Hebrew Arabic Thai Devanagari Armenian Georgian Bengali Tamil Telugu Kannada Malayalam Gujarati
    Gurmukhi Khmer Lao Myanmar Sinhala Ethiopic Oriya""".split()
_FILES = (
    _NOTO / "NotoSans[wght].ttf",
    Path(str(manimgx_fonts_cjk.__file__)).parent / "NotoSansCJK-VF.otf.ttc",
    _NOTO / "NotoEmoji[wght].ttf",
    _NOTO / "NotoSansSymbols[wght].ttf",
    *(_NOTO / f"NotoSans{script}[wght].ttf" for script in _SCRIPTS),
)
"""The fonts, in the order in which they are tried for each character."""

_REGULAR, _BOLD = 400, 700
_PROBE = 24  # size in pixels for comparing glyphs
_UNASSIGNED = "\U0010fffe"
_BOX = "□"


def split(text: str, size: int, *, bold: bool = False) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """Split a text into runs with one font each; a character without a font becomes a box."""
    return [
        ("".join(char for char, _ in group), _font(number, size, bold))
        for number, group in groupby(_numbered(text), key=lambda pair: pair[1])
    ]


@lru_cache(maxsize=4096)
def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """Return the width of a text of this size in pixels."""
    return sum(font.getlength(run) for run, font in split(text, size, bold=bold))


def _numbered(text: str) -> Iterator[tuple[str, int]]:
    """Yield each character with the number of its font; spaces and marks use the font of the character before."""
    number = 0
    for char in text:
        if char != " " and not unicodedata.category(char).startswith("M"):
            found = _font_of(char)
            if found is None:
                yield _BOX, _font_of(_BOX) or 0
                continue
            number = found
        yield char, number


@lru_cache(maxsize=4096)
def _font_of(char: str) -> int | None:
    return next((number for number in range(len(_FILES)) if _has_glyph(number, char)), None)


def _has_glyph(number: int, char: str) -> bool:
    return _glyph(number, char) != _glyph(number, _UNASSIGNED)


@lru_cache(maxsize=1024)
def _glyph(number: int, char: str) -> tuple[bytes, float]:
    font = _font(number, _PROBE, False)
    return bytes(font.getmask(char)), font.getlength(char)


@lru_cache(maxsize=128)
def _font(number: int, size: int, bold: bool) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(_FILES[number], size)
    font.set_variation_by_axes([_BOLD if bold else _REGULAR])
    return font
