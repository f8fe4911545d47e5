"""Draw pictures on a dark background: rounded boxes, lines and text. x is right, y is down, in pixels."""

import re
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Literal

from PIL import Image, ImageDraw

from etstats.output.fonts import split, text_width
from etstats.output.sanitize import clean, clean_part

WIDTH = 1080
GROUND, PANEL, RULE, INK, MUTED = "#12141a", "#1b1f28", "#2c323f", "#eceff5", "#8d96a8"
TEAM_COLOURS = {1: "#37c6b4", 2: "#e879a6"}
GOLD, GOOD, BAD = "#f5c542", "#57d38c", "#ef6a5b"

Align = Literal["left", "center", "right"]

_SMOOTH = 4  # shapes are drawn at this scale and reduced, for antialiasing
_CAPITAL = 0.357  # half the height of a capital letter of Noto Sans, in units of the font size
_FAINT = 90  # opacity of background lines, of 255
_COMPRESSION = 3  # of 9: twice as fast as the default, with 10 % larger files
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_DARKEST = 0.2  # relative luminance: contrast 4:1 against the background; pure red is just above


class Canvas:
    """A picture, WIDTH pixels wide and `height` high."""

    def __init__(self, height: float) -> None:
        self.height = round(height)
        self._image = Image.new("RGB", (WIDTH, self.height), GROUND)
        self._draw = ImageDraw.Draw(self._image)

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, radius: float) -> None:
        """Draw a filled rectangle from its upper left corner, with corners rounded by `radius`."""
        size = max(1, round(width)), max(1, round(height))
        self._image.paste(colour, (round(x), round(y)), _rounded(size, radius))

    def line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float,
        *,
        dots: float = 0,
        faint: bool = False,
    ) -> None:
        """Draw a line through points, with a dot on each, `dots` pixels wide."""
        margin = int(max(width, dots)) + 2
        xs, ys = zip(*points, strict=True)
        left, top = int(min(xs)) - margin, int(min(ys)) - margin
        right, bottom = int(max(xs)) + margin, int(max(ys)) + margin
        mask = Image.new("L", (_SMOOTH * (right - left), _SMOOTH * (bottom - top)))
        draw = ImageDraw.Draw(mask)
        ink = _FAINT if faint else 255
        scaled = [(_SMOOTH * (across - left), _SMOOTH * (down - top)) for across, down in points]
        draw.line(scaled, ink, round(_SMOOTH * width), joint="curve")
        for point in scaled:
            draw.circle(point, _SMOOTH * max(dots, width) / 2, ink)
        self._image.paste(colour, (left, top), mask.reduce(_SMOOTH))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str = INK,
        *,
        bold: bool = False,
        align: Align = "left",
        width: float = WIDTH,
    ) -> float:
        """Draw a line of text `size` pixels high, vertically centred at `y`; `align` is the part at `x`.

        Returns the width in pixels.
        """
        shown = _within(clean(text), round(size), width, bold=bold)
        used = text_width(shown, round(size), bold=bold)
        self._text(x - used * {"left": 0, "center": 0.5, "right": 1}[align], y, shown, size, colour, bold=bold)
        return used

    def label(self, x: float, y: float, text: str, size: float, width: float) -> None:
        """Draw a rotated label that ends at `x`, `y`, at most `width` pixels long."""
        shown = _within(clean(text), round(size), width)
        used = round(text_width(shown, round(size))) + 1
        mask = Image.new("L", (used, round(1.6 * size)))
        left = 0.0
        for run, font in split(shown, round(size)):
            ImageDraw.Draw(mask).text((left, 1.1 * size), run, 255, font, anchor="ls")
            left += font.getlength(run)
        turned = mask.rotate(35, Image.Resampling.BICUBIC, expand=True)
        self._image.paste(MUTED, (round(x) - turned.width, round(y)), turned)

    def runs(
        self, x: float, y: float, runs: Sequence[tuple[str, str]], size: float, width: float, *, bold: bool = False
    ) -> float:
        """Draw the parts of a name, each in its colour, truncated to `width` pixels with an ellipsis.

        Returns the width in pixels.
        """
        start, end = x, x + width
        for colour, raw in runs:
            part = clean_part(raw)
            shown = _within(part, round(size), end - x, bold=bold)
            self._text(x, y, shown, size, readable(colour), bold=bold)
            x += text_width(shown, round(size), bold=bold)
            if shown != part:
                break
        return x - start

    def png(self) -> bytes:
        """Return the picture as PNG bytes."""
        out = BytesIO()
        self._image.save(out, "PNG", compress_level=_COMPRESSION)
        return out.getvalue()

    def _text(self, x: float, y: float, text: str, size: float, colour: str, *, bold: bool) -> None:
        for run, font in split(text, round(size), bold=bold):
            self._draw.text((x, y + _CAPITAL * size), run, colour, font, anchor="ls")
            x += font.getlength(run)


def readable(colour: str) -> str:
    """Return the colour, lightened if too dark for the background; the text colour if not #rrggbb."""
    if not _HEX.fullmatch(colour):
        return INK
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    while 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < _DARKEST:
        red, green, blue = (part + (1 - part) * 0.04 for part in (red, green, blue))
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _within(text: str, size: int, width: float, *, bold: bool = False) -> str:
    """Return the text, truncated to `width` pixels with an ellipsis."""
    text = text[:200]  # more never fits; limits the binary search
    if text_width(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle] + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"


@lru_cache(maxsize=64)
def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    """Return a mask of a rectangle with rounded corners."""
    large = size[0] * _SMOOTH, size[1] * _SMOOTH
    mask = Image.new("L", large)
    radius = min(radius * _SMOOTH, *(side / 2 for side in large))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, large[0] - 1, large[1] - 1), radius, fill=255)
    return mask.reduce(_SMOOTH)
