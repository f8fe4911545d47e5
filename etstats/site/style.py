"""The computed part of the style sheet: the game's name colours, readable on light and dark backgrounds."""

from etstats.domain.names import COLOURS
from etstats.site.markup import colour_class

LIGHT_GROUND, DARK_GROUND = "#ecece7", "#252930"
"""The backgrounds of names with the least contrast: a table row under the pointer."""
_CONTRAST = 4.6  # WCAG AA requires 4.5


def stylesheet() -> str:
    """Return the rules for each colour of the game, for both schemes; greys have the colour of the text."""
    colours = sorted(set(COLOURS))
    light = "".join(_rule(colour, LIGHT_GROUND) for colour in colours)
    dark = "".join(_rule(colour, DARK_GROUND) for colour in colours)
    return f"\n{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def readable(colour: str, ground: str) -> str | None:
    """Return the colour moved towards black or white until readable on the background; None for a grey."""
    parts = _parts(colour)
    if max(parts) - min(parts) < 0.1:
        return None
    aim = 0.0 if luminance(ground) > 0.5 else 1.0
    for _ in range(60):
        shown = "#" + "".join(f"{round(part * 255):02x}" for part in parts)
        if contrast(shown, ground) >= _CONTRAST:
            return shown
        parts = [part + (aim - part) * 0.06 for part in parts]
    return None


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (`#rrggbb`), from 0 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rule(colour: str, ground: str) -> str:
    shown = readable(colour, ground)
    return f".{colour_class(colour)}{{color:{shown or 'inherit'}}}\n"


def _parts(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
