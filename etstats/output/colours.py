"""Names in their in-game colours, moved to where they can be read on any ground."""

from functools import cache

from rich.text import Text

from etstats.parser.names import colour_runs

# Between these relative luminances the contrast is 3:1 or better on black and on white (WCAG 2).
_DARKEST, _LIGHTEST = 0.10, 0.30


def coloured(raw: str) -> Text:
    """A player's name in its in-game colours, readable on dark and on light grounds."""
    drawn = Text(no_wrap=True, overflow="ellipsis")
    for colour, run in colour_runs(raw):
        drawn.append(run, style=readable(colour))
    return drawn if drawn.plain.strip() else Text("(no name)", style="dim")


@cache
def readable(colour: str) -> str:
    """The in-game colour moved as little as needed to stand out on black and on white; greys: the default."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    if max(red, green, blue) - min(red, green, blue) < 0.1:
        return "default"
    for _ in range(24):
        luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
        if luminance < _DARKEST:
            red, green, blue = (c + (1 - c) * 0.08 for c in (red, green, blue))
        elif luminance > _LIGHTEST:
            red, green, blue = (c * 0.95 for c in (red, green, blue))
        else:
            break
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
