"""A Discord message as data: its content, its sizes against Discord's limits, its JSON.

Lengths are in code points of the sent text, including escapes, after trimming, as Discord counts them.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

CONTENT, EMBEDS, TITLE, DESCRIPTION, FIELDS, FIELD_NAME, FIELD_VALUE = 2000, 10, 256, 4096, 25, 256, 1024
FOOTER, AUTHOR, ALL_EMBEDS, THREAD_NAME, FILES = 2048, 256, 6000, 100, 10

_SUPPRESS_NOTIFICATIONS = 1 << 12

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedField:
    """A heading with a text, as wide as the embed."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """A card: `colour` is 0xRRGGBB, `image` the name of an attached picture, `url` the link of the title."""

    title: str
    colour: int
    description: str = ""
    fields: tuple[EmbedField, ...] = ()
    author: str = ""
    footer: str = ""
    timestamp: datetime | None = None
    image: str | None = None
    url: str | None = None

    def length(self) -> int:
        """Return the number of code points of this card, of at most 6000 in a message."""
        texts = [self.title, self.description, self.author, self.footer]
        texts += [text for field in self.fields for text in (field.name, field.value)]
        return sum(len(text.strip()) for text in texts)

    def to_payload(self) -> Json:
        """Return the card as Discord's JSON, without empty values."""
        payload: Json = {"title": self.title, "color": self.colour}
        if self.url:
            payload["url"] = self.url
        if self.description:
            payload["description"] = self.description
        if self.fields:
            payload["fields"] = [
                {"name": field.name, "value": field.value, "inline": False} for field in self.fields
            ]
        if self.author:
            payload["author"] = {"name": self.author}
        if self.footer:
            payload["footer"] = {"text": self.footer}
        if self.timestamp:
            payload["timestamp"] = self.timestamp.astimezone(UTC).isoformat(timespec="seconds")
        if self.image:
            payload["image"] = {"url": f"attachment://{self.image}"}
        return payload


class MessageSize(NamedTuple):
    """A size of a message and Discord's limit."""

    what: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message; it pings only the users whose ids are in `mentions`.

    `attachments` are the names of its pictures. `thread_name` opens a thread in a forum channel.
    `silent` posts without a notification; `username` replaces the webhook's own name.
    """

    embeds: tuple[Embed, ...]
    content: str = ""
    mentions: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    thread_name: str | None = None
    silent: bool = False
    username: str | None = None

    def to_payload(self, *, edit: bool = False) -> Json:
        """Return the JSON to send; for an edit without the fields that only a new message may have."""
        payload: Json = {"content": self.content, "embeds": [embed.to_payload() for embed in self.embeds]}
        payload["allowed_mentions"] = {"parse": [], **({"users": list(self.mentions)} if self.mentions else {})}
        if self.attachments:
            payload["attachments"] = [
                {"id": index, "filename": name} for index, name in enumerate(self.attachments)
            ]
        if not edit and self.thread_name:
            payload["thread_name"] = self.thread_name
        if not edit and self.username:
            payload["username"] = self.username
        if not edit and self.silent:
            payload["flags"] = _SUPPRESS_NOTIFICATIONS
        return payload

    def fingerprint(self) -> str:
        """Return a hash (64 hex digits) of the content; if it differs, a posted message is outdated."""
        shown = json.dumps(self.to_payload(edit=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(shown.encode()).hexdigest()

    def sizes(self) -> tuple[MessageSize, ...]:
        """Return the sizes of the message with their limits, the largest of each kind."""
        return tuple(self._sizes())

    def _sizes(self) -> Iterator[MessageSize]:
        fields = [field for embed in self.embeds for field in embed.fields]
        yield MessageSize("embeds", len(self.embeds), EMBEDS)
        yield MessageSize("text of all embeds", sum(embed.length() for embed in self.embeds), ALL_EMBEDS)
        yield MessageSize("content", len(self.content.strip()), CONTENT)
        yield MessageSize("title", _longest(embed.title for embed in self.embeds), TITLE)
        yield MessageSize("description", _longest(embed.description for embed in self.embeds), DESCRIPTION)
        yield MessageSize("fields", max((len(embed.fields) for embed in self.embeds), default=0), FIELDS)
        yield MessageSize("field name", _longest(field.name for field in fields), FIELD_NAME)
        yield MessageSize("field value", _longest(field.value for field in fields), FIELD_VALUE)
        yield MessageSize("author", _longest(embed.author for embed in self.embeds), AUTHOR)
        yield MessageSize("footer", _longest(embed.footer for embed in self.embeds), FOOTER)
        yield MessageSize("thread name", _longest([self.thread_name or ""]), THREAD_NAME)
        yield MessageSize("files", len(self.attachments), FILES)


def _longest(texts: "Iterator[str] | list[str]") -> int:
    return max((len(text.strip()) for text in texts), default=0)
