"""The dead-man ping: what the service hears, and that nothing it does can matter."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from etstats.admin.ping import pinged
from etstats.errors import AccessError, SourceError
from tests.sync.server import free_port

Heard = list[tuple[str, str]]


@pytest.fixture
def service() -> Iterator[tuple[str, Heard]]:
    """A service on loopback: its address for us, and what it heard (path, text)."""
    heard: Heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            heard.append((self.path, text))
            self.send_response(404 if "refuse" in self.path else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret-id", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_good_run_is_begun_and_ended(service: tuple[str, Heard]) -> None:
    """Start, then success with the last lines; a file in quarantine does not make a run bad."""
    url, heard = service
    with pinged(url):
        pass
    with pinged(f"{url}?create=1") as run:
        run.lines.extend(f"line {n}" for n in range(30))
        run.code = 3
    assert heard[:2] == [("/secret-id/start", ""), ("/secret-id", "")]
    assert heard[2][0] == "/secret-id/start?create=1"
    assert heard[3][0] == "/secret-id?create=1"
    assert heard[3][1].splitlines() == [f"line {n}" for n in range(10, 30)]


def test_a_bad_run_is_told_with_its_reason(service: tuple[str, Heard]) -> None:
    """By its exit code, by our error or by any other; the error goes on its way, and no secret with it."""
    url, heard = service
    with pinged(url) as run:
        run.code = 2
    with pytest.raises(AccessError), pinged(url):
        raise AccessError(f"refused at {url}")
    with pytest.raises(KeyError), pinged(url):
        raise KeyError(url)
    failed = [text for path, text in heard if path == "/secret-id/fail"]
    assert failed == ["", "refused at ***", "KeyError"]


def test_what_will_pass_is_not_told(service: tuple[str, Heard]) -> None:
    """A network that is down for a minute is no alarm: only the start was heard."""
    url, heard = service
    with pytest.raises(SourceError), pinged(url):
        raise SourceError("down")
    with pinged(url) as run:
        run.code = 75
    assert [path for path, _ in heard] == ["/secret-id/start"] * 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/x", "no address", "http://[::bad/x", "ftp://x/y", ""])
def test_a_dead_service_cannot_fail_a_run(url: str) -> None:
    """Nobody there, or no address at all: the run is what it was."""
    with pinged(url.format(port=free_port())) as run:
        run.code = 0


def test_a_refusing_service_cannot_fail_a_run(service: tuple[str, Heard], tmp_path: Path) -> None:
    """An error answer is only logged."""
    url, heard = service
    with pinged(f"{url}/refuse"):
        pass
    assert len(heard) == 2


def test_without_an_address_nothing_is_sent() -> None:
    """The setting is left out: the run is given all the same."""
    with pinged(None) as run:
        run.code = 2
