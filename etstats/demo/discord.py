"""A stand-in for Discord over HTTP on loopback, which enforces Discord's rules and records all requests.

It accepts webhook messages (execute, edit, read), responds to violations with Discord's error bodies, enforces the
rate limits, and records errors of a sender: duplicates, early retries, forbidden pings.
"""

import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from etstats.demo.discord_rules import breaches, complaints, is_empty, is_too_large, nested, pings
from etstats.demo.discord_wire import Reply, Request, Server

_PATH = re.compile(r"/api(?:/v(\d+))?/webhooks/(\d+)/([\w-]+)(?:/messages/(\d+))?")
_LIMITS = ((5, 2.0), (30, 60.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook of the stand-in; `url` is that of Discord's 'Copy Webhook URL'."""

    webhook_id: str
    token: str
    channel_id: str
    url: str
    is_forum: bool


@dataclass(slots=True, kw_only=True)
class StoredMessage:
    """A message in a channel, after its edits."""

    message_id: str
    webhook_id: str
    channel_id: str
    payload: dict[str, Any]
    files: dict[str, bytes]
    edits: int = 0


class StandIn:
    """Discord on loopback, from `with` to the end of the block.

    `posts` are the messages, in order; `violations`, `duplicates`, `early` and `pinged` are errors of the sender.
    `clock` measures the rate limits, `limited=False` disables them.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, limited: bool = True) -> None:
        self.posts: list[StoredMessage] = []
        self.violations: list[str] = []
        self.duplicates: list[str] = []
        self.early: list[str] = []
        self.pinged: set[str] = set()
        self.requests: list[Request] = []
        self._clock = clock
        self._limited = limited
        self._lock = threading.RLock()
        self._ids = iter(range(1_100_000_000_000_000_001, 1_200_000_000_000_000_000))
        self._hooks: dict[str, Hook] = {}
        self._threads: dict[str, str] = {}
        self._seen: dict[tuple[str, str], deque[float]] = defaultdict(lambda: deque(maxlen=30))
        self._shut_until: dict[str, float] = {}
        self._server = Server(self.answer)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add_webhook(self, *, forum: bool = False) -> Hook:
        """Add a webhook in a new channel; in a forum each message opens or names a thread."""
        webhook_id, channel_id = self._new_id(), self._new_id()
        token = f"secret-token-{webhook_id}"
        url = f"{self.origin}/api/webhooks/{webhook_id}/{token}"
        hook = Hook(webhook_id=webhook_id, token=token, channel_id=channel_id, url=url, is_forum=forum)
        self._hooks[webhook_id] = hook
        return hook

    def add_thread(self, hook: Hook) -> str:
        """Add a thread to a webhook's channel; return its id."""
        thread_id = self._new_id()
        self._threads[thread_id] = hook.webhook_id
        return thread_id

    def delete_webhook(self, hook: Hook) -> None:
        """Delete a webhook, as an admin of the channel would."""
        del self._hooks[hook.webhook_id]

    def restore_webhook(self, hook: Hook) -> None:
        """Undo `delete_webhook`."""
        self._hooks[hook.webhook_id] = hook

    def delete_message(self, message_id: str) -> None:
        """Delete a message, as a moderator would."""
        self.posts[:] = [post for post in self.posts if post.message_id != message_id]

    def answer(self, request: Request) -> Reply | None:
        """Return Discord's response; None drops the connection. Override this to simulate faults."""
        with self._lock:
            self.requests.append(request)
            found = _PATH.fullmatch(request.path)
            if not found or found[1] != "10":
                self.violations.append(f"{request.method} on a path that is not API v10")
                return _error(400, 50041, "Invalid API version") if found else _error(404, 0, "404: Not Found")
            hook = self._hooks.get(found[2])
            if not hook:
                return _error(404, 10015, "Unknown Webhook")
            if hook.token != found[3]:
                return _error(401, 50027, "Invalid Webhook Token")
            if request.method == "GET":
                return self._read(hook, found[4])
            limited = self._count(hook, request.method)
            reply = limited if limited.status == 429 else self._write(hook, request, found[4])
            return Reply(status=reply.status, body=reply.body, headers={**limited.headers, **reply.headers})

    def _write(self, hook: Hook, request: Request, message_id: str | None) -> Reply:
        payload, thread_id = request.payload or {}, request.query.get("thread_id")
        if malformed := _malformed(request):
            self.violations.append(json.dumps(malformed.body))
            return malformed
        if thread_id and self._threads.get(thread_id) != hook.webhook_id:
            return _error(404, 10003, "Unknown Channel")
        if request.method == "PATCH":
            return self._edit(message_id, thread_id or hook.channel_id, payload, request.files)
        if hook.is_forum and not (thread_id or payload.get("thread_name")):
            return _error(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
        if payload.get("thread_name") and not hook.is_forum:
            return _error(400, 220003, "Webhooks can only create threads in forum channels")
        return self._post(
            hook, request, payload, self.add_thread(hook) if payload.get("thread_name") else thread_id
        )

    def _post(self, hook: Hook, request: Request, payload: dict[str, Any], thread_id: str | None) -> Reply:
        post = StoredMessage(
            message_id=self._new_id(),
            webhook_id=hook.webhook_id,
            channel_id=thread_id or hook.channel_id,
            payload=payload,
            files=request.files,
        )
        self.duplicates += [
            f"{old.message_id} = {post.message_id}"
            for old in self.posts
            if (old.webhook_id, old.payload) == (post.webhook_id, post.payload)
        ]
        self._inspect(payload, request.files)
        self.posts.append(post)
        return Reply(status=200, body=_message(post)) if request.query.get("wait") == "true" else Reply(status=204)

    def _edit(
        self, message_id: str | None, channel_id: str, payload: dict[str, Any], files: dict[str, bytes]
    ) -> Reply:
        post = self._find(message_id)
        if not post or post.channel_id != channel_id:
            return _error(404, 10008, "Unknown Message")
        if "attachments" in payload:
            keep = {str(one.get("filename")) for one in payload["attachments"]}
            post.files = {name: content for name, content in post.files.items() if name in keep}
        post.files |= files
        post.payload = post.payload | payload
        post.edits += 1
        self._inspect(payload, post.files)
        return Reply(status=200, body=_message(post))

    def _read(self, hook: Hook, message_id: str | None) -> Reply:
        if message_id:
            post = self._find(message_id)
            return Reply(status=200, body=_message(post)) if post else _error(404, 10008, "Unknown Message")
        shown = {
            "id": hook.webhook_id,
            "type": 1,
            "name": "etstats",
            "channel_id": hook.channel_id,
            "guild_id": "1",
        }
        return Reply(status=200, body={**shown, "avatar": None, "application_id": None, "token": hook.token})

    def _count(self, hook: Hook, method: str) -> Reply:
        """Count a request: 429 if a limit is reached, else 200 with the headers of the bucket."""
        if not self._limited:
            return Reply(status=200)
        now = self._clock()
        if now < self._shut_until.get(hook.webhook_id, 0.0):
            self.early.append(f"{method} came {self._shut_until[hook.webhook_id] - now:.3f} s too early")
        seen = self._seen[hook.webhook_id, method]
        for count, seconds in _LIMITS:
            if len(seen) >= count and seen[-count] + seconds > now:
                wait = round(seen[-count] + seconds - now + 0.001, 3)
                self._shut_until[hook.webhook_id] = now + wait
                return _limit_reply(wait, len(seen))
        seen.append(now)
        recent = [moment for moment in seen if moment > now - 2.0]
        return Reply(status=200, headers=_limit_headers(5 - len(recent), recent[0] + 2.0 - now))

    def _inspect(self, payload: dict[str, Any], files: dict[str, bytes]) -> None:
        self.violations += breaches(payload, files)
        self.pinged |= pings(payload)

    def _find(self, message_id: str | None) -> StoredMessage | None:
        return next((post for post in self.posts if post.message_id == message_id), None)

    def _new_id(self) -> str:
        with self._lock:
            return str(next(self._ids))


def _message(post: StoredMessage) -> dict[str, Any]:
    return {
        "id": post.message_id,
        "type": 0,
        "webhook_id": post.webhook_id,
        "channel_id": post.channel_id,
        "content": post.payload.get("content", ""),
        "embeds": post.payload.get("embeds", []),
        "attachments": [
            {"id": str(number), "filename": name, "size": len(content)}
            for number, (name, content) in enumerate(post.files.items())
        ],
    }


def _malformed(request: Request) -> Reply | None:
    """Return the error for a message that violates a limit, else None."""
    if is_too_large(request.body, request.files):
        return _error(413, 40005, "Request entity too large")
    if request.payload is None:
        return _error(400, 50109, "The request body contains invalid JSON.")
    if found := complaints(request.payload, request.files):
        return _error(400, 50035, "Invalid Form Body", errors=nested(found))
    if request.method == "POST" and is_empty(request.payload, request.files):
        return _error(400, 50006, "Cannot send an empty message")
    return None


def _error(status: int, code: int, message: str, **more: object) -> Reply:
    return Reply(status=status, body={"message": message, "code": code, **more})


def _limit_reply(wait: float, seen: int) -> Reply:
    body = {"message": "You are being rate limited.", "retry_after": wait, "global": False}
    return Reply(
        status=429, body=body, headers={"Retry-After": str(int(wait) + 1), **_limit_headers(seen % 5, wait)}
    )


def _limit_headers(left: int, seconds: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": str(max(0, left)),
        "X-RateLimit-Reset-After": f"{seconds:.3f}",
        "X-RateLimit-Bucket": "stand-in",
    }
