"""The `[site]` settings."""

import re
from dataclasses import dataclass

from etstats.errors import ConfigError

_URL = re.compile(r"https?://[^\s\"'<>\\^`{|}?#]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """The static site: with `path` it is updated after each import, with `url` posts link to it."""

    path: str | None = None
    url: str | None = None
    title: str = "ET:Legacy stats"
    noindex: bool = False
    """Ask search engines to leave the site out."""


def address(url: str | None) -> str | None:
    """Return the site's URL without a trailing slash; ConfigError if it is invalid."""
    if url is None:
        return None
    if not _URL.fullmatch(url):
        raise ConfigError(f'[site] url: invalid address "{url}"; expected one such as https://stats.example.org')
    return url.rstrip("/")
