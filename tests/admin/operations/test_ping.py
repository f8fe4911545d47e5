"""Tests of the dead man's switch: the requests it gets, and that its failures do not affect the run."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from etstats.admin.ping import pinged
from etstats.errors import AccessError, SourceError
from tests.support.sftp_server import free_port

Requests = list[tuple[str, str]]


@pytest.fixture
def service() -> Iterator[tuple[str, Requests]]:
    """Return a service on loopback: its URL, and the requests it received (path, text)."""
    requests: Requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            requests.append((self.path, text))
            self.send_response(404 if "refuse" in self.path else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret-id", requests
    server.shutdown()
    thread.join()
    server.server_close()


def test_successful_run_sends_start_and_success(service: tuple[str, Requests]) -> None:
    """Start, then success with the last lines; a quarantined file is not a failure."""
    url, requests = service
    with pinged(url):
        pass
    with pinged(f"{url}?create=1") as run:
        run.lines.extend(f"line {index}" for index in range(30))
        run.code = 3
    assert requests[:2] == [("/secret-id/start", ""), ("/secret-id", "")]
    assert requests[2][0] == "/secret-id/start?create=1"
    assert requests[3][0] == "/secret-id?create=1"
    assert requests[3][1].splitlines() == [f"line {index}" for index in range(10, 30)]


def test_failed_run_sends_its_reason(service: tuple[str, Requests]) -> None:
    """Failures are reported by exit code or exception; the exception propagates, and no secret is sent."""
    url, requests = service
    with pinged(url) as run:
        run.code = 2
    with pytest.raises(AccessError), pinged(url):
        raise AccessError(f"refused at {url}")
    with pytest.raises(KeyError), pinged(url):
        raise KeyError(url)
    failed = [text for path, text in requests if path == "/secret-id/fail"]
    assert failed == ["", "refused at ***", "KeyError"]


def test_temporary_failure_sends_only_the_start(service: tuple[str, Requests]) -> None:
    """A temporary network failure causes no alert: only the start is reported."""
    url, requests = service
    with pytest.raises(SourceError), pinged(url):
        raise SourceError("down")
    with pinged(url) as run:
        run.code = 75
    assert [path for path, _ in requests] == ["/secret-id/start"] * 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/x", "no address", "http://[::bad/x", "ftp://x/y", ""])
def test_unreachable_service_does_not_fail_a_run(url: str) -> None:
    """Without a service or URL the result of the run is unchanged."""
    with pinged(url.format(port=free_port())) as run:
        run.code = 0


def test_error_response_does_not_fail_a_run(service: tuple[str, Requests], tmp_path: Path) -> None:
    """An error response is only logged."""
    url, requests = service
    with pinged(f"{url}/refuse"):
        pass
    assert len(requests) == 2


def test_nothing_is_sent_without_a_url() -> None:
    """Without the setting the run is unchanged."""
    with pinged(None) as run:
        run.code = 2
