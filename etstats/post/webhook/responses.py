"""What became of a message: every answer of Discord's, judged into one of seven outcomes.

Sent         it stands in the channel, with this id
RetryAfter   not accepted; send the same again after some seconds
NotAccepted  not taken, and not by Discord's will: the network, a gateway; later
Banned       no answer before minutes have passed: stop sending anything
Permanent    this message will never be taken
Gone         this webhook (or its thread) will never take any message again
Unknown      it may have been posted: send it again only on request
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etstats.post.render.text import fit

_REASON_COLUMNS = 300
_BAN_SECONDS = 600.0
_LONGEST_WAIT = 86_400  # Discord never answers with more than a day

_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE = 10003, 10008
_TOO_MANY_OLD_EDITS = 30046
# Gateways in front of Discord that say that they did not reach it; 52x are Cloudflare's.
_NEVER_ARRIVED = {408, 502, 503, 521, 522, 523, 525, 526, 530}


@dataclass(frozen=True, slots=True)
class Sent:
    """The message was posted with this id; `channel_id` is the thread's own id where it opened one."""

    message_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Discord, or our own rate limit, requires a wait in seconds; `edits_only`: new posts are accepted."""

    seconds: float
    edits_only: bool = False


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The message did not reach Discord, or was turned away unread."""

    reason: str


@dataclass(frozen=True, slots=True)
class Banned:
    """This machine is blocked for some time: send nothing for the given seconds."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Permanent:
    """The message breaks a rule; `code` is Discord's own number. `is_deleted`: the message to edit was deleted."""

    reason: str
    code: int | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether an edit failed because somebody deleted the message."""
        return self.code == _UNKNOWN_MESSAGE


@dataclass(frozen=True, slots=True)
class Gone:
    """The webhook was deleted or its token is wrong; `is_thread`: only the thread was deleted."""

    reason: str
    code: int | None = None

    @property
    def is_thread(self) -> bool:
        """Whether the webhook may still post elsewhere."""
        return self.code == _UNKNOWN_CHANNEL


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message was handed over and no answer came that says what became of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    """What Discord says of a webhook; ids as text."""

    name: str
    channel_id: str
    guild_id: str


Failure = RetryAfter | NotAccepted | Banned | Permanent | Gone | Unknown
Outcome = Sent | Failure


def judge(status: int, headers: Mapping[str, str], body: bytes, webhook_id: str) -> Outcome:
    """What an answer to a message means; `headers` must not mind the case of a name."""
    if 200 <= status < 300:
        return _accepted(read_json(body), webhook_id)
    return judge_failure(status, headers, body)


def judge_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Return the meaning of an answer other than success."""
    answer = read_json(body)
    said = answer.get("code")
    code = said if isinstance(said, int) and not isinstance(said, bool) else None
    reason = _reason(status, answer)
    match status:
        case 429:
            failure = _limited(headers, answer, edits_only=code == _TOO_MANY_OLD_EDITS)
        case _ if status in _NEVER_ARRIVED:
            failure = NotAccepted(reason)
        case _ if status >= 500:
            failure = Unknown(reason)
        case _ if 300 <= status < 400:
            failure = NotAccepted(f"{reason}: something between here and Discord redirects")
        case 401 | 403 | 404 if code is not None and code != _UNKNOWN_MESSAGE:
            failure = Gone(reason, code)
        case 403 if code is None:
            failure = Banned(_BAN_SECONDS, reason)
        case 401 | 404 if code is None:
            failure = NotAccepted(f"{reason}: the answer is not Discord's")
        case _:
            failure = Permanent(reason, code)
    return failure


def retry_after(answer: Mapping[str, object]) -> float | None:
    """The seconds of a 429's body, None when it names no such time."""
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
    """The body as a JSON object; what is none (an HTML page, a cut text) as an empty one."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _reason(status: int, answer: Mapping[str, object]) -> str:
    """The answer in a few safe words: status, Discord's message, and the places it complains about."""
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
