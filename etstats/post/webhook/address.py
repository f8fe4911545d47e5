"""Parse the address of a webhook, convert it to the current API, and redact it."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, urlsplit

from etstats.errors import InvalidValueError

API = "/api/v10/webhooks"

_DISCORD = {"discord.com", "discordapp.com"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_OTHERS = {
    "slack.com": "Slack",
    "office.com": "Microsoft Teams",
    "telegram.org": "Telegram",
    "guilded.gg": "Guilded",
}
_PATH = re.compile(r"/api(?:/v\d{1,2})?/webhooks/(\d{1,20})/([\w-]{1,100})/?", re.ASCII)
_IN_TEXT = re.compile(r"(webhooks/\d+/)[^/?#\s\"')]+")
_EXPECTED = "expected https://discord.com/api/webhooks/ID/TOKEN, as Discord's 'Copy Webhook URL' gives it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to post: `origin` (scheme, host, port), the webhook's id and its secret token, a thread or None."""

    origin: str
    webhook_id: str
    token: str = field(repr=False)
    thread_id: str | None = None

    def url(self, path: str = "") -> str:
        """Return the URL including the secret token; `path` is appended after the token."""
        return f"{self.origin}{API}/{self.webhook_id}/{self.token}{path}"


def redact(text: str) -> str:
    """Return the text with the tokens of all webhook addresses removed."""
    return _IN_TEXT.sub(r"\1***", text)


def parse_address(url: str, thread_id: str | None = None) -> Address:
    """Parse a webhook URL; a `thread_id` in its query is used unless one is given.

    Any Discord host, API version or scheme becomes https://discord.com and v10. A loopback host is kept, for a
    stand-in. Raises InvalidValueError, which quotes at most the host of the URL.
    """
    url = url.strip().strip("<>\"'")
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        origin = _origin(parts)
    except ValueError:
        raise InvalidValueError(f"the webhook URL cannot be read: {_EXPECTED}") from None
    found = _PATH.fullmatch(parts.path)
    if not found:
        hint = (
            " (leave out the /slack or /github at its end)" if parts.path.endswith(("/slack", "/github")) else ""
        )
        raise InvalidValueError(f"the webhook URL has no webhook id and token{hint}: {_EXPECTED}")
    thread = thread_id or next(iter(parse_qs(parts.query).get("thread_id", [])), None)
    if thread is not None and not (thread.isascii() and thread.isdecimal()):
        raise InvalidValueError("the webhook's thread_id is not a number: copy it with Discord's 'Copy Thread ID'")
    return Address(origin=origin, webhook_id=found[1], token=found[2], thread_id=thread)


def _origin(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if host in _DISCORD or host.endswith((".discord.com", ".discordapp.com")):
        return "https://discord.com"
    if host in _LOOPBACK and parts.scheme in {"http", "https"}:
        shown = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{shown}:{parts.port}" if parts.port else f"{parts.scheme}://{shown}"
    service = next((name for domain, name in _OTHERS.items() if f".{host}".endswith(f".{domain}")), None)
    # Another word without a dot may be the token.
    shown = host if "." in host or host in _LOOPBACK else "nowhere"
    whose = f"is a webhook of {service}" if service else f"points to {shown}"
    raise InvalidValueError(f"the webhook URL {whose}, not to Discord: {_EXPECTED}")
