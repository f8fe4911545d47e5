"""A message as Discord shows it: without escapes, with styles and sizes as data.

It parses only what `render` writes: bold, escapes, code blocks, moments and mentions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal, NamedTuple

from etstats.post.render.message import Embed, Message, MessageSize

Style = Literal["text", "bold", "code", "moment", "mention"]

_FENCE = "```"
_TOKEN = re.compile(r"\\([^0-9A-Za-z\s])|(\*\*)|<t:(\d+):\w>|<@(\d+)>|([^\\*<]+|.)", re.DOTALL)
_MARKS = str.maketrans("", "", "\u200b\u200e")  # inserted by `text.py`; not needed in a terminal


class StyledText(NamedTuple):
    """A run of text in one style."""

    text: str
    style: Style = "text"


Line = tuple[StyledText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A heading (may be empty) and its lines."""

    name: Line
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A displayed embed; `colour` is #rrggbb, `image` the name of its picture."""

    colour: str
    author: str
    title: Line
    blocks: tuple[Block, ...]
    image: str | None
    footer: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A displayed message, and its sizes with the limits."""

    content: tuple[Line, ...]
    cards: tuple[Card, ...]
    sizes: tuple[MessageSize, ...]


def preview(message: Message, zone: tzinfo = UTC) -> Preview:
    """Return the message as Discord shows it to a reader in this time zone."""
    return Preview(
        content=_lines(message.content, zone),
        cards=tuple(_card(embed, zone) for embed in message.embeds),
        sizes=message.sizes(),
    )


def _card(embed: Embed, zone: tzinfo) -> Card:
    blocks = [Block(name=(), lines=_lines(embed.description, zone))]
    for field in embed.fields:
        name = next(iter(_lines(field.name, zone)), ())
        blocks.append(Block(name=name, lines=_lines(field.value, zone)))
    footer = embed.footer.translate(_MARKS).splitlines()
    if embed.timestamp:
        footer.append(_moment(embed.timestamp, zone))
    return Card(
        colour=f"#{embed.colour:06x}",
        author=embed.author.translate(_MARKS),
        title=tuple(_spans(embed.title, zone)),
        blocks=tuple(blocks),
        image=embed.image,
        footer=tuple(footer),
    )


def _lines(text: str, zone: tzinfo) -> tuple[Line, ...]:
    """Return the lines of a Markdown text; lines between two fences are code."""
    found: list[Line] = []
    is_code = False
    for line in text.split("\n") if text else ():
        if line == _FENCE:
            is_code = not is_code
        elif is_code:
            found.append((StyledText(line.translate(_MARKS), "code"),))
        else:
            found.append(tuple(_spans(line, zone)))
    return tuple(found)


def _spans(line: str, zone: tzinfo) -> Iterator[StyledText]:
    is_bold = False
    for escaped, bold, moment, user, plain in _TOKEN.findall(line):
        if bold:
            is_bold = not is_bold
        elif moment:
            yield StyledText(_moment(datetime.fromtimestamp(int(moment), UTC), zone), "moment")
        elif user:
            yield StyledText(f"@{user}", "mention")
        elif text := (escaped or plain).translate(_MARKS):
            yield StyledText(text, "bold" if is_bold else "text")


def _moment(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
