"""A Discord stand-in with network, proxy and server faults."""

import enum
import json

from etstats.demo.discord import StandIn
from etstats.demo.discord_wire import Reply, Request


class Fault(enum.Enum):
    """A fault of one request."""

    BAD_GATEWAY_PAGE = "502 with an HTML page"
    UNAVAILABLE = "503 with an HTML page"
    SERVER_ERROR_BEFORE = "500, not accepted"
    SERVER_ERROR_AFTER = "500, though accepted"
    GATEWAY_TIMEOUT_AFTER = "504, though accepted"
    DROP_BEFORE = "connection dropped, not accepted"
    DROP_AFTER = "connection dropped, though accepted"
    CUT_ANSWER = "an answer cut in half, though accepted"
    NO_CONTENT = "204 without the message, though accepted"
    OTHER_WEBHOOK = "an answer about another webhook's message, though accepted"
    REDIRECT = "302 to somewhere"
    BROKEN_REDIRECT = "308 to nowhere that can be read"
    RATE_LIMIT = "429 with a time"
    LONG_RATE_LIMIT = "429 with a long time"
    OLD_EDITS_LIMIT = "429 for an edit of an old message"
    NO_RETRY_AFTER = "429 without a time"
    CLOUDFLARE_BAN = "429, error code: 1015"
    FORBIDDEN_PAGE = "403 with an HTML page"
    PAGE_NOT_FOUND = "404 with an HTML page"
    OTHER_INFO = "200 about another webhook"
    NETWORK_BLOCKED = "403, internal network error"
    UNAUTHORIZED = "401 with code 0"
    NOT_FOUND = "404 with code 0"
    ARCHIVED = "400, the thread is archived"
    NOT_PERMITTED = "403, missing permissions"
    METHOD_NOT_ALLOWED = "405"
    PROXY_LOGIN = "407 with an HTML page"
    TEAPOT = "418"
    TOO_LARGE = "413"
    WORDY_LIMIT = "accepted, with a limit's header that is a word"
    SENSELESS_LIMIT = "accepted, with a limit's header that is not a number"
    ENDLESS_LIMIT = "accepted, with a limit's header that asks for days"


_PAGE = b"<html><head><title>cloudflare</title></head><body>\xff</body></html>"
_BEFORE = {
    Fault.BAD_GATEWAY_PAGE: Reply(status=502, body=_PAGE),
    Fault.UNAVAILABLE: Reply(status=503, body=_PAGE),
    Fault.SERVER_ERROR_BEFORE: Reply(status=500, body={"message": "500: Internal Server Error", "code": 0}),
    Fault.DROP_BEFORE: None,
    Fault.REDIRECT: Reply(status=302, headers={"Location": "/elsewhere"}),
    Fault.BROKEN_REDIRECT: Reply(status=308, headers={"Location": "http://[\xff"}),
    Fault.RATE_LIMIT: Reply(status=429, body={"message": "limited", "retry_after": 1.5, "global": False}),
    Fault.LONG_RATE_LIMIT: Reply(status=429, body={"message": "limited", "retry_after": 45, "global": True}),
    Fault.OLD_EDITS_LIMIT: Reply(
        status=429,
        body={"message": "Maximum number of edits reached", "code": 30046, "retry_after": 2400},
        headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "2400"},
    ),
    Fault.NO_RETRY_AFTER: Reply(status=429, body={"message": "limited"}),
    Fault.CLOUDFLARE_BAN: Reply(status=429, body=b"error code: 1015"),
    Fault.FORBIDDEN_PAGE: Reply(status=403, body=_PAGE),
    Fault.PAGE_NOT_FOUND: Reply(status=404, body=_PAGE),
    Fault.NETWORK_BLOCKED: Reply(status=403, body={"message": "internal network error", "code": 40333}),
    Fault.UNAUTHORIZED: Reply(status=401, body={"message": "401: Unauthorized", "code": 0}),
    Fault.NOT_FOUND: Reply(status=404, body={"message": "404: Not Found", "code": 0}),
    Fault.ARCHIVED: Reply(status=400, body={"message": "Thread is archived", "code": 50083}),
    Fault.NOT_PERMITTED: Reply(status=403, body={"message": "Missing Permissions", "code": 50013}),
    Fault.METHOD_NOT_ALLOWED: Reply(status=405, body={"message": "405: Method Not Allowed", "code": 0}),
    Fault.PROXY_LOGIN: Reply(status=407, body=_PAGE),
    Fault.TEAPOT: Reply(status=418, body={"message": "Automation traffic is blocked", "code": 20022}),
    Fault.TOO_LARGE: Reply(status=413, body={"message": "Request entity too large", "code": 40005}),
    Fault.OTHER_INFO: Reply(status=200, body={"id": "99", "name": "other"}),
}


CHANNEL_REFUSALS = frozenset(
    {
        Fault.UNAUTHORIZED,
        Fault.NOT_FOUND,
        Fault.ARCHIVED,
        Fault.NOT_PERMITTED,
        Fault.METHOD_NOT_ALLOWED,
        Fault.PROXY_LOGIN,
        Fault.TEAPOT,
    }
)
"""The answers that speak of the channel, not of the message."""


class Faulty(StandIn):
    """A Discord stand-in that answers each request with the next of `faults` (None: without a fault).

    `unseen` are the requests that never reached Discord.
    """

    faults: list[Fault | None]

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.faults = []
        self.unseen: list[Request] = []

    def answer(self, request: Request) -> Reply | None:
        with self._lock:
            fault = self.faults.pop(0) if self.faults else None
            if fault in _BEFORE:
                return self._instead(_BEFORE[fault], request)
            reply = super().answer(request)
            if fault is None or reply is None or reply.status >= 300:
                return reply
            return self._after(fault, reply)

    def _instead(self, reply: Reply | None, request: Request) -> Reply | None:
        self.unseen.append(request)
        if reply is None or reply.status != 429 or not isinstance(reply.body, dict):
            return reply
        # The limit of old messages' edits is none of the webhook.
        if "retry_after" in reply.body and reply.body.get("code") != 30046:
            webhook_id = request.path.split("/")[4]
            if self._clock() < self._shut_until.get(webhook_id, 0.0):
                self.early.append("a retry before the time named")
            self._shut_until[webhook_id] = self._clock() + reply.body["retry_after"]
        return reply

    @staticmethod
    def _after(fault: Fault, reply: Reply) -> Reply | None:
        body = json.dumps(reply.body).encode()
        match fault:
            case Fault.DROP_AFTER:
                return None
            case Fault.CUT_ANSWER:
                return Reply(status=200, body=body[: len(body) // 2])
            case Fault.NO_CONTENT:
                return Reply(status=204)
            case Fault.OTHER_WEBHOOK if isinstance(reply.body, dict):
                return Reply(status=200, body={**reply.body, "webhook_id": "99"})
            case Fault.WORDY_LIMIT | Fault.SENSELESS_LIMIT | Fault.ENDLESS_LIMIT:
                after = {Fault.WORDY_LIMIT: "soon", Fault.SENSELESS_LIMIT: "nan", Fault.ENDLESS_LIMIT: "1e6"}[
                    fault
                ]
                headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": after}
                return Reply(status=200, body=reply.body, headers=headers)
            case Fault.SERVER_ERROR_AFTER:
                return Reply(status=500, body=_PAGE)
        return Reply(status=504, body=_PAGE)
