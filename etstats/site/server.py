"""A local web server for the site."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from etstats.errors import ConfigError
from etstats.site.folder import MANIFEST
from etstats.site.policy import CONTENT_SECURITY_POLICY

_HOST = "127.0.0.1"


class _SiteHandler(SimpleHTTPRequestHandler):
    """Serve files with the headers of docs/site.md; no listings, no hidden files, no manifest."""

    timeout = 30.0  # seconds for a request to arrive, and for each part of an answer to leave
    server_version = "etstats"
    sys_version = ""
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".xml": "application/atom+xml; charset=utf-8",
        ".svg": "image/svg+xml",
    }

    def end_headers(self) -> None:
        """Add the headers of every response."""
        self.send_header("Content-Security-Policy", f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def translate_path(self, path: str) -> str:
        """Return the file of a request; hidden files, the manifest and impossible names are not found."""
        found = super().translate_path(path)
        inside = Path(found).relative_to(self.directory).parts
        is_private = any(part.startswith(".") or part == MANIFEST for part in inside)
        return "" if is_private or "\0" in found else found

    def list_directory(self, path: object) -> None:
        """Return "not found" for a folder without a page."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # name of the parent class
        """Do not log requests."""


class _SiteServer(ThreadingHTTPServer):
    """A server that says nothing of clients that close their connection or are too slow."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a traceback only for an error that the connection did not cause."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # a socket, in socketserver


def site_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the site in a folder, on the loopback address; port 0: any free port.

    ConfigError: the folder contains no site, or the port cannot be used.
    """
    root = folder.resolve()
    if not (root / MANIFEST).is_file():
        raise ConfigError(f"no site in {folder}; build one with: etstats site build {folder}")
    try:
        return _SiteServer((_HOST, port), partial(_SiteHandler, directory=str(root)))
    except OSError as error:
        raise ConfigError(f"cannot listen on {_HOST}:{port}: {error.strerror}; choose another --port") from error
