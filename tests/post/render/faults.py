"""The stand-in Discord with everything that goes wrong in front of it, behind it and on the way back."""

import enum
import json

from etstats.demo.discord import StandIn
from etstats.demo.discord_wire import Reply, Request


class Fault(enum.Enum):
    """One thing that can happen to one request."""

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
    Fault.OTHER_INFO: Reply(status=200, body={"id": "99", "name": "other"}),
}


class Faulty(StandIn):
    """Discord that meets each request with the next of `faults` (None: none), and is well when they are used up.

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
        is_limit = reply is not None and reply.status == 429 and isinstance(reply.body, dict)
        # The limit of old messages' edits is none of the webhook.
        if is_limit and "retry_after" in reply.body and reply.body.get("code") != 30046:
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
            case Fault.OTHER_WEBHOOK:
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
