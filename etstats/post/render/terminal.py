"""A Discord message drawn in the terminal, as `post --dry-run` does it: the card, its sizes against the limits."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from etstats.output.consoles import out
from etstats.post.render.message import Message
from etstats.post.render.preview import Card, Line, Preview, Style, preview

if TYPE_CHECKING:
    from rich.text import Text

_STYLES: dict[Style, str] = {
    "text": "",
    "bold": "bold",
    "code": "on grey11",
    "moment": "underline",
    "mention": "bold blue",
}
_FULL, _NEARLY = 1.0, 0.85


def draw(message: Message, pictures: Mapping[str, Path] | None = None, zone: tzinfo = UTC) -> None:
    """Draw a message on stdout; `pictures` says where those that it names were written, `zone` is the reader's."""
    from rich.text import Text

    shown = preview(message, zone)
    for line in shown.content:
        out().print(_styled(line), soft_wrap=True)
    for card in shown.cards:
        for text in _card(card, pictures or {}):
            out().print(Text.assemble(("▌ ", card.colour), text), soft_wrap=True)
    out().print(_sizes(shown))


def _card(card: Card, pictures: Mapping[str, Path]) -> "list[Text]":
    """The lines of a card, top to bottom."""
    from rich.text import Text

    lines = [Text(card.author, style="bold dim")] if card.author else []
    lines.append(_styled(card.title, "bold"))
    for block in card.blocks:
        if block.name:
            lines += [Text(), _styled(block.name, "bold")]
        lines += [_styled(line) for line in block.lines]
    if card.image:
        lines += [Text(), Text(f"picture: {pictures.get(card.image, card.image)}", style="italic")]
    return lines + [Text(line, style="dim") for line in card.footer]


def _styled(line: Line, style: str = "") -> "Text":
    from rich.text import Text

    text = Text(style=style)
    for span in line:
        text.append(span.text, style=_STYLES[span.style])
    return text


def _sizes(shown: Preview) -> "Text":
    """Each size that is not nothing against its limit: yellow when nearly full, red when Discord refuses it."""
    from rich.text import Text

    text = Text.assemble(("sizes: ", "dim"))
    for what, used, limit in (size for size in shown.sizes if size.used):
        share = used / limit
        style = "bold red" if share > _FULL else "yellow" if share > _NEARLY else "dim"
        text.append(f"{what} {used}/{limit}", style=style).append("  ")
    return text
