"""A dark sheet of pixels to draw on, with text that is only ever text: matplotlib's drawing, without its charts.

x runs right, y runs down, both in pixels. Only matplotlib's own font is used, so that a picture looks the same on
every machine; a character that it lacks becomes a box.
"""

import io
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from etstats.post.render.text import clean

WIDTH = 1080
GROUND, PANEL, RULE, INK, MUTED = "#12141a", "#1b1f28", "#2c323f", "#eceff5", "#8d96a8"

Align = Literal["left", "center", "right"]

_DPI = 100
_BOX = "□"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_FILES = {False: str(_FONTS / "DejaVuSans.ttf"), True: str(_FONTS / "DejaVuSans-Bold.ttf")}
_DARKEST = 0.2  # relative luminance: 4:1 against the ground, and pure red just passes


class Canvas:
    """One picture in the making, WIDTH pixels wide and `height` high."""

    def __init__(self, height: int) -> None:
        self.height = height
        self._figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=GROUND)
        self._painter = FigureCanvasAgg(self._figure)

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, radius: float) -> None:
        """A filled rectangle from its upper left corner, its corners rounded by `radius`."""
        radius = min(radius, width / 2, height / 2)
        corner = (x + radius, self.height - y - height + radius)
        style = f"round,pad={radius}"
        inner = (width - 2 * radius, height - 2 * radius)
        shape = FancyBboxPatch(corner, *inner, boxstyle=style, linewidth=0, facecolor=colour)
        shape.set_transform(None)
        self._figure.add_artist(shape)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float,
        *,
        dots: float = 0,
        faint: bool = False,
    ) -> None:
        """A line through points, with a dot of so many pixels on each."""
        line = Line2D(
            [x for x, _ in points],
            [self.height - y for _, y in points],
            color=colour,
            linewidth=width * 72 / _DPI,
            alpha=0.35 if faint else 1.0,
            solid_joinstyle="round",
            solid_capstyle="round",
            marker="o" if dots else None,
            markersize=dots * 72 / _DPI,
            markeredgewidth=0,
        )
        line.set_transform(None)
        self._figure.add_artist(line)

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
    ) -> None:
        """One line of text `size` pixels high, its middle at `y`; `align` says what of it stands at `x`."""
        shown = _within(drawable(clean(text), bold=bold), size, width, bold=bold)
        self._text(x, y, shown, size, colour, bold=bold, align=align)

    def label(self, x: float, y: float, text: str, size: float, width: float) -> None:
        """A quiet label that rises to end at `x`, `y`, at most `width` pixels long."""
        self._text(x, y, _within(drawable(clean(text)), size, width), size, MUTED, align="right", rotation=35)

    def runs(
        self, x: float, y: float, runs: Sequence[tuple[str, str]], size: float, width: float, *, bold: bool = False
    ) -> None:
        """Parts of a name, each in its colour, one after the other; what is past `width` pixels is an ellipsis."""
        end = x + width
        for colour, raw in runs:
            part = drawable(visible(raw), bold=bold)
            whole = text_width(part, size, bold=bold)
            self._text(x, y, _within(part, size, end - x, bold=bold), size, readable(colour), bold=bold)
            x += whole
            if x > end:
                return

    def png(self) -> bytes:
        """The picture as a PNG file."""
        out = io.BytesIO()
        self._painter.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]  # savefig asks rc
        return out.getvalue()

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str,
        *,
        bold: bool = False,
        align: Align = "left",
        rotation: float = 0,
    ) -> None:
        if not text.strip():
            return
        artist = Text(
            x,
            self.height - y,
            text,
            color=colour,
            fontproperties=FontProperties(fname=_FILES[bold], size=size * 72 / _DPI),
            horizontalalignment=align,
            verticalalignment="top" if rotation else "center_baseline",
            rotation=rotation,
            rotation_mode="anchor",
            parse_math=False,
            usetex=False,
        )
        artist.set_transform(None)
        self._figure.add_artist(artist)


def visible(text: str) -> str:
    """Clean text that keeps a space at either end, for parts that are set next to each other."""
    shown = clean(text)
    if not shown:
        return " " if text[:1].isspace() else ""
    return " " * text[:1].isspace() + shown + " " * text[-1:].isspace()


def readable(colour: str) -> str:
    """The colour, lightened where it would drown in the dark ground; anything but #rrggbb is the ink."""
    if not _HEX.fullmatch(colour):
        return INK
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    while 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 < _DARKEST:
        red, green, blue = (part + (1 - part) * 0.04 for part in (red, green, blue))
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def drawable(text: str, *, bold: bool = False) -> str:
    """The text with a box for every character that the font lacks."""
    known = _characters(bold)
    return "".join(char if ord(char) in known else _BOX for char in text)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How many pixels wide a text of this size is."""
    return size * sum(_advance(char, bold) for char in text)


def _within(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits `width` pixels with an ellipsis."""
    if text_width(text, size, bold=bold) <= width:
        return text
    used = text_width("…", size, bold=bold)
    for end, char in enumerate(text):
        used += text_width(char, size, bold=bold)
        if used > width:
            return text[:end] + "…"
    return text


@lru_cache(maxsize=2)
def _characters(bold: bool) -> frozenset[int]:
    return frozenset(_font(bold).get_charmap())


@lru_cache(maxsize=4096)
def _advance(char: str, bold: bool) -> float:
    """The width of a character in units of the font's size."""
    font = _font(bold)
    font.set_size(100, 72)
    return float(font.load_char(ord(char)).linearHoriAdvance) / 65536 / 100


def _font(bold: bool) -> FT2Font:
    return get_font(_FILES[bold])
