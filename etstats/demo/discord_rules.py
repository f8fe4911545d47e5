"""The limits of a webhook message, with Discord's error texts.

Written from Discord's documentation, independently of the sender, so that each can find errors of the other.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

Complaint = tuple[tuple[str, ...], str, str]  # path, Discord's code, Discord's text

_KEYS = {
    *("content", "username", "avatar_url", "tts", "embeds", "allowed_mentions", "components", "attachments"),
    *("flags", "thread_name", "applied_tags", "poll"),
}
_MENTION = re.compile(r"<@!?(\d+)>")
_FLAGS = 4 | 4096 | 32768
_FILE_BYTES, _REQUEST_BYTES = 10 * 2**20, 25 * 2**20


def complaints(payload: Mapping[str, Any], files: Mapping[str, bytes]) -> list[Complaint]:
    """Return all violations of limits; empty: Discord accepts the message."""
    return [
        *_text(("content",), payload.get("content"), 2000),
        *_text(("thread_name",), payload.get("thread_name"), 100),
        *_username(payload.get("username")),
        *_embeds(payload.get("embeds") or []),
        *_mentions(payload.get("allowed_mentions") or {}),
        *_flags(payload.get("flags") or 0),
        *_files(payload.get("attachments") or [], files),
    ]


def is_empty(payload: Mapping[str, Any], files: Mapping[str, bytes]) -> bool:
    """Return whether the message has no content."""
    return not (str(payload.get("content") or "").strip() or payload.get("embeds") or files)


def is_too_large(body: bytes, files: Mapping[str, bytes]) -> bool:
    """Return whether the request or one of its files exceeds the limit in bytes."""
    return len(body) > _REQUEST_BYTES or any(len(content) > _FILE_BYTES for content in files.values())


def nested(found: Iterable[Complaint]) -> dict[str, Any]:
    """Return violations as the nested `errors` of code 50035."""
    errors: dict[str, Any] = {}
    for path, code, words in found:
        place = errors
        for step in path:
            place = place.setdefault(step, {})
        place.setdefault("_errors", []).append({"code": code, "message": words})
    return errors


def breaches(payload: Mapping[str, Any], kept: Iterable[str]) -> Iterator[str]:
    """Return errors that Discord would accept, but etstats must not make; `kept` are the files of the message."""
    if (payload.get("allowed_mentions") or {}).get("parse") != []:
        yield "allowed_mentions.parse is not []"
    yield from (f"the key {key!r} is none of a message's" for key in payload if key not in _KEYS)
    for embed in payload.get("embeds") or []:
        url = (embed.get("image") or {}).get("url", "")
        if url.startswith("attachment://") and url.removeprefix("attachment://") not in kept:
            yield f"{url} is not attached"


def pings(payload: Mapping[str, Any]) -> set[str]:
    """Return the notified user ids, or `everyone`."""
    content, allowed = str(payload.get("content") or ""), payload.get("allowed_mentions")
    if allowed is None:
        allowed = {"parse": ["users", "everyone"]}
    parse = allowed.get("parse") or []
    users = set(_MENTION.findall(content))
    found = users if "users" in parse else users & set(allowed.get("users") or [])
    return found | ({"everyone"} if "everyone" in parse and re.search("@(everyone|here)", content) else set())


def _text(path: tuple[str, ...], text: object, most: int, least: int = 0) -> Iterator[Complaint]:
    if text is None:
        if least:
            yield path, "BASE_TYPE_REQUIRED", "This field is required"
    elif not isinstance(text, str):
        yield path, "STRING_TYPE_CONVERT", "Could not interpret as string."
    elif len(text.strip()) < least:
        yield path, "BASE_TYPE_REQUIRED", "This field is required"
    elif len(text.strip()) > most:
        yield path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length."


def _username(name: object) -> Iterator[Complaint]:
    if name is None:
        return
    yield from _text(("username",), name, 80, least=1)
    for word in ("discord", "clyde"):
        if word in str(name).lower():
            yield ("username",), "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"'


def _embeds(embeds: list[dict[str, Any]]) -> Iterator[Complaint]:
    if len(embeds) > 10:
        yield ("embeds",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length."
    total = 0
    for number, embed in enumerate(embeds):
        at = ("embeds", str(number))
        fields = embed.get("fields") or []
        author, footer = (embed.get("author") or {}).get("name"), (embed.get("footer") or {}).get("text")
        yield from _text((*at, "title"), embed.get("title"), 256)
        yield from _text((*at, "description"), embed.get("description"), 4096)
        yield from _text((*at, "author", "name"), author, 256)
        yield from _text((*at, "footer", "text"), footer, 2048)
        yield from _looks(at, embed)
        if len(fields) > 25:
            yield (*at, "fields"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."
        for place, field in enumerate(fields):
            yield from _text((*at, "fields", str(place), "name"), field.get("name"), 256, least=1)
            yield from _text((*at, "fields", str(place), "value"), field.get("value"), 1024, least=1)
        texts = [embed.get("title"), embed.get("description"), author, footer]
        texts += [field.get(key) for field in fields for key in ("name", "value")]
        total += sum(len(str(text).strip()) for text in texts if text)
    if total > 6000:
        yield ("embeds",), "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000"


def _looks(at: tuple[str, ...], embed: Mapping[str, Any]) -> Iterator[Complaint]:
    colour = embed.get("color", 0)
    if not isinstance(colour, int) or not 0 <= colour <= 0xFFFFFF:
        yield (*at, "color"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215."
    url = (embed.get("image") or {}).get("url")
    if url is not None and not str(url).startswith(("http://", "https://", "attachment://")):
        yield (
            (*at, "image", "url"),
            "URL_TYPE_INVALID_SCHEME",
            f'Scheme "{str(url)[:20]}" must be one of http, https.',
        )
    try:
        datetime.fromisoformat(embed.get("timestamp") or "2025-01-01T00:00:00Z")
    except (TypeError, ValueError):
        yield (*at, "timestamp"), "DATE_TYPE_PARSE", "Could not parse. Should be ISO8601."


def _mentions(allowed: Mapping[str, Any]) -> Iterator[Complaint]:
    parse, users = allowed.get("parse") or [], allowed.get("users") or []
    if not set(parse) <= {"roles", "users", "everyone"}:
        yield ("allowed_mentions", "parse"), "BASE_TYPE_CHOICES", "Value must be one of roles, users, everyone."
    if "users" in parse and users:
        yield ("allowed_mentions",), "MUTUALLY_EXCLUSIVE", "parse:users and users are mutually exclusive."
    if len(users) > 100:
        yield ("allowed_mentions", "users"), "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length."
    for number, user in enumerate(users):
        if not str(user).isdecimal():
            yield (
                ("allowed_mentions", "users", str(number)),
                "NUMBER_TYPE_COERCE",
                f'Value "{user}" is not snowflake.',
            )


def _flags(flags: object) -> Iterator[Complaint]:
    if not isinstance(flags, int) or flags & ~_FLAGS:
        yield ("flags",), "BASE_TYPE_BAD_INT", "Value is not a set of known flags."


def _files(attachments: list[dict[str, Any]], files: Mapping[str, bytes]) -> Iterator[Complaint]:
    if len(files) > 10:
        yield ("attachments",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length."
    new = [str(one.get("id")) for one in attachments if len(str(one.get("id"))) < 10]
    if attachments and sorted(new) != [str(number) for number in range(len(files))]:
        yield ("attachments",), "ATTACHMENT_NOT_FOUND", "Attachment data not found"
