"""Print a Discord message in the terminal for `post --dry-run`: the card, and its sizes with the limits."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path

from rich.text import Text

from etstats.output.consoles import out
from etstats.post.render.message import Message
from etstats.post.render.preview import Card, Line, Preview, Style, preview

_STYLES: dict[Style, str] = {
    "text": "",
    "bold": "bold",
    "code": "on grey11",
    "moment": "underline",
    "mention": "bold blue",
}
_FULL, _NEARLY = 1.0, 0.85


def draw(message: Message, pictures: Mapping[str, Path] | None = None, zone: tzinfo = UTC) -> None:
    """Print a message on stdout; `pictures` has the paths of its pictures, `zone` is the reader's."""

    shown = preview(message, zone)
    for line in shown.content:
        out().print(_styled(line), soft_wrap=True)
    for card in shown.cards:
        for text in _card(card, pictures or {}):
            out().print(Text.assemble(("▌ ", card.colour), text), soft_wrap=True)
    out().print(_sizes(shown))


def _card(card: Card, pictures: Mapping[str, Path]) -> list[Text]:
    """Return the lines of a card, top to bottom."""

    lines = [Text(card.author, style="bold dim")] if card.author else []
    lines.append(_styled(card.title, "bold"))
    for block in card.blocks:
        if block.name:
            lines += [Text(), _styled(block.name, "bold")]
        lines += [_styled(line) for line in block.lines]
    if card.image:
        lines += [Text(), Text(f"picture: {pictures.get(card.image, card.image)}", style="italic")]
    return lines + [Text(line, style="dim") for line in card.footer]


def _styled(line: Line, style: str = "") -> Text:
    text = Text(style=style)
    for span in line:
        text.append(span.text, style=_STYLES[span.style])
    return text


def _sizes(shown: Preview) -> Text:
    """Return each size above 0 with its limit: yellow if nearly full, red if Discord would refuse it."""

    text = Text.assemble(("sizes: ", "dim"))
    for what, used, limit in (size for size in shown.sizes if size.used):
        share = used / limit
        style = "bold red" if share > _FULL else "yellow" if share > _NEARLY else "dim"
        text.append(f"{what} {used}/{limit}", style=style).append("  ")
    return text
