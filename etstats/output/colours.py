"""Names in their in-game colours, adjusted to be readable on any background."""

from functools import cache

from etstats.domain.names import colour_runs

# Between these relative luminances the contrast is at least 3:1 on black and on white (WCAG 2).
_DARKEST, _LIGHTEST = 0.10, 0.30


def coloured(raw: str) -> list[tuple[str, str]]:
    """Return a player's name as (text, style) runs in in-game colours, readable on dark and light backgrounds."""
    runs = [(run, readable(colour)) for colour, run in colour_runs(raw)]
    return runs if any(run.strip() for run, _ in runs) else [("(no name)", "dim")]


@cache
def readable(colour: str) -> str:
    """Return the in-game colour, adjusted to be readable on black and on white; for greys the default."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    if max(red, green, blue) - min(red, green, blue) < 0.1:
        return "default"
    for _ in range(24):
        luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
        if luminance < _DARKEST:
            red, green, blue = (channel + (1 - channel) * 0.08 for channel in (red, green, blue))
        elif luminance > _LIGHTEST:
            red, green, blue = (channel * 0.95 for channel in (red, green, blue))
        else:
            break
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
