"""A local web server for the site."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from etstats.errors import ConfigError
from etstats.site.folder import MANIFEST
from etstats.site.policy import CONTENT_SECURITY_POLICY

_HOST = "127.0.0.1"


class _SiteHandler(SimpleHTTPRequestHandler):
    """Serve files with the headers of docs/site.md; no listings, no hidden files, no manifest."""

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
        """Return the file of a request; hidden files and the manifest are not found."""
        found = super().translate_path(path)
        inside = Path(found).relative_to(self.directory).parts
        return "" if any(part.startswith(".") or part == MANIFEST for part in inside) else found

    def list_directory(self, path: object) -> None:
        """Return "not found" for a folder without a page."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # name of the parent class
        """Do not log requests."""


def site_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the site in a folder, on the loopback address; port 0: any free port.

    ConfigError: the folder contains no site, or the port cannot be used.
    """
    root = folder.resolve()
    if not (root / MANIFEST).is_file():
        raise ConfigError(f"no site in {folder}; build one with: etstats site build {folder}")
    try:
        return ThreadingHTTPServer((_HOST, port), partial(_SiteHandler, directory=str(root)))
    except OSError as error:
        raise ConfigError(f"cannot listen on {_HOST}:{port}: {error.strerror}; choose another --port") from error
