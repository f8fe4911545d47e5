"""HTTP server of the stand-in: parses plain and multipart requests and sends responses on loopback."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message as Header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; `payload` is None if the body is not a JSON object."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    payload: dict[str, Any] | None
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response; `body` is JSON unless it is bytes."""

    status: int
    body: "dict[str, Any] | bytes" = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    """Sends the reply of `answer` to each request; None drops the connection."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Callable[[Request], Reply | None]) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore closed connections."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Handle a request of any method."""
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.close_connection = True
        if len(body) < length:
            return  # the sender died while sending: not a request
        payload, files = _parse(self.headers, body)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers=dict(self.headers.items()),
            body=body,
            payload=payload,
            files=files,
        )
        if reply := self.server.answer(request):
            self._send(reply)

    do_PATCH = do_GET = do_POST  # noqa: N815  # names of http.server

    def _send(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "text/html" if isinstance(reply.body, bytes) else "application/json")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # name of http.server
        """Do not log; the stand-in records requests itself."""


def _parse(headers: Header, body: bytes) -> tuple[dict[str, Any] | None, dict[str, bytes]]:
    """Return the JSON and the files of a plain or multipart request."""
    if headers.get_content_maintype() != "multipart":
        return _json(body), {}
    files: dict[str, bytes] = {}
    payload: dict[str, Any] | None = None
    for part in body.split(b"--" + str(headers.get_boundary()).encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'[ ;]name="([^"]*)"', head)
        filename = re.search(rb'filename="([^"]*)"', head)
        if filename:
            files[filename[1].decode()] = content
        elif name and name[1] == b"payload_json":
            payload = _json(content)
    return payload, files


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
