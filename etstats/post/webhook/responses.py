"""Classify every response of Discord to a message as one of eight outcomes.

Sent         the message was posted, with this id
RetryAfter   not accepted; send the same again after some seconds
NotAccepted  did not reach Discord: the network or a gateway failed; send it later
Banned       this machine is blocked for minutes: stop sending anything
ChannelRefused      the channel accepts no message now: hold the channel
Permanent    this message will never be accepted; other messages may be
Gone         the webhook (or its thread) was deleted, or its token is wrong
Unknown      the message may have been posted: send it again only on request
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etstats.post.render.text import fit

_REASON_COLUMNS = 300
_BAN_SECONDS = 600.0
_LONGEST_WAIT = 86_400  # Discord never requests more than a day

_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE, _UNKNOWN_WEBHOOK, _WRONG_TOKEN = 10003, 10008, 10015, 50027
_EMPTY_MESSAGE, _INVALID_FORM = 50006, 50035
_NETWORK_BLOCKED = 40333  # "internal network error": Cloudflare blocks this address for minutes
_TOO_MANY_OLD_EDITS = 30046
# Gateway errors: Discord was not reached; 52x are Cloudflare's.
_NEVER_ARRIVED = {408, 502, 503, 521, 522, 523, 525, 526, 530}


@dataclass(frozen=True, slots=True)
class Sent:
    """The message was posted with this id; `channel_id` is the thread's id if it opened one."""

    message_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Discord, or our own rate limit, requires a wait in seconds; `edits_only`: new posts are accepted."""

    seconds: float
    edits_only: bool = False


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The message did not reach Discord, or was rejected unread."""

    reason: str


@dataclass(frozen=True, slots=True)
class Banned:
    """This machine is blocked for some time: send nothing for the given seconds."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """The channel refuses all messages; `code` is Discord's error code."""

    reason: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Permanent:
    """The message violates a rule; `code` is Discord's error code. `is_deleted`: the message was deleted."""

    reason: str
    code: int | None = None

    @property
    def is_deleted(self) -> bool:
        """Return whether an edit failed because the message was deleted."""
        return self.code == _UNKNOWN_MESSAGE


@dataclass(frozen=True, slots=True)
class Gone:
    """The webhook, or only its thread, was deleted, or its token is wrong; `code` is Discord's error code."""

    reason: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message was sent, but no response confirms or rejects it."""

    reason: str


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    """Discord's data of a webhook; ids as text."""

    name: str
    channel_id: str


Failure = RetryAfter | NotAccepted | Banned | ChannelRefused | Permanent | Gone | Unknown
Outcome = Sent | Failure


def log_level(outcome: Outcome) -> int:
    """Return the log level of an outcome: waits are normal, other failures are not."""
    return logging.INFO if isinstance(outcome, (Sent, RetryAfter)) else logging.WARNING


def judge(status: int, headers: Mapping[str, str], body: bytes, webhook_id: str) -> Outcome:
    """Return the outcome of a response; `headers` must be case-insensitive."""
    if 200 <= status < 300:
        return _accepted(read_json(body), webhook_id)
    return judge_failure(status, headers, body)


def judge_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Return the outcome of a response other than success."""
    answer = read_json(body)
    said = answer.get("code")
    code = said if isinstance(said, int) and not isinstance(said, bool) else None
    reason = _reason(status, answer)
    match status:
        case 429:
            failure = _limited(headers, answer, edits_only=code == _TOO_MANY_OLD_EDITS)
        case _ if status in _NEVER_ARRIVED:
            failure = NotAccepted(reason)
        case _ if status >= 500 or status < 300:
            failure = Unknown(reason)
        case _ if status < 400:
            failure = NotAccepted(f"{reason}: a proxy between this machine and Discord redirects")
        case 403 if code in (None, _NETWORK_BLOCKED):
            failure = Banned(_BAN_SECONDS, reason)
        case 401 | 404 if code is None:
            failure = NotAccepted(f"{reason}: the answer does not come from Discord")
        case 404 if code in (_UNKNOWN_WEBHOOK, _UNKNOWN_CHANNEL):
            failure = Gone(reason, code)
        case 401 if code == _WRONG_TOKEN:
            failure = Gone(reason, code)
        case 404 if code == _UNKNOWN_MESSAGE:
            failure = Permanent(reason, code)
        case 400 if code in (_INVALID_FORM, _EMPTY_MESSAGE):
            failure = Permanent(reason, code)
        case 413:
            failure = Permanent(reason, code)
        case _:
            failure = ChannelRefused(reason, code)
    return failure


def retry_after(answer: Mapping[str, object]) -> float | None:
    """Return the seconds in the body of a 429 response, or None."""
    seconds = answer.get("retry_after")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return float(seconds) if 0 <= seconds <= _LONGEST_WAIT else None


def _accepted(answer: Mapping[str, object], webhook_id: str) -> Outcome:
    message_id, channel_id = answer.get("id"), answer.get("channel_id")
    if not _is_id(message_id):
        return Unknown("Discord's answer names no message: whether it was saved is not known")
    if answer.get("webhook_id") != webhook_id:
        return Unknown("the answer is about another webhook's message: whether ours was saved is not known")
    return Sent(str(message_id), str(channel_id) if _is_id(channel_id) else "")


def _limited(headers: Mapping[str, str], answer: Mapping[str, object], *, edits_only: bool) -> Failure:
    seconds = retry_after(answer)
    if seconds is not None:
        return RetryAfter(seconds, edits_only)
    said = headers.get("Retry-After", "")
    wait = float(said) if said.isascii() and said.isdecimal() and len(said) < 6 else 0.0
    if edits_only:
        return RetryAfter(wait or _BAN_SECONDS, edits_only)
    return Banned(max(wait, _BAN_SECONDS), "429 without a time: too many bad requests came from this address")


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20


def read_json(body: bytes) -> dict[str, object]:
    """Return the body as a JSON object; an empty one if it is something else (HTML, truncated text)."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(status: int, answer: Mapping[str, object]) -> str:
    """Return a short safe description of a response: status, Discord's message, and the invalid fields."""
    said = answer.get("message")
    words = [f"Discord answered {status}" + (f" ({said})" if isinstance(said, str) else "")]
    words += _complaints(answer.get("errors"), "", depth=8)
    return "".join(filter(str.isprintable, fit("; ".join(words), _REASON_COLUMNS)))


def _complaints(errors: object, path: str, depth: int) -> Iterator[str]:
    if not isinstance(errors, dict) or not depth:
        return
    for key, value in list(errors.items())[:25]:
        if key == "_errors" and isinstance(value, list):
            yield from (
                f"{path}: {one['message']}" for one in value[:3] if isinstance(one, dict) and "message" in one
            )
        else:
            yield from _complaints(value, f"{path}.{key}".strip("."), depth - 1)
