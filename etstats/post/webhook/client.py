"""Deliver messages to a Discord webhook, one at a time, with a time limit.

Network errors do not raise: every response, and every missing response, becomes an `Outcome`.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import requests
import urllib3
from discord_webhook import DiscordWebhook

from etstats import __version__
from etstats.post.render.message import Json, Message
from etstats.post.render.text import fit
from etstats.post.webhook.address import parse_address
from etstats.post.webhook.network_errors import judge_exception, quiet_urllib3
from etstats.post.webhook.rate_limit import RateLimit
from etstats.post.webhook.responses import (
    Banned,
    Failure,
    NotAccepted,
    Outcome,
    RetryAfter,
    Unknown,
    WebhookInfo,
    judge,
    judge_failure,
    read_json,
)

TIMEOUTS = (3.0, 10.0)  # seconds to connect, and to wait for each part of a response
_ATTEMPTS = 5
_ANSWER_BYTES = 1 << 20
_MARGIN = 0.05  # seconds in addition to the wait requested by Discord
_LONGEST_RESET = 60.0
_HEADERS = {"User-Agent": f"DiscordBot (etstats, {__version__})"}


class Webhook:
    """A webhook, with the rate limit of all messages sent through this object.

    `url` as pasted; ConfigError if it is not a Discord webhook. `thread_id` posts into that thread.
    """

    def __init__(
        self,
        url: str,
        thread_id: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = parse_address(url, thread_id)
        self._clock = clock
        self._sleep = sleep
        self._pace = RateLimit(clock)
        quiet_urllib3()

    def __repr__(self) -> str:
        return f"Webhook({self.webhook_id})"

    @property
    def webhook_id(self) -> str:
        """Return the webhook's id, which is not secret."""
        return self._address.webhook_id

    def send(
        self,
        message: Message,
        files: Mapping[str, bytes] | None = None,
        *,
        budget: float,
        thread_id: str | None = None,
    ) -> Outcome:
        """Post a message with its pictures (name -> bytes, as `message.attachments` names them).

        No attempt starts after `budget` seconds; a started one ends within its timeouts. Retries only if nothing
        was accepted. `thread_id` overrides that of the webhook.
        """
        parcel = _Parcel("POST", "", message.to_payload(), _checked(message, files or {}), thread_id)
        return self._deliver(parcel, budget)

    def edit(
        self,
        message_id: str,
        message: Message,
        files: Mapping[str, bytes] | None = None,
        *,
        budget: float,
        thread_id: str | None = None,
    ) -> Outcome:
        """Replace a posted message; without `files` its pictures are kept.

        Edits are idempotent, so a lost response is `NotAccepted`, never `Unknown`.
        """
        payload = message.to_payload(edit=True)
        if files is None:
            payload.pop("attachments", None)
        else:
            payload.setdefault("attachments", [])  # attachments not listed are removed
        pictures = _checked(message, files) if files is not None else {}
        return self._deliver(_Parcel("PATCH", f"/messages/{message_id}", payload, pictures, thread_id), budget)

    def info(self) -> WebhookInfo | Failure:
        """Query the webhook, once and without posting."""
        answer = self._exchange(_Parcel("GET", "", None, {}, None))
        if not isinstance(answer, _Answer):
            return answer
        if answer.status != 200:
            return judge_failure(answer.status, answer.headers, answer.body)
        said = read_json(answer.body)
        if said.get("id") != self.webhook_id:
            return NotAccepted("the answer is not about this webhook")
        return WebhookInfo(
            name=fit(str(said.get("name") or ""), 80),
            channel_id=fit(str(said.get("channel_id") or ""), 20),
        )

    def _deliver(self, parcel: "_Parcel", budget: float) -> Outcome:
        """Retry until the outcome is final, the time is over, or the maximum of attempts is reached."""
        deadline = self._clock() + budget
        outcome: Outcome = NotAccepted("no time was left for it in this run")
        for attempt in range(_ATTEMPTS):
            wait = self._pace.wait()
            if self._clock() + wait >= deadline:
                return RetryAfter(wait) if wait and attempt == 0 else outcome
            if wait:
                self._sleep(wait)
            self._pace.count()
            outcome = self._attempt(parcel)
            match outcome:
                case RetryAfter(edits_only=True):
                    return outcome
                case RetryAfter(seconds):
                    self._pace.hold(seconds + _MARGIN)
                case NotAccepted():
                    self._pace.hold(2.0**attempt)
                case Banned(seconds):
                    self._pace.hold(seconds)
                    return outcome
                case _:
                    return outcome
        return outcome

    def _attempt(self, parcel: "_Parcel") -> Outcome:
        answer = self._exchange(parcel)
        if not isinstance(answer, _Answer):
            outcome: Outcome = answer
            is_of_edits = False
        else:
            outcome = judge(answer.status, answer.headers, answer.body, self.webhook_id)
            is_of_edits = isinstance(outcome, RetryAfter) and outcome.edits_only
            if answer.headers.get("X-RateLimit-Remaining") == "0" and not is_of_edits:
                self._pace.hold(_seconds(answer.headers.get("X-RateLimit-Reset-After", "")))
        if isinstance(outcome, Unknown) and parcel.method == "PATCH":
            return NotAccepted(outcome.reason)
        if is_of_edits and parcel.method != "PATCH":
            return NotAccepted("Discord answered a new post with its limit of edits")
        return outcome

    def _exchange(self, parcel: "_Parcel") -> "_Answer | NotAccepted | Unknown":
        """Send one request and return its response; catch exceptions of the library, which may contain the URL."""
        call = _Call(self._address.url(parcel.path), parcel, parcel.thread_id or self._address.thread_id)
        try:
            return call.exchange()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return judge_exception(error)


class _Parcel(NamedTuple):
    """A request to deliver: `path` is appended to the webhook's URL, `files` are name -> bytes."""

    method: str
    path: str
    payload: Json | None
    files: Mapping[str, bytes]
    thread_id: str | None


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Call(DiscordWebhook):
    """One attempt, built by discord_webhook and sent with our own HTTP session.

    The library's own sending follows redirects, reads responses of any length, sends its settings as JSON and
    drops the query of an edit with files.
    """

    def __init__(self, url: str, parcel: _Parcel, thread_id: str | None) -> None:
        super().__init__(url, thread_id=thread_id, timeout=TIMEOUTS, **(parcel.payload or {}))
        self._parcel = parcel

    @property
    def json(self) -> Json:
        """Return only the message, without fields of the library."""
        return self._parcel.payload or {}

    def exchange(self) -> _Answer:
        """Send, and read the complete response; raises requests.RequestException."""
        method, _, payload, files, _ = self._parcel
        params = {"wait": "true"} if method == "POST" else {}
        if self.thread_id:
            params["thread_id"] = self.thread_id
        text = json.dumps(self.json, separators=(",", ":"))
        parts: dict[str, tuple[str | None, str | bytes]] = {"payload_json": (None, text)}
        parts |= {f"files[{number}]": (name, content) for number, (name, content) in enumerate(files.items())}
        as_json = payload is not None and not files
        session = _HttpSession(is_local=not self.url.startswith("https://discord.com/"))
        with (
            session,
            session.request(
                method,
                self.url,
                params=params,
                data=text.encode() if as_json else None,
                files=parts if files else None,
                headers=_HEADERS | ({"Content-Type": "application/json"} if as_json else {}),
                timeout=TIMEOUTS,
                stream=True,
            ) as response,
        ):
            return _Answer(response.status_code, response.headers, _read(response))


class _HttpSession(requests.Session):
    """Follows no redirects, ignores ~/.netrc, and uses the system's proxy except for a stand-in."""

    def __init__(self, *, is_local: bool) -> None:
        super().__init__()
        self.trust_env = not is_local
        self.auth = _no_auth

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: a redirect is a normal response."""


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read(response: requests.Response) -> bytes:
    """Return the response body, truncated if it is longer than any of Discord's."""
    body = bytearray()
    for part in response.iter_content(1 << 16):
        body += part
        if len(body) > _ANSWER_BYTES:
            break
    return bytes(body)


def _checked(message: Message, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return the pictures in the order of the message; raise ValueError for a missing or extra one."""
    if set(files) != set(message.attachments):
        raise ValueError(f"the message lists {message.attachments}, but the files are {tuple(files)}")
    return {name: files[name] for name in message.attachments}


def _seconds(text: str) -> float:
    """Return the seconds of a header, within limits."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_RESET) if math.isfinite(seconds) else 0.0
